/** A student's program as a process: what it prints, what it is blocked in, and its end with all that it has started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { accessSync, constants, write } from 'node:fs';
import { Socket } from 'node:net';
import { constants as osConstants } from 'node:os';
import { delimiter, join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { OSError } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';
import type { Process } from '../observe/proc.js';
import { mustSeeProc, type SeenBefore, snapshotOf, type ThreadState } from '../observe/snapshot.js';
import { lastError } from './complaint.js';
import { whenGraderEnds } from './ending.js';
import { type Isolation, isolated, NOT_ISOLATED, scrubbed } from './isolation.js';
import { KILL_LIMIT_MS, Members } from './members.js';

/** Characters of what it prints that are kept: the last so many, on stdout and on stderr. */
const KEPT_CHARS = 200_000;

/** Once so much has been printed, a piece wakes no wait any more: to look at the program takes longer than to read the piece. */
const MANY_CHARS = 1_000_000;

/** Of a program that starts more, no more is wanted. */
const MAX_PROCESSES = 200;

/** What no program prints. */
const END = '\0end\0';

/** Above it, a shell's exit code is the number of a signal. */
const SIGNALLED = 128;

/** Submissions that run, to be ended with the grader. */
const running = new Set<Submission>();
whenGraderEnds(killAll);

/** Emits 'change' when it has printed something, or ended. */
export class Submission extends EventEmitter<{ change: [] }> {
  /** What it has printed so far: the last of it, if that is much. */
  stderr = '';
  /** Characters that it has printed, also those that are not kept. */
  printedChars = 0;
  /** How it ended, once it has: `exit code 1`, `signal SIGSEGV`. */
  ended?: string;
  exitCode: number | null = null;
  /** Its namespace could not be made: stderr says why. */
  wasNotStarted = false;
  readonly #child: ChildProcess;
  readonly #members: Members;
  readonly #seen: SeenBefore = new Map();
  readonly #keyboard: Socket;
  readonly #keyboardFd: number;
  readonly #errors: Socket;
  readonly #screen: ReadStream;
  readonly #terminal: number;
  #shown = '';
  #isDestroyed = false;
  /** Writes to the terminal that have not ended: until then its descriptor must not become somebody else's. */
  #writes = 0;
  #isTerminalClosed = false;

