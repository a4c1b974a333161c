/** Lets the loop go from wait to wait at the push of a key. */
import type { Sys } from '../posix/sys.js';
import { Output } from './output.js';

const PROMPT = '  Enter goes on, Ctrl-D without further stops: ';

export class Step {
  readonly #sys: Sys;
  readonly #tty: number;
  readonly #stop: number;
  readonly #screen: Output;
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
    this.#screen = new Output(sys, tty, '/dev/tty');
  }

  /** Shows a text and waits for Enter, but no longer than until the loop is to end. */
  pause(text: string): void {
    if (!this.#steps) return;
    this.#screen.write(text + PROMPT);
    this.#screen.flush();
    const ready = Int32Array.of(this.#tty, this.#stop);
    while (this.#sys.select(ready, null, null, null) < 0);
    if (ready[0] === this.#tty) this.#steps = this.#sys.read(this.#tty, new Uint8Array(4096)) > 0;
    if (ready[0] === this.#stop || !this.#steps) this.#screen.write('\n');
    this.#screen.flush();
  }
}
