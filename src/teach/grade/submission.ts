/** A student's program as a process: what it prints, what it waits in, and its end with all that it has started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { kill, platform } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { OSError } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';
import { look, type Seen } from '../look.js';
import { family, type Process, withVariable } from '../proc.js';

/** Milliseconds that Ctrl-C may take to end a program. */
const GRACE = 2000;

/** What no program prints. */
const END = '\0end\0';

/** Submissions that run, to be ended with the grader. */
const running = new Set<Submission>();

export class Submission {
  /** What it has printed so far. */
  stdout = '';
  stderr = '';
  /** How it ended, once it has: `exit code 1`, `signal SIGSEGV`, `command not found`. */
  ended?: string;
  exitCode: number | null = null;
  readonly #child: ChildProcess;
  readonly #screen: ReadStream;
  readonly #terminal: number;
  readonly #variable = `POSIX_SELECT_GRADE=${randomUUID()}`;

  /**
   * Runs a command in a session of its own. Its stdout is a terminal, as it is for the student: a C or Python program
   * would hold its lines back if it were a pipe.
   *
   * @throws OSError when no terminal is to be had
   */
  constructor([command, ...args]: string[]) {
    const pty = sys.openpty();
    if (typeof pty === 'number') throw new OSError(pty, 'openpty');
    const [screen, terminal] = pty;
    const [name, value] = this.#variable.split('=');
    this.#child = spawn(command, args, {
      detached: true,
      stdio: ['pipe', terminal, 'pipe'],
      env: { ...process.env, NO_COLOR: '1', [name]: value },
    });
    this.#terminal = terminal;
    this.#screen = new ReadStream(screen);
    this.#screen
      .setEncoding('utf8')
      .on('data', (text) => (this.stdout += String(text).replaceAll('\r\n', '\n')));
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.#child.stdin?.on('error', () => {}); // it may end before it has read all
    this.#child.once('error', (err: NodeJS.ErrnoException) => {
      this.ended = err.code === 'ENOENT' ? `${command}: command not found` : err.message;
    });
    this.#child.once('exit', (code, signal) => {
      this.exitCode = code;
      this.ended = code === null ? `signal ${signal}` : `exit code ${code}`;
    });
    running.add(this);
  }

  /** The lines that it has printed whole. */
  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** Why it ended, from stderr: the line that names the error, or else the last one. */
  get complaint(): string {
    const lines = this.stderr.trimEnd().split('\n');
    return lines.findLast((line) => /^[\w.]*(Error|Exception|Interrupt)\b/.test(line)) ?? lines.at(-1) ?? '';
  }

  /** Writes to its stdin. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** What its threads wait in. @throws Refusal */
  look(): Seen[] {
    return this.#child.pid ? look(this.#child.pid) : [];
  }

  /** Ends it by Ctrl-C, and tells what was not as it should be. */
  async interrupt(): Promise<{ ignored: boolean; leftBehind: Process[] }> {
    const others = this.#members().filter(({ pid }) => pid !== this.#child.pid);
    this.#signal('SIGINT');
    const deadline = performance.now() + GRACE;
    while (!this.ended && performance.now() < deadline) await pause(5);
    const ignored = !this.ended;
    // What ends with it may take a moment more than it does.
    const alive = () => this.#members(others).filter(({ pid }) => pid !== this.#child.pid);
    while (!ignored && alive().length > 0 && performance.now() < deadline) await pause(20);
    const leftBehind = ignored ? [] : alive();
    await this.destroy();
    return { ignored, leftBehind };
  }

  /** Ends it at once, and all that it has started; what it has printed is then in stdout. */
  async destroy(): Promise<void> {
    this.kill();
    const deadline = performance.now() + GRACE;
    const until = async (condition: () => boolean) => {
      while (!condition() && performance.now() < deadline) await pause(5);
    };
    await until(() => this.ended !== undefined);
    // Nobody else writes to the terminal any more: once this is read, all is.
    await until(() => sys.write(this.#terminal, Buffer.from(END)) > 0);
    await until(() => this.stdout.endsWith(END));
    this.stdout = this.stdout.replace(END, '');
    sys.close(this.#terminal);
    this.#screen.destroy();
    running.delete(this);
  }

  kill(): void {
    for (const { pid } of this.#members()) attempt(() => kill(pid, 'SIGKILL'));
    this.#signal('SIGKILL');
  }

  /** The processes that come from it: its session, and what carries its variable. */
  #members(known: Process[] = []): Process[] {
    if (platform !== 'linux' || !this.#child.pid) return [];
    const own = [...family(this.#child.pid), ...withVariable(this.#variable)];
    const still = known.filter(({ pid }) => family(pid).some((process) => process.pid === pid));
    return [...new Map([...own, ...still].map((process) => [process.pid, process])).values()];
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid) attempt(() => kill(-(this.#child.pid as number), signal));
  }
}

/** Ends all that run: for a grader that is ended itself. */
export function killAll(): void {
  for (const submission of running) submission.kill();
}

/** A process may have ended meanwhile. */
function attempt(call: () => void): void {
  try {
    call();
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
  }
}
