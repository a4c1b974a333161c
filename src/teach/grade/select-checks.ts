/** Checks of what a program waits in, from outside: it must be select(), with the right descriptors. */
import type { Descriptor } from '../observe/fds.js';
import { sentence, type ThreadState } from '../observe/snapshot.js';
import type { Client } from './client.js';
import {
  type Diagnosis,
  diagnose,
  isBlocked,
  isRunning,
  kindOf,
  lastBlocked,
  MAJORITY,
} from './diagnosis.js';
import { HINTS, hintForCall, hintForWait, MULTIPLEXERS } from './hints.js';
import type { Run } from './run.js';
import { hasAccepted, hasRead } from './socket-queues.js';
import { cpuShare, MAX_INTERVAL_MS, SAMPLES, type Sample, turnsOf } from './watch.js';

/** A program that has nothing to do uses at most this share of a processor. */
const IDLE_SHARE = 0.05;
/** A program that uses more, in so many samples, is busy, and will not come to rest. */
const BUSY_SHARE = 0.9;
const BUSY_SAMPLES = 100;

/** So many samples without a turn in between are as good as `SAMPLES` with some. A wait that ends by rest has more. */
const STILL_SAMPLES = 8;

/** A timeout up to this is waited for; a wait with a longer one is as good as one without. */
const OUTLASTED_S = 5;
/** So many waits of one kind are seen before it is taken to be what the program does: of short ones more. */
const SHORT_S = 0.5;
const SHORT_WAITS = 3;
const LONG_WAITS = 2;
/** So many times more short ones where so large a part of the time was not looked at. */
const PATCHY_FACTOR = 3;
const PATCHY_SHARE = 0.25;

/** A timeout below this costs no points, and is worth a word. */
const OFTEN_S = 0.1;

/** What is to be waited for. */
export interface Target {
  /** for the reader */
  name: string;
  is: (descriptor: Descriptor) => boolean;
}

export const listenerOn = (port: number): Target => ({
  name: 'the listener',
  is: ({ tcp }) => tcp?.state === 'LISTEN' && tcp.local[1] === port,
});
export const connectedTo = ({ port }: Client): Target => ({
  name: 'the other client',
  is: ({ tcp }) => tcp?.state !== 'LISTEN' && tcp?.remote[1] === port,
});

export const connectionTo = (port: number): Target => ({
  name: 'the server',
  is: ({ tcp }) => tcp?.remote[1] === port,
});
export const KEYBOARD: Target = { name: 'the keyboard', is: ({ fd }) => fd === 0 };

/** Whether a thread waits for a descriptor: to read it, or for anything. */
function waitsOn({ is }: Target, { fds, descriptors }: ThreadState, toRead = false): boolean {
  return fds.some(({ fd, events }) => {
    const descriptor = descriptors.get(fd);
    return descriptor && is(descriptor) && (!toRead || events.includes('read'));
  });
}

/** The threads that wait for a descriptor. */
export function waitersFor(target: Target, threads: ThreadState[]): ThreadState[] {
  return threads.filter((thread) => waitsOn(target, thread));
}

/** A server that waits for all these in one call, to read them, and for none of them in a call of another kind. */
function waitsFor(targets: Target[], threads: ThreadState[], calls: string[]): boolean {
  const waiters = threads.filter((thread) => targets.some((target) => waitsOn(target, thread)));
  const inOne = waiters.some((thread) => targets.every((target) => waitsOn(target, thread, true)));
  return inOne && waiters.every(({ call }) => calls.includes(call));
}

/** What is wanted: which threads are to wait, and how. */
export interface Wanted {
  targets: Target[];
  is: (threads: ThreadState[]) => boolean;
}

/** What was seen, and which of the samples are the last: what the program does now. */
interface Watched {
  holds: boolean;
  all: Sample[];
  samples: Sample[];
}

/** Watches a program until its samples show what is wanted, or it will do nothing more. */
async function watch(run: Run, wanted: Wanted): Promise<Watched> {
  run.mustSee(); // throws where that cannot be
  const all: Sample[] = [];
  let found: 'holds' | 'busy' | undefined;
  do {
    found = await run.until(() => {
      const sample = run.samples.at(-1);
      if (!sample || sample === all.at(-1)) return undefined;
      all.push(sample);
      return verdict(all, wanted);
    });
  } while (!found && run.isRunning && isToWaitOn(all, wanted));
  return { holds: found === 'holds', all, samples: all.slice(-BUSY_SAMPLES) };
}

/**
 * Whether it waits as it should, and has not been seen to do so often enough yet: other programs keep it from running, or
 * its timeout has not run out, or just now. A single sample tells nothing then: it may show the turn between two waits.
 */
