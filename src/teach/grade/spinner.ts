/** Shows on a terminal that something is being done, below the lines that are there already. */
import { clearLine, cursorTo } from 'node:readline';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

export class Spinner {
  readonly #terminal: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;
  #frame = 0;
  #text = 'grading …';

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
    this.#draw();
  }

  #draw(): void {
    this.#clear();
    this.#terminal.write(` ${FRAMES[this.#frame++ % FRAMES.length]} ${this.#text}`);
  }

  #clear(): void {
    cursorTo(this.#terminal, 0);
    clearLine(this.#terminal, 0);
  }

  says(text: string): void {
    this.#text = text;
    this.#draw();
  }

  /** Writes lines above it. */
  above(lines: string[]): void {
    this.#clear();
    this.#terminal.write(lines.map((line) => `${line}\n`).join(''));
    this.#draw();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }
}
