/** Lets the loop go from wait to wait at the push of a key. */
import { isatty } from 'node:tty';
import type { Sys } from '../../posix/sys.js';
import { TraceWriter } from './writer.js';

const PROMPT = '  Enter goes on, Ctrl-D without further stops: ';
const STDIN_PROMPT = '  Enter goes on, text is for the program, Ctrl-D goes on without stops: ';

export class Step {
  readonly #sys: Sys;
  readonly #tty: number;
  readonly #stop: number;
  readonly #screen: TraceWriter;
  #steps = true;

  /** Whether it still waits for Enter. */
  get isOn(): boolean {
    return this.#steps;
  }

  /**
   * @param sys the system calls, untraced
   * @param tty the terminal, open for reading and writing
   */
  constructor(sys: Sys, tty: number, stop: number) {
    this.#sys = sys;
    this.#tty = tty;
    this.#stop = stop;
    this.#screen = new TraceWriter(sys, tty, '/dev/tty');
  }

  /**
   * Shows a text and waits for Enter, but no longer than until the loop is to end.
   *
   * @param stdin whether the program is about to wait for stdin
   */
  pause(text: string, stdin: boolean): void {
    if (!this.#steps) return;
    const isShared = stdin && isatty(0);
    this.#screen.write(text + (isShared ? STDIN_PROMPT : PROMPT));
    this.#screen.flush();
    const ready = Int32Array.of(this.#tty, this.#stop);
    while (this.#sys.select(ready) < 0);
    // A line with more than its end stays where it is: the program's wait finds it on stdin, the same terminal.
    const isText = isShared && ready[0] === this.#tty && this.#sys.fionread(this.#tty) > 1;
    if (ready[0] === this.#tty && !isText) this.#steps = this.#sys.read(this.#tty, new Uint8Array(4096)) > 0;
    if (ready[0] === this.#stop || !this.#steps) this.#screen.write('\n');
    this.#screen.flush();
  }
}