export function isToWaitOn(all: Sample[], wanted: Wanted): boolean {
  const blocked = all.slice(-STILL_SAMPLES).filter(({ threads }) => isBlocked(threads));
  if (blocked.length === 0 || !blocked.every(({ threads }) => wanted.is(threads))) return false;
  if (all.filter(({ threads }) => isBlocked(threads)).length < SAMPLES && isIdle(all)) return true;
  return !stays(all, wanted) || !stays(all.slice(0, -STILL_SAMPLES), wanted);
}

export function verdict(all: Sample[], wanted: Wanted): 'holds' | 'busy' | undefined {
  const isWanted = ({ threads }: Sample) => wanted.is(threads);
  const still = all.slice(-STILL_SAMPLES);
  const isStill = still.every(isWanted) && new Set(still.map(turnsOf)).size === 1;
  if (still.length === STILL_SAMPLES && isStill && comesBack(all, wanted)) return 'holds';
  const isSeen = (sample: Sample) => isWanted(sample) || isBlocked(sample.threads);
  const recent = recentWith(SAMPLES, isSeen, all);
  const blocked = recent.filter(isSeen);
  const isMost = blocked.filter(isWanted).length >= MAJORITY * blocked.length;
  if (blocked.length >= SAMPLES && isMost && isIdle(recent) && comesBack(all, wanted)) return 'holds';
  const last = all.slice(-BUSY_SAMPLES);
  return last.length >= BUSY_SAMPLES && share(last) > BUSY_SHARE ? 'busy' : undefined;
}

/**
 * The last samples, and so many of those before them that `count` of all are of a kind: a program that others keep from
 * running is blocked in few of them.
 */
function recentWith(count: number, is: (sample: Sample) => boolean, all: Sample[]): Sample[] {
  let first = all.length;
  for (let found = 0; first > 0 && (found < count || all.length - first < 2 * SAMPLES); first--)
    if (is(all[first - 1] as Sample)) found++;
  return all.slice(first);
}

/** Whether it has come back to its wait when the timeout was over, and to no other: the next wait may be another one. */
function comesBack(all: Sample[], wanted: Wanted): boolean {
  const last = stays(all, wanted);
  const blocked = last?.filter(({ threads }) => isBlocked(threads)) ?? [];
  return (
    last?.length === 0 ||
    blocked.filter(({ threads }) => wanted.is(threads)).length > MAJORITY * blocked.length
  );
}

/**
 * The samples since it has waited so often as is asked for; none are needed where there is no timeout, or a long one.
 *
 * @returns undefined when it has not waited so often yet
 */
function stays(all: Sample[], { is, targets }: Wanted): Sample[] | undefined {
  const waits = all.filter(({ threads }) => is(threads));
  const waiter = waits.at(-1)?.threads.find((thread) => targets.every((target) => waitsOn(target, thread)));
  const timeoutS = waiter?.timeoutS ?? Infinity;
  if (!waiter || timeoutS > OUTLASTED_S) return [];
  const least = timeoutS < SHORT_S ? SHORT_WAITS : LONG_WAITS;
  const turnsIn = ({ schedules }: Sample) => schedules.get(waiter.tid)?.turns;
  if (waits.some((sample) => turnsIn(sample) === undefined))
    return spanMs(waits) > least * 1000 * timeoutS ? all : undefined;
  const turns = [...new Set(waits.map(turnsIn))];
  const sinceLast = (count: number) => {
    const first = turns.at(-count);
    return all.slice(all.findIndex((sample) => is(sample.threads) && turnsIn(sample) === first));
  };
  if (turns.length < least) return undefined;
  if (timeoutS >= SHORT_S || !isPatchy(sinceLast(least))) return sinceLast(least);
  return turns.length < PATCHY_FACTOR * least ? undefined : sinceLast(PATCHY_FACTOR * least);
}

/** Whether others have kept the grader from looking, for a good part of the time: another wait may have been missed. */
function isPatchy(samples: Sample[]): boolean {
  const pauses = samples.slice(1).map(({ atMs }, i) => atMs - (samples[i]?.atMs ?? atMs));
  const missed = pauses.filter((pauseMs) => pauseMs > MAX_INTERVAL_MS);
  return missed.reduce((sum, pauseMs) => sum + pauseMs, 0) > PATCHY_SHARE * spanMs(samples);
}

const spanMs = (samples: Sample[]) => (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);

function share(samples: Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  return first && last ? cpuShare(first, last) : 0;
}

const isIdle = (samples: Sample[]) => share(samples) <= IDLE_SHARE;

