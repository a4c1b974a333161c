/** Samples of what a program is doing, and how long it is worth waiting for. Nothing here goes by the clock alone. */
import type { Schedule, TcpSocket } from '../observe/proc.js';
import { sentence, type ThreadState } from '../observe/snapshot.js';

/** Between two samples. */
export const INTERVAL_MS = 10;

/** What a program does is what most of this many samples show. */
export const SAMPLES = 20;

/** So many samples in a row that show no movement: the program waits for something from outside. */
const REST_SAMPLES = 12;

/** Where the scheduler's counts cannot be read, a thread may have run unseen between two samples. */
const REST_SAMPLES_UNCOUNTED = 40;

/** One sample counts for no more: between two of them this process itself may have waited for a processor. */
export const MAX_INTERVAL_MS = 4 * INTERVAL_MS;

/** However busy the machine is, a program is taken to run at most this many times slower than alone. */
const MAX_SLOWDOWN = 10;

/** What a program was doing at a moment. */
export interface Sample {
  atMs: number;
  threads: ThreadState[];
  /** what the scheduler knows of each thread, by its id; of none where the kernel does not show it */
  schedules: Map<number, Schedule>;
}

/** @param threads what they are doing now */
export function sampleOf(threads: ThreadState[]): Sample {
  const known = threads.flatMap(({ tid, schedule }) => (schedule ? [[tid, schedule] as const] : []));
  return { atMs: performance.now(), threads, schedules: new Map(known) };
}

/** Of a tick in /proc/PID/stat. */
const TICK_MS = 10;

/** How much more one of two samples has than the other, for each thread. */
function growth(first: Sample, last: Sample, what: 'cpuMs' | 'delayedMs'): number[] {
  return [...last.schedules].map(([tid, { [what]: now }]) => now - (first.schedules.get(tid)?.[what] ?? now));
}

/** For how long other programs kept this one from running between two samples: the thread that waited longest. */
function delayBetween(first: Sample, last: Sample): number {
  return Math.max(0, ...growth(first, last, 'delayedMs'));
}

/** What share of the time in which it could have run the busiest thread has run, between two samples. */
export function cpuShare(first: Sample, last: Sample): number {
  const passedMs = last.atMs - first.atMs;
  if (passedMs <= 0) return 0;
  if (last.schedules.size === 0) return cpuBetween(first, last) / passedMs;
  const delays = growth(first, last, 'delayedMs');
  const shares = growth(first, last, 'cpuMs').map((used, i) => {
    const could = Math.max(passedMs - (delays[i] ?? 0), used);
    return could > 0 ? used / could : 0;
  });
  return Math.max(0, ...shares);
}

/** The CPU time that the busiest thread has used between two samples; of its process, where threads cannot be told apart. */
function cpuBetween(first: Sample, last: Sample): number {
  if (last.schedules.size > 0) return Math.max(0, ...growth(first, last, 'cpuMs'));
  const ticksOf = ({ threads }: Sample) =>
    new Map(threads.map(({ process: { pid, ticks } }) => [pid, ticks]));
  const before = ticksOf(first);
  const grown = [...ticksOf(last)].map(([pid, now]) => now - (before.get(pid) ?? now));
  const ticks = Math.max(0, ...grown);
  return ticks < 2 ? 0 : ticks * TICK_MS; // one tick more is nothing
}

/** What has moved: bytes on the program's connections, and what it has printed. */
export interface Movement {
  flow: string;
  printedChars: number;
  /** Something has come for the program, and it has not taken notice. */
  hasNews: boolean;
  /** So much has been printed, or sent to a client, that what still moves has no end. */
  isFlood: boolean;
}

/** How many times its limit a wait may last while bytes move, and while the program only prints. */
const MOVING = 30;
const PRINTING = 3;

/**
 * Characters after which a program is taken to print without end, or to send without end to a client that has taken none
 * of them: an echo of the longest message is a third of it.
 */
