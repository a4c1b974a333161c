/** A student's program that runs: what it does, sample by sample, and waiting for it. */
import type { TcpSocket } from '../observe/proc.js';
import type { ThreadState } from '../observe/snapshot.js';
import { UserError } from '../user-error.js';
import type { Client } from './client.js';
import { Failure, NotGraded } from './failure.js';
import { HINTS } from './hints.js';
import { type Isolation, NOT_ISOLATED } from './isolation.js';
import { freePort, isFreeForIPv4 } from './ports.js';
import { bytesOnTheirWay } from './socket-queues.js';
import { isThere, Submission } from './submission.js';
import type { Deviation } from './text-match.js';
import {
  FLOOD_CHARS,
  flowOf,
  hasNews,
  INTERVAL_MS,
  isBlocked,
  type Movement,
  Rounds,
  SAMPLES,
  type Sample,
  sampleOf,
  WaitLimit,
} from './watch.js';

export interface RunOptions {
  command: string[];
  /** the port that the server is to listen on; a free one if none */
  port?: number;
  /** the port that a program takes which does not look at its command line */
  usualPort?: number;
  /** arguments that come after the command's own, unless a check has others */
  args?: string[];
  /** how long a program may take for an answer when nothing moves; it is the time in which it could have run */
  timeoutS: number;
  isolation?: Isolation;
}

/** Milliseconds for which a sample is what the program does now. */
const FRESH_MS = 2;

/** The kind of a wait: by its thread, its call, and whether that has a timeout. */
const waitKey = ({ tid, call, timeoutS }: ThreadState) => `${tid} ${call} ${Number(timeoutS) > 0}`;

export class Running {
  readonly options: RunOptions;
  readonly clients: Client[] = [];
  /** The last samples of the program. */
  samples: Sample[] = [];
  /** Each kind of wait in which a thread has been seen, with the last of that kind. */
  readonly waits = new Map<string, ThreadState>();
  /** What costs no points and is worth knowing. */
  readonly notes: string[] = [];
  /** Small differences in what it prints and sends. */
  readonly deviations: Deviation[] = [];
  /** What was seen to be right so far. */
  evidence = '';
  /** Whether it has once listened, or connected. */
  hasStarted = false;
  /** Whether it can be seen here what the program is blocked in. */
  canSee = true;
  host = '127.0.0.1';
  port = 0;
  #submission?: Submission;
  #wake = () => {};

  constructor(options: RunOptions) {
    this.options = options;
  }

