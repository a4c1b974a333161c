/** Threads that wait in select(2) in a process of their own (fixtures/waiter.js), and signals that hit them (Linux). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Process, until } from './process.js';
import { Python } from './python.js';

const FIXTURE = fileURLToPath(new URL('fixtures/waiter.js', import.meta.url));

/** The system calls by which C libraries make select(): select(2) and pselect6(2). */
const SELECT = process.arch === 'arm64' ? ['72'] : ['23', '270'];

/** tgkill(2), because kill(2) leaves the choice of the thread to the kernel. */
const SIGNALLER = `import ctypes, signal, sys
libc = ctypes.CDLL(None)
print('ready', flush=True)
for line in sys.stdin: libc.tgkill(*map(int, line.split()), signal.SIGUSR2)`;

export class Waiter extends Process {
  readonly #signaller: Process;

  private constructor(signaller: Process, args: string[]) {
    super(process.execPath, [FIXTURE, ...args]);
    this.#signaller = signaller;
  }

  /** Starts a thread that waits for its stdin, `seconds` at most; null and undefined are handed on to the call. */
  static async start(
    thread: 'main' | 'worker',
    call: 'select' | 'selectFdSets',
    seconds?: number | null,
  ): Promise<Waiter> {
    const signaller = Python.program(SIGNALLER);
    await signaller.out(/ready/); // it is not to use up the seconds
    return new Waiter(signaller, [thread, call, ...(seconds === undefined ? [] : [String(seconds)])]);
  }

  /** How the wait has ended, and how long it was. */
  get ended(): { how: string; ms: number } | null {
    const match = this.stdout.match(/^(.*) after (.*) ms$/m);
    return match && { how: match[1], ms: Number(match[2]) };
  }

  /** How many signals the handler has seen. */
  get handled(): number {
    return this.lines.filter((line) => line === 'handler').length;
  }

  /** Waits until the thread is blocked in select(2): the call's arguments; none when the wait has ended. */
  async blocked(): Promise<string[]> {
    const tid = await this.#thread();
    return await until('the thread is blocked in select(2)', () => {
      if (this.ended) return [];
      try {
        const [number, ...args] = readFileSync(`/proc/${this.pid}/task/${tid}/syscall`, 'utf8').split(' ');
        return SELECT.includes(number) ? args : null;
      } catch {
        return null; // the thread is gone, and its last line is on the way
      }
    });
  }

  /** Hits the waiting thread with a signal. Returns false when its wait has ended before. */
  async interrupt(): Promise<boolean> {
    if ((await this.blocked()).length === 0) return false;
    const handled = this.handled;
    this.#signaller.child.stdin?.write(`${this.pid} ${await this.#thread()}\n`);
    await until('the signal has arrived', () => this.handled > handled || this.ended);
    return true;
  }

  /** Lets the process end: its exit code. */
  async finish(): Promise<number | string> {
    this.child.stdin?.end();
    this.#signaller.child.stdin?.end();
    await this.#signaller.exit;
    return await this.exit;
  }

  async #thread(): Promise<string> {
    return (await this.out(/^thread (\d+)$/m))[1];
  }
}
