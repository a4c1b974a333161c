/** `--step`: the loop stops before each wait until Enter is pressed. */
import { isatty } from 'node:tty';
import type { Sys } from '../../posix/sys.js';
import { TraceWriter } from './writer.js';

const PROMPT = '  Enter goes on, Ctrl-D goes on without stops: ';
const STDIN_PROMPT = '  Enter goes on, text is for the program, Ctrl-D goes on without stops: ';

export class Step {
  readonly #sys: Sys;
  readonly #tty: number;
  readonly #stop: number;
  readonly #screen: TraceWriter;
  #isOn = true;

  /** Whether it stops before the waits. */
  get isOn(): boolean {
    return this.#isOn;
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
   * Shows a text and waits for Enter, or until the loop is told to end.
   *
   * @param stdin whether the program is about to wait for stdin
   */
  pause(text: string, stdin: boolean): void {
    if (!this.#isOn) return;
    const isShared = stdin && isatty(0);
    this.#screen.write(text + (isShared ? STDIN_PROMPT : PROMPT));
    this.#screen.flush();
    const ready = Int32Array.of(this.#tty, this.#stop);
    while (this.#sys.select(ready) < 0);
    // A line with text in it is left unread: the program finds it on stdin, which is the same terminal.
    const isText = isShared && ready[0] === this.#tty && this.#sys.fionread(this.#tty) > 1;
    if (ready[0] === this.#tty && !isText) this.#isOn = this.#sys.read(this.#tty, new Uint8Array(4096)) > 0;
    if (ready[0] === this.#stop || !this.#isOn) this.#screen.write('\n');
    this.#screen.flush();
  }
}
