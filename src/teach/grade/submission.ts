/** A student's program as a process: what it prints, what it waits in, and its end with all that it has started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { write } from 'node:fs';
import { Socket } from 'node:net';
import { kill, pid as ownPid, platform } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { OSError } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';
import { family, ownerOf, type Process, processes, withVariable } from '../observe/proc.js';
import { snapshot, snapshotOf, type ThreadState } from '../observe/snapshot.js';

/** Milliseconds that Ctrl-C may take to end a program. */
const GRACE = 2000;

/** Characters of what it prints that are kept: the last so many, on stdout and on stderr. */
const KEPT = 200_000;
/** Characters of a line for the reader. */
const LINE = 200;

/** What no program prints. */
const END = '\0end\0';

/** Submissions that run, to be ended with the grader. */
const running = new Set<Submission>();
process.once('exit', killAll); // whatever ends it

/** Whether what a submission leaves behind becomes this process's child. */
let adoptsOrphans: boolean | undefined;

export class Submission {
  /** What it has printed so far: the last of it, if that is much. */
  stderr = '';
  /** How it ended, once it has: `exit code 1`, `signal SIGSEGV`, `command not found`. */
  ended?: string;
  exitCode: number | null = null;
  readonly #child?: ChildProcess;
  readonly #keyboard: Socket;
  readonly #complaints: Socket;
  readonly #screen: ReadStream;
  readonly #terminal: number;
  #shown = '';
  readonly #variable = `POSIX_SELECT_GRADE=${randomUUID()}`;