  /** The program, which must have been started. */
  get program(): Submission {
    if (!this.#submission)
      throw new Error('the program has not been started: await run.startServer() comes first');
    return this.#submission;
  }

  get wasStarted(): boolean {
    return this.#submission !== undefined;
  }

  /** Starts the program. `{port}` in the command is the port. @param args come after the command's own */
  async start(args = this.options.args ?? [], port?: number): Promise<void> {
    if (this.#submission?.isDestroyed === false)
      throw new Error('the program has been started already: await run.stop() comes before another start');
    this.port = port ?? this.options.port ?? (await freePort());
    const command = [...this.options.command, ...args].map((arg) =>
      arg.replaceAll('{port}', String(this.port)),
    );
    mustBeThere(command[0] ?? '');
    this.#submission = new Submission(command, this.options.isolation ?? NOT_ISOLATED);
    this.#submission.on('change', () => this.#wake());
    this.samples = [];
  }

  /** A client of which the waits are to hear. */
  protected addClient(client: Client): Client {
    this.clients.push(client);
    client.on('change', () => this.wake());
    return client;
  }

  protected wake(): void {
    this.#wake();
  }

  /** Keeps what was seen to be right. */
  saw(evidence: string): string {
    this.evidence = evidence;
    return evidence;
  }

  get isRunning(): boolean {
    return this.#submission !== undefined && !this.ended;
  }

  /** How it ended, once it has: not while what it has put into the background still listens. */
  get ended(): string | undefined {
    const { ended } = this.program;
    return ended && this.listeners().some(({ local }) => local[1] === this.port) ? undefined : ended;
  }

  howItEnded(): string {
    return [this.program.ended, this.program.complaint].filter(Boolean).join(': ');
  }

  /** What the threads of the program are blocked in; nothing where that cannot be seen. */
  threads(isThorough = false): ThreadState[] {
    const last = this.samples.at(-1);
    if (!isThorough && last && performance.now() - last.atMs < FRESH_MS) return last.threads;
    try {
      return this.mustSee(isThorough);
    } catch (err) {
      if (!(err instanceof UserError)) throw err;
      this.canSee = false;
      return [];
    }
  }

  /** The same where nothing else will do. @throws CannotObserve */
  mustSee(isThorough = false): ThreadState[] {
    const sample = sampleOf(this.program.sample(isThorough));
    for (const thread of sample.threads) if (thread.fds.length > 0) this.waits.set(waitKey(thread), thread);
    this.samples = [...this.samples.slice(1 - 2 * SAMPLES), sample];
    return sample.threads;
  }

  /** The listening sockets that it has, as far as that can be seen. */
  listeners(): TcpSocket[] {
    const sockets = this.threads().flatMap(({ descriptors }) => [...descriptors.values()]);
    return sockets.flatMap(({ tcp }) => (tcp?.state === 'LISTEN' ? [tcp] : []));
  }

  /** Clients connect to the address that the server listens on. */
  useAddressOf([host]: TcpSocket['local']): void {
    if (host === '::' && isFreeForIPv4(this.port)) this.host = '::1';
    else if (!['0.0.0.0', '::'].includes(host)) this.host = host;
  }

  /**
   * Waits until `condition` holds: for as long as bytes move, or the program could still do something.
   *
   * @returns what the condition gave; undefined when the program has ended, is at rest, or has had its time
   */
  async until<T>(condition: () => T | Promise<T>, times = 1): Promise<T | undefined> {
    const limit = new WaitLimit(1000 * this.options.timeoutS * times);
    let seenMs = performance.now();
    for (let isLast = false; ; ) {
      const value = await condition();
      if (value) return value;
      if (isLast) return undefined;
      if (await this.#hasWoken(seenMs)) continue;
      this.threads();
      seenMs = performance.now();
      const sample = this.samples.at(-1) ?? sampleOf([]);
      limit.see(sample.threads.length > 0 ? sample : sampleOf([]), this.#movement(sample.threads));
      if (this.program.isGone) await this.program.drain();
      isLast = this.program.isGone || limit.isTimeOver || (limit.isAtRest && !this.isSomethingOnItsWay());
      if (isLast) this.threads(true);
    }
  }

  /**
   * Waits for something to happen; false when the time for a sample has come before.
   *
   * @param seenMs when the last sample was taken into account
   */
  #hasWoken(seenMs: number): Promise<boolean> {
    const last = this.samples.at(-1)?.atMs ?? 0;
    return new Promise((resolve) => {
      const restMs = Math.max(INTERVAL_MS - (performance.now() - last), 1);
      // Not before all that has come has been read: many samples in a row would keep that waiting.
      const timer = setTimeout(() => setImmediate(resolve, false), restMs);
      this.#wake = () => {
        clearTimeout(timer);
        setImmediate(resolve, true);
      };
    }).then((hasWoken) => {
      this.#wake = () => {};
      // Who prints or sends without end is to be looked at, too.
      return hasWoken === true && performance.now() - seenMs < INTERVAL_MS;
    });
  }

  #movement(threads: ThreadState[]): Movement {
    const ends = this.clients.map(
      ({ receivedBytes, unsentBytes, ended }) => `${receivedBytes} ${unsentBytes} ${ended}`,
    );
    const { printedChars } = this.program;
    const isFlood = printedChars > FLOOD_CHARS || this.clients.some((client) => client.isFlooded);
    const isNew = hasNews(threads) || this.program.hasUnreadInput;
    return { flow: `${ends} ${flowOf(threads)}`, printedChars, hasNews: isNew, isFlood };
  }

  /** Whether bytes have left one end and have not come to the other: a program at rest will have something to do. */
  protected isSomethingOnItsWay(): boolean {
    return this.clients.some((client) => bytesOnTheirWay(this, client));
  }

  /** Waits until the program is at rest, or does the same again and again (a busy loop, too), or has had its time. */
  async settle(): Promise<void> {
    const rounds = new Rounds();
    await this.until(() => {
      const sample = this.samples.at(-1);
      if (!sample) return false;
      const { flow, printedChars } = this.#movement(sample.threads);
      return rounds.see(sample, `${flow} ${printedChars}`);
    });
  }

  /** Waits until all of it waits for something, or is busy all the time: what it was just making is then made. */
  async pauses(): Promise<void> {
    const rounds = new Rounds();
    const beginMs = performance.now();
    await this.until(() => {
      const sample = this.samples.at(-1);
      if (!this.canSee) return true;
      if (!sample || sample.atMs < beginMs) return false;
      return isBlocked(sample) || rounds.see(sample, '');
    });
  }

  /** Ends the program by Ctrl-C. @returns whether it went on, and what it left behind */
  async interrupt(): Promise<{ isIgnored: boolean; leftBehind: string[] }> {
    const { program } = this;
    program.interrupt();
    const isIgnored = !(await this.until(() => program.ended));
    // What ends with it may take a moment more than it does.
    if (!isIgnored) await this.until(() => program.isGone);
    return { isIgnored, leftBehind: isIgnored ? [] : program.members().map(({ name }) => name) };
  }

  /** Ends what runs, at once; a check may then start the program anew. */
  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.destroy();
    const left = (await this.#submission?.destroy()) ?? [];
    for (const { name, pid } of left) this.notes.push(`it could not be ended: ${name} (pid ${pid})`);
  }
}

/** A program that is missing is the student's fault; an interpreter that is missing is the machine's. */
function mustBeThere(command: string): void {
  if (isThere(command)) return;
  if (!command.includes('/')) throw new NotGraded(`${command || "''"}: command not found`);
  throw new Failure({
    expected: 'a program that can be started',
    seen: `there is no program ${command}`,
    hint: HINTS.missingFile,
  });
}