/** @throws TypeError for what is no call that waits for many descriptors */
function mustBeWaits(check: string, calls: unknown): void {
  const known = MULTIPLEXERS.map((call) => `'${call}'`).join(', ');
  if (!Array.isArray(calls) || calls.length === 0)
    throw new TypeError(
      `${check}(calls): calls is a list of some of ${known}; in a part: part(1, ${check}(['select']))`,
    );
  const wrong = calls.find((call) => !MULTIPLEXERS.includes(call));
  if (wrong !== undefined)
    throw new TypeError(
      `${check}(calls): ${JSON.stringify(wrong)} is no call that can be asked for: ${known} are`,
    );
}

/** At rest it waits in select() with the listener in readfds. */
export const forConnections = (calls = ['select']) => {
  mustBeWaits('waitsInSelect', calls);
  return async (run: Run): Promise<string> => {
    await run.startServer();
    const expected = `with no client, it waits in ${named(calls)} for the listener`;
    return untilWaiting(run, [listenerOn(run.port)], calls, expected);
  };
};

/** While two clients say nothing it waits for both in one select(), and reads at once what one of them says. */
export const forData = (calls = ['select'], text = 'hello') => {
  mustBeWaits('waitsInSelectForData', calls);
  return async (run: Run): Promise<string> => {
    await run.startServer();
    const [silent, other] = [await run.connect(), await run.connect()];
    const evidence = await untilWaiting(run, [silent, other].map(connectedTo), calls, forBoth(calls));
    other.send(text);
    if (await run.until(() => hasRead(run, other, run.threads()) || run.ended)) return evidence;
    return run.fail({
      expected: 'it reads what one client sends while another is silent',
      seen: 'it did not',
      hint: hintForCall('recv'),
    });
  };
};

/** Once it has read what a client said, it waits again as before. */
export const afterData = (calls = ['select'], text = 'hello') => {
  mustBeWaits('afterData', calls);
  return async (run: Run): Promise<string> => {
    await run.startServer();
    const [silent, other] = [await run.connect(), await run.connect()];
    const targets = [silent, other].map(connectedTo);
    const reached = await untilWaiting(run, targets, calls, forBoth(calls));
    for (const client of [other, silent]) {
      client.send(text);
      await run.until(() => hasRead(run, client, run.threads()));
    }
    const expected = `when it has read what they sent, it waits in ${named(calls)} for both again`;
    return untilWaiting(run, targets, calls, expected, { reached, hintForBusy: HINTS.staysReady });
  };
};

/** Once a client has left, its descriptor is in no set: it would be ready for ever. */
export const afterLeaving = (calls = ['select']) => {
  mustBeWaits('afterLeaving', calls);
  return async (run: Run): Promise<string> => {
    await run.startServer();
    const [stays, leaves] = [await run.connect(), await run.connect()];
    const reached = await untilWaiting(run, [stays, leaves].map(connectedTo), calls, forBoth(calls));
    leaves.leave();
    const isAlone = (threads: ThreadState[]) =>
      waitsFor([connectedTo(stays)], threads, calls) && waitersFor(connectedTo(leaves), threads).length === 0;
    const targets = [connectedTo(stays)];
    const watched = await watch(run, { targets, is: isAlone });
    if (watched.holds) return `waits in ${theirSentence(targets, watched.samples)}`;
    const expected = `when one of two clients has left, it waits in ${named(calls)} for the other alone`;
    const found = diagnosis(run, watched, targets, calls);
    return notWaiting(run, expected, found, { calls, hintForBusy: HINTS.leftInSet, reached });
  };
};

interface WaitingOptions {
  /** what is right if it dies of a fault that has cost points elsewhere */
  reached?: string;
  /** what a busy loop may come from here */
  hintForBusy?: string;
}

/** The program waits in one select() for all of these, to read them. @throws Failure; CannotObserve */
export async function untilWaiting(
  run: Run,
  targets: Target[],
  calls: string[],
  expected: string,
  { reached, hintForBusy }: WaitingOptions = {},
): Promise<string> {
  const watched = await watch(run, { targets, is: (threads) => waitsFor(targets, threads, calls) });
  if (watched.holds) return `waits in ${theirSentence(targets, watched.samples)}`;
  const busy = hintForBusy ?? hintForCall(busyWith(run, watched, calls));
  const found = diagnosis(run, watched, targets, calls);
  return notWaiting(run, expected, found, { calls, hintForBusy: busy, reached });
}

const hasTimeout = ({ timeoutS }: ThreadState) => typeof timeoutS === 'number' && timeoutS > 0;

/** What kind of a busy loop it would be. */
function busyWith(run: Run, { all }: Watched, calls: string[]): string {
  if (all.some(waitsToWrite)) return 'writable';
  const hadTimeout = [...run.waits.values()].some((wait) => calls.includes(wait.call) && hasTimeout(wait));
  return hadTimeout ? 'timeout' : 'running';
}

const waitsToWrite = ({ threads }: Sample) =>
  threads.some(({ fds, descriptors }) =>
    fds.some(({ fd, events }) => events.includes('write') && descriptors.get(fd)?.tcp),
  );