  /**
   * Runs a command in a session of its own. Its stdout is a terminal, as it is for the student: a C or Python program
   * would hold its lines back if it were a pipe. stdin and stderr are pipes, which it can also open by their names.
   *
   * @throws OSError when no terminal or pipe is to be had
   */
  constructor([command, ...args]: string[]) {
    adoptsOrphans ??= adoptOrphans();
    const [screen, terminal] = pair(sys.openpty(), 'openpty');
    const [stdin, keyboard] = pair(sys.pipe(), 'pipe');
    const [complaints, stderr] = pair(sys.pipe(), 'pipe');
    const [name, value] = this.#variable.split('=');
    try {
      this.#child = spawn(command, args, {
        detached: true,
        stdio: [stdin, terminal, stderr],
        env: { ...process.env, NO_COLOR: '1', [name]: value },
      });
    } catch (err) {
      this.ended = (err as Error).message; // spawn throws some errors, and emits others
    }
    sys.close(stdin);
    sys.close(stderr);
    this.#terminal = terminal;
    this.#screen = new ReadStream(screen);
    this.#screen.setEncoding('utf8').on('data', (text) => {
      this.#shown = lastOf(this.#shown + text);
    });
    this.#complaints = new Socket({ fd: complaints, readable: true, writable: false });
    this.#complaints.setEncoding('utf8').on('data', (text) => {
      this.stderr = lastOf(this.stderr + text);
    });
    this.#keyboard = new Socket({ fd: keyboard, readable: false, writable: true });
    this.#keyboard.on('error', () => {}); // it may end before it has read all
    this.#child?.once('error', (err: NodeJS.ErrnoException) => {
      this.ended = err.code === 'ENOENT' ? `${command}: command not found` : err.message;
    });
    this.#child?.once('exit', (code, signal) => {
      this.exitCode = code;
      this.ended = code === null ? `signal ${signal}` : `exit code ${code}`;
    });
    running.add(this);
  }

  /** What it has printed so far, its lines ended by newlines alone: the last of it, if that is much. */
  get stdout(): string {
    return this.#shown.replaceAll('\r\n', '\n');
  }

  /** The lines that it has printed whole. */
  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** Why it ended, from stderr: the line that names the error, or else the last one. */
  get complaint(): string {
    const lines = this.stderr.trimEnd().split('\n');
    return cut(
      lines.findLast((line) => /^[\w.]*(Error|Exception|Interrupt)\b/.test(line)) ?? lines.at(-1) ?? '',
    );
  }

  /** Writes to its stdin. */
  type(text: string): void {
    this.#keyboard.write(text);
  }

  /** What its threads wait in; once it has ended, those of what it has put into the background. @throws UserError */
  look(): ThreadState[] {
    if (this.ended) return snapshotOf(this.#members());
    return this.#child?.pid ? snapshot(this.#child.pid) : [];
  }

  /** Whether it has ended, and all that it has started. */
  get isGone(): boolean {
    return this.ended !== undefined && this.#members().length === 0;
  }

  /** Waits, once it has ended, until all that it has printed is in stdout. */
  async drain(): Promise<void> {
    await this.#drain(performance.now() + GRACE);
  }

  /** Ends it by Ctrl-C, and tells what was not as it should be. */
  async interrupt(): Promise<{ ignored: boolean; leftBehind: Process[] }> {
    const others = this.#ofOtherUsers();
    for (const { pid } of others) attempt(() => kill(-pid, 'SIGINT'));
    if (others.length === 0) this.#signal('SIGINT');
    const deadline = performance.now() + GRACE;
    while (!this.ended && performance.now() < deadline) await pause(5);
    const ignored = !this.ended;
    // What ends with it may take a moment more than it does.
    while (!ignored && this.#members().length > 0 && performance.now() < deadline) await pause(20);
    const leftBehind = ignored ? [] : this.#members();
    await this.destroy();
    return { ignored, leftBehind };
  }

  /** Ends it at once, and all that it has started; what it has printed is then in stdout. */
  async destroy(): Promise<void> {
    const deadline = performance.now() + GRACE;
    while ((this.kill() || this.ended === undefined) && performance.now() < deadline) await pause(5);
    await this.#drain(deadline);
    for (const stream of [this.#screen, this.#complaints, this.#keyboard]) stream.destroy();
    sys.close(this.#terminal);
    running.delete(this);
  }

  async #drain(deadline: number): Promise<void> {
    // Nobody else writes to the terminal any more: once this is read, all is. If somebody does after all, this waits
    // for its turn on a thread of its own, until the terminal is closed.
    write(this.#terminal, END, () => {});
    while (!this.#shown.includes(END) && performance.now() < deadline) await pause(5);
    this.#shown = this.#shown.replace(END, '');
  }

  /** @returns whether there was something left to kill, as far as that can be seen */
  kill(): boolean {
    const members = this.#members();
    for (const { pid } of members) attempt(() => kill(pid, 'SIGKILL'));
    this.#signal('SIGKILL');
    return members.length > 0;
  }

  /** The processes that come from it: its session, what carries its variable, and whose parents have gone. */
  #members(): Process[] {
    const pid = this.#child?.pid;
    if (platform !== 'linux' || !pid) return [];
    const all = processes();
    const children = adoptsOrphans ? all.filter(({ ppid }) => ppid === ownPid) : [];
    const roots = new Set([pid, ...children.map((child) => child.pid)]);
    const members = [
      ...[...roots].flatMap((root) => family(root, all)),
      ...withVariable(this.#variable, all),
    ];
    return [...new Map(members.map((process) => [process.pid, process])).values()];
  }

  /** What su(1) and the like have started, as another user in a session of its own: it gets no Ctrl-C from them. */
  #ofOtherUsers(): Process[] {
    const pid = this.#child?.pid;
    if (platform !== 'linux' || !pid) return [];
    const isHandedOver = ({ pid, ppid, session }: Process) =>
      pid === session && ownerOf(pid)?.uid !== ownerOf(ppid)?.uid;
    return family(pid).filter((member) => member.pid !== pid && isHandedOver(member));
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid) attempt(() => kill(-pid, signal));
  }
}

/** Ends all that run: for a grader that is ended itself. */
export function killAll(): void {
  const deadline = performance.now() + GRACE;
  // What is being killed may have started something more.
  for (const submission of running) while (submission.kill() && performance.now() < deadline);
}

/** Has orphans adopted, unless there are children already: theirs could not be told from a submission's. */
function adoptOrphans(): boolean {
  return !processes().some(({ ppid }) => ppid === ownPid) && sys.adoptOrphans?.() === 0;
}

/** @throws OSError */
function pair(fds: [number, number] | number, call: string): [number, number] {
  if (typeof fds === 'number') throw new OSError(fds, call);
  return fds;
}

/** What is kept of a text that grows. */
function lastOf(text: string): string {
  return text.length > 2 * KEPT ? text.slice(-KEPT) : text; // not at each character: that takes time
}

/** A line for the reader, a long one cut. */
export function cut(line: string): string {
  return line.length > LINE ? `${line.slice(0, LINE)} …` : line;
}

/** A process may have ended meanwhile, or have become another user's. */
function attempt(call: () => void): void {
  try {
    call();
  } catch (err) {
    if (!['ESRCH', 'EPERM'].includes((err as NodeJS.ErrnoException).code ?? '')) throw err;
  }
}