  /**
   * Runs a command in a session of its own. Its stdout is a terminal, as it is for the student: a C or Python program
   * would hold its lines back if it were a pipe. stdin and stderr are pipes, which it can also open by their names.
   *
   * @throws OSError when no terminal or pipe is to be had
   */
  constructor(command: string[], isolation: Isolation = NOT_ISOLATED) {
    super();
    const [screen, terminal] = pair(sys.openpty(), 'openpty');
    const [stdin, keyboard] = pair(sys.pipe(), 'pipe');
    const [errors, stderr] = pair(sys.pipe(), 'pipe');
    const [name, value] = ['POSIX_SELECT_GRADE', randomUUID()];
    const [file = '', ...args] = isolated(isolation, command);
    Members.prepare();
    this.#child = spawn(file, args, {
      detached: true,
      stdio: [stdin, terminal, stderr, ...(isolation.hasNamespace ? (['pipe'] as const) : [])],
      env: { ...scrubbed(env), NO_COLOR: '1', [name]: value },
    });
    this.#members = new Members(this.#child, isolation.hasNamespace, `${name}=${value}`);
    sys.close(stdin);
    sys.close(stderr);
    this.#terminal = terminal;
    this.#screen = new ReadStream(screen);
    this.#errors = new Socket({ fd: errors, readable: true, writable: false });
    this.#keyboard = new Socket({ fd: keyboard, readable: false, writable: true });
    this.#keyboardFd = keyboard;
    this.#listen(isolation);
    running.add(this);
  }

  #listen(isolation: Isolation): void {
    this.#screen.setEncoding('utf8').on('data', (text) => {
      this.#shown = lastOf(this.#shown + text);
      this.#hasPrinted(String(text).length);
    });
    this.#errors.setEncoding('utf8').on('data', (text) => {
      this.stderr = lastOf(this.stderr + text);
      this.#hasPrinted(String(text).length);
    });
    for (const stream of [this.#screen, this.#errors, this.#keyboard]) stream.on('error', () => {}); // it may be gone
    this.#child.once('error', (err) => this.#hasEnded(err.message, null));
    this.#child.once('exit', (code, signal) => {
      if (!this.ended && isolation.hasNamespace) this.wasNotStarted = true;
      if (!this.ended) this.#hasEnded(code === null ? `signal ${signal}` : `exit code ${code}`, code);
    });
    // In a namespace the first process reports the exit code, and stays for what is in the background.
    (this.#child.stdio[3] as Socket | null)?.setEncoding('utf8').once('data', (text) => {
      const code = Number(text);
      const signals = Object.entries(osConstants.signals);
      const [signal] = signals.find(([, number]) => number === code - SIGNALLED) ?? [];
      this.#hasEnded(signal ? `signal ${signal}` : `exit code ${code}`, signal ? null : code);
    });
  }

  #hasPrinted(chars: number): void {
    this.printedChars += chars;
    if (this.printedChars < MANY_CHARS) this.emit('change');
  }

  #hasEnded(how: string, code: number | null): void {
    this.ended = how;
    this.exitCode = code;
    this.emit('change');
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** What it has printed so far, its lines ended by newlines alone: the last of it, if that is much. */
  get stdout(): string {
    return this.#shown.replaceAll('\r\n', '\n').replace(END, '');
  }

  /** The lines that it has printed whole. */
  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** What it has printed behind the last newline. */
  get unfinishedLine(): string {
    return this.stdout.slice(this.stdout.lastIndexOf('\n') + 1);
  }

  /** The line of stderr that names the error, or else the last one. */
  get complaint(): string {
    return lastError(this.stderr);
  }

  /** Writes to its stdin. */
  type(text: string): void {
    this.#keyboard.write(text);
  }

  /** Whether something has been typed that it has not read. */
  get hasUnreadInput(): boolean {
    return !this.#keyboard.destroyed && Number(sys.fionread(this.#keyboardFd)) > 0;
  }

  /**
   * What its threads are blocked in; once it has ended, those of what it has put into the background.
   *
   * @param isThorough whether a process that was just made is to be seen for certain
   * @throws CannotObserve
   */
  sample(isThorough = false): ThreadState[] {
    mustSeeProc();
    return snapshotOf(this.members(isThorough), this.#seen).map((thread) =>
      isPrinting(thread) ? asRunning(thread) : thread,
    );
  }

  /** Its processes; one that starts them without end is ended. */
  members(isThorough = false): Process[] {
    const members = this.#members.list(isThorough || this.ended !== undefined);
    if (members.length > MAX_PROCESSES && !this.ended) {
      this.#hasEnded(`it had started more than ${MAX_PROCESSES} processes, and was ended`, null);
      this.kill();
    }
    return members;
  }

  /** Whether it has ended, and all that it has started. */
  get isGone(): boolean {
    return this.ended !== undefined && this.members().length === 0;
  }

  /** Waits, once it has ended, until all that it has printed is in stdout. */
  async drain(): Promise<void> {
    if (!running.has(this)) return;
    // Nobody else writes to the terminal any more: once this is read, all is. If somebody does after all, this waits
    // for its turn on a thread of its own, until the terminal is closed.
    this.#writes++;
    write(this.#terminal, END, () => {
      this.#writes--;
      this.#closeTerminal();
    });
    const deadline = performance.now() + KILL_LIMIT_MS;
    while (!this.#shown.includes(END) && performance.now() < deadline) await pause(2);
    this.#shown = this.#shown.replace(END, '');
  }

  /** Sends SIGINT, as Ctrl-C on its terminal would. */
  interrupt(): void {
    this.#members.interrupt();
  }

  /**
   * Ends it at once, and all that it has started; what it has printed is then in stdout.
   *
   * @returns what could not be ended
   */
  async destroy(): Promise<Process[]> {
    if (this.#isDestroyed) return [];
    this.#isDestroyed = true;
    const deadline = performance.now() + KILL_LIMIT_MS;
    while ((this.kill() || this.ended === undefined) && performance.now() < deadline) await pause(2);
    await this.drain();
    for (const stream of [this.#screen, this.#errors, this.#keyboard, this.#child.stdio[3]])
      stream?.destroy();
    running.delete(this);
    this.#closeTerminal();
    const left = this.#members.list(true);
    this.#members.forget();
    return left;
  }

  /** Once, when it has been destroyed and nothing is being written: with the other end closed each write comes to its end. */
  #closeTerminal(): void {
    if (running.has(this) || this.#writes > 0 || this.#isTerminalClosed) return;
    this.#isTerminalClosed = true;
    sys.close(this.#terminal);
  }

  /** @returns whether there was something left to kill, as far as that can be seen */
  kill(): boolean {
    return this.#members.kill();
  }
}

/** Whether it writes to its terminal, or to stderr: that ends by itself, as the grader reads all that is printed. */
const isPrinting = ({ call, fds, descriptors }: ThreadState) =>
  /^writev?$/.test(call) &&
  fds.length > 0 &&
  fds.every(
    ({ fd }) =>
      /^terminal /.test(nameOf(descriptors, fd)) || (fd === STDERR && nameOf(descriptors, fd) === 'pipe'),
  );

const STDERR = 2;
const nameOf = (descriptors: ThreadState['descriptors'], fd: number) => descriptors.get(fd)?.name ?? '';

/** A server that prints in a busy loop may be found in its write() again and again: it waits there for nothing. */
const asRunning = (thread: ThreadState): ThreadState => ({
  ...thread,
  call: 'running',
  fds: [],
  timeoutS: undefined,
});

/** Ends all that run. */
function killAll(): void {
  const deadline = performance.now() + KILL_LIMIT_MS;
  // What is being killed may have started something more.
  for (const submission of running) while (submission.kill() && performance.now() < deadline);
}

/** Whether a command can be started: a file by its path, another one by the folders of PATH. */
export function isThere(command: string): boolean {
  const folders = command.includes('/') ? [''] : (env.PATH ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** @throws OSError */
function pair(fds: [number, number] | number, call: string): [number, number] {
  if (typeof fds === 'number') throw new OSError(fds, call);
  return fds;
}

/** What is kept of a text that grows. */
function lastOf(text: string): string {
  return text.length > 2 * KEPT_CHARS ? text.slice(-KEPT_CHARS) : text; // not at each character: that takes time
}