export const FLOOD_CHARS = 16_000_000;

/** So many samples in a row in which a flood goes on: an end is a movement, too, but a single one. */
const FLOOD_SAMPLES = 12;

/** Decides when it is of no use to wait any longer. */
export class WaitLimit {
  readonly #limitMs: number;
  #lastMs = performance.now();
  #waitedMs = 0;
  /** Since bytes moved, and since something was printed. */
  #sinceFlowMs = 0;
  #sincePrintMs = 0;
  #before?: { sample: Sample; movement: Movement; rest: string };
  #restSamples = 0;
  #samples = 0;
  #floodSamples = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Takes a sample into account. */
  see(sample: Sample, movement: Movement): void {
    const before = this.#before;
    const delayedMs = before ? delayBetween(before.sample, sample) : 0;
    const passedMs = Math.max(sample.atMs - this.#lastMs, 0);
    // What counts is the time in which the program could have done something.
    const couldMs = Math.min(Math.max(passedMs - delayedMs, passedMs / MAX_SLOWDOWN), MAX_INTERVAL_MS);
    this.#lastMs = sample.atMs;
    this.#waitedMs += couldMs;
    this.#sinceFlowMs = before && before.movement.flow !== movement.flow ? 0 : this.#sinceFlowMs + couldMs;
    const isPrinting = before !== undefined && before.movement.printedChars !== movement.printedChars;
    this.#sincePrintMs = isPrinting ? 0 : this.#sincePrintMs + couldMs;
    const restNow = restOf(sample, movement.hasNews ? Infinity : this.#limitMs);
    const rest = isPrinting || this.#sinceFlowMs === 0 ? '' : restNow;
    this.#restSamples = rest !== '' && rest === before?.rest ? this.#restSamples + 1 : 0;
    const isFlooding = movement.isFlood && (isPrinting || this.#sinceFlowMs === 0);
    this.#floodSamples = isFlooding ? this.#floodSamples + 1 : 0;
    this.#before = { sample, movement, rest: restNow };
    this.#samples++;
  }

  /** Whether the program will do nothing more of its own accord. */
  get isAtRest(): boolean {
    const needed = this.#before?.sample.schedules.size ? REST_SAMPLES : REST_SAMPLES_UNCOUNTED;
    return this.#restSamples >= needed;
  }

  /** Whether the program has had its time. */
  get isTimeOver(): boolean {
    if (this.#floodSamples >= FLOOD_SAMPLES) return true;
    if (this.#samples <= SAMPLES) return false;
    if (this.#waitedMs > MOVING * this.#limitMs) return true;
    const since = this.#waitedMs > PRINTING * this.#limitMs ? Infinity : this.#sincePrintMs;
    return Math.min(this.#sinceFlowMs, since) > this.#limitMs;
  }
}

/** So often a program does the same, one wait or a few by turns, until that is what it does. */
const ROUNDS = 3;
const MAX_WAITS_IN_ROUND = 3;

/** A thread that has used so much CPU time while nothing moved, and that has read all that came, is in a busy loop. */
const BUSY_MS = 200;

/** Notices a program that does the same again and again while nothing moves: it goes back to the same waits, or is busy. */
export class Rounds {
  #movement = '';
  /** Since when nothing has moved, and nothing was unread. */
  #quiet?: Sample;
  #waits: string[] = [];
  #turns = '';
  #last?: Sample;

  /** Takes a sample into account, each once. @returns whether the program does nothing else */
  see(sample: Sample | undefined, movement: string): boolean {
    if (!sample || sample === this.#last) return false;
    this.#last = sample;
    if (movement !== this.#movement) this.#waits = [];
    if (movement !== this.#movement || isUnread(sample)) this.#quiet = undefined;
    this.#quiet ??= sample;
    this.#movement = movement;
    if (cpuBetween(this.#quiet, sample) >= BUSY_MS) return true;
    const turns = turnsOf(sample);
    if (turns !== this.#turns && isBlocked(sample)) this.#waits.push(waitOf(sample));
    this.#turns = turns;
    return Array.from({ length: MAX_WAITS_IN_ROUND }, (_, i) => i + 1).some((count) => this.#isRound(count));
  }

  /** Whether so many waits have come one after the other, again and again. */
  #isRound(count: number): boolean {
    const last = this.#waits.slice(-ROUNDS * count - 1);
    return last.length === ROUNDS * count + 1 && last.every((wait, i) => wait === last[i % count]);
  }
}

const isUnread = ({ threads }: Sample) => hasTcp(threads, (tcp) => tcp.unread > 0);

/** Whether bytes, a connection or the end of one have come, and it has not taken notice. */
export const hasNews = (threads: ThreadState[]) =>
  hasTcp(threads, ({ unread, state }) => unread > 0 || state === 'CLOSE_WAIT');

const hasTcp = (threads: ThreadState[], is: (tcp: TcpSocket) => boolean) =>
  threads.some(({ descriptors }) => [...descriptors.values()].some(({ tcp }) => tcp && is(tcp)));

/** Whether all of it waits for something. */
export const isBlocked = ({ threads }: Sample) =>
  threads.length > 0 && threads.every(({ call }) => call !== 'running');

/** What each thread waits in, whatever the timeout. */
const waitOf = ({ threads }: Sample) =>
  threads.map(({ tid, call, fds }) => `${tid} ${call} ${fds.map(({ fd }) => fd)}`).join();

/** How often each thread has been put on a processor; a number like no other where that cannot be seen. */
export const turnsOf = ({ schedules, threads }: Sample) =>
  threads.map(({ tid }) => `${tid} ${schedules.get(tid)?.turns ?? Math.random()}`).join();

/** Calls that end without anything from outside. */
const ENDS_BY_ITSELF = /^(running|connect|restart_syscall|system call)/;

/** A wait that lasts so long is as good as one without a timeout. */
const LONG_S = 60;

/** A timeout ends too late that lasts for this many times the limit: on a busy machine the limit lasts longer, too. */
const TOO_LATE = 2;

/**
 * What the threads are blocked in, if that can only end by something from outside, or by a timeout that ends too late; ''
 * if not. V8's own timer is such a timeout: it collects garbage 8 s after it was last busy. A sleep is none: who sleeps
 * has something to do afterwards.
 */
function restOf({ threads, schedules, atMs }: Sample, limitMs: number): string {
  const isLong = ({ call, timeoutS, timeoutEndsMs = -Infinity }: ThreadState) => {
    if (call === 'nanosleep') return (timeoutS ?? 0) > LONG_S;
    return (timeoutS ?? LONG_S) >= LONG_S || timeoutEndsMs - atMs > TOO_LATE * limitMs;
  };
  const isAtRest = (thread: ThreadState) =>
    !ENDS_BY_ITSELF.test(thread.call) &&
    isLong(thread) &&
    !thread.fds.some(({ fd }) => {
      const descriptor = thread.descriptors.get(fd);
      return descriptor?.tcp?.unread || /^\/(?!dev\/)/.test(descriptor?.name ?? '');
    });
  if (threads.length === 0 || !threads.every(isAtRest)) return '';
  return threads
    .map((thread) => `${thread.tid} ${schedules.get(thread.tid)?.turns} ${sentence(thread)}`)
    .join();
}

/** What is in the queues of the program's sockets: it changes as bytes move. */
export function flowOf(threads: ThreadState[]): string {
  const sockets = threads.flatMap(({ tid, pid, descriptors }) =>
    tid === pid ? [...descriptors.values()] : [],
  );
  return sockets.flatMap(({ tcp }) => (tcp ? [`${tcp.unread} ${tcp.unsent}`] : [])).join();
}