async function notWaiting(
  run: Run,
  expected: string,
  { seen, call }: Diagnosis,
  { calls, hintForBusy, reached }: { calls: string[]; hintForBusy: string; reached?: string },
): Promise<never> {
  const details = { reached, isDiagnosed: true };
  if (call !== 'running') return run.fail({ expected, seen, hint: hintForWait(call, calls) }, details);
  // A busy loop has an eye on its clients; one that goes round for ever for another reason has not.
  const client = run.isRunning && (await run.connect());
  if (!client || (await run.until(() => hasAccepted(run, client, run.threads()))))
    return run.fail({ expected, seen, hint: hintForBusy }, details);
  const endless = 'it is running all the time, and accepts nobody (endless loop)';
  return run.fail({ expected, seen: endless, hint: hintForCall('endless') }, details);
}

const forBoth = (calls: string[]) => `while two clients are silent, it waits in ${named(calls)} for both`;
const named = (calls: string[]) => (calls.length === 1 ? `${calls[0]}()` : 'one call');

function theirSentence(targets: Target[], samples: Sample[]): string {
  const threads = samples.flatMap(({ threads }) => threads);
  const waiter = threads.findLast((thread) => targets.every((target) => waitsOn(target, thread, true)));
  if (!waiter) return '';
  const { timeoutS } = waiter;
  const wakes =
    timeoutS && timeoutS < OFTEN_S ? `; it wakes up ${Math.round(1 / timeoutS)} times a second` : '';
  return `${sentence(waiter)}${wakes}`;
}

/** Whether it is blocked in a call of its own, though it has been seen in select(): that had not reported the descriptor. */
const unreported = ({ waits }: Run, { tid, call, fds }: ThreadState, calls: string[]) =>
  fds.length === 1 &&
  !MULTIPLEXERS.includes(call) &&
  [...waits.values()].some((other) => other.tid === tid && calls.includes(other.call));

/** A descriptor that is in its sets in vain. */
function beyondNfds(
  { nfds, beyondNfds = [], descriptors }: ThreadState,
  { is, name }: Target,
): string | undefined {
  const fd = beyondNfds.find((fd) => {
    const descriptor = descriptors.get(fd);
    return descriptor && is(descriptor);
  });
  return fd === undefined ? undefined : `${fd}, ${name}, is in a set too, but nfds is ${nfds}`;
}

/** What was found instead, and in which call. */
function diagnosis(run: Run, { all, samples }: Watched, targets: Target[], calls: string[]): Diagnosis {
  if (isRunning(samples)) {
    const before = all.find(
      ({ threads }) => isBlocked(threads) && waitsFor(targets, threads, calls) && threads.some(hasTimeout),
    );
    const never = 'it is running in each sample (busy loop)';
    const atFirst =
      before && `it waits in ${theirSentence(targets, [before])} at first, then no more: ${never}`;
    return { call: 'running', seen: atFirst ?? `it never waits: ${never}` };
  }
  const threads = lastBlocked(samples);
  if (waitsFor(targets, threads, calls) && !isIdle(samples)) {
    const percent = Math.round(100 * share(samples));
    return { call: 'running', seen: `it uses ${percent} % of a processor while nothing happens (busy loop)` };
  }
  const right = samples.findLast(({ threads }) => waitsFor(targets, threads, calls));
  const other = samples.findLast(({ threads }) => isBlocked(threads) && !waitsFor(targets, threads, calls));
  // Of one that has come to rest, only the last sample counts.
  if (right && other && threads.some(({ timeoutS }) => typeof timeoutS === 'number')) {
    const [one, two] = [right, other].map((sample) => diagnose([sample]).seen);
    return { call: 'each', seen: `by turns: ${one}; then ${two}` };
  }
  const waiters = [...new Set(targets.flatMap((target) => waitersFor(target, threads)))];
  const missing = targets.find((target) => waitersFor(target, threads).length === 0);
  const wrong = waiters.find(({ call }) => !calls.includes(call)) ?? waiters[0];
  if (!wrong) return diagnose(samples);
  const outside = missing && waiters.length === 1 ? beyondNfds(wrong, missing) : undefined;
  if (outside) return { call: 'nfds', seen: `it waits in ${sentence(wrong)}; ${outside}` };
  const kind = new Set(waiters.map(({ pid }) => pid)).size > 1 ? 'process' : 'thread';
  const each =
    waiters.length > 1 ? ` (a ${kind} for each)` : missing ? `; nobody waits for ${missing.name}` : '';
  const call = waiters.length > 1 ? 'each' : unreported(run, wrong, calls) ? 'unreported' : kindOf(wrong);
  return { call, seen: `it waits in ${waiters.map(sentence).join('; ')}${each}` };
}
