/** The player in the terminal. */
import type { ReadStream, WriteStream } from 'node:tty';
import type { Story } from '../story/story.js';
import { truncate } from '../text.js';
import type { Chapters, Place } from './chapters.js';
import { screen } from './screen.js';

/** Milliseconds for which a step is shown at speed 1. */
const STEP_MS = 1000;

/** Steps a second. */
const [MIN_SPEED, MAX_SPEED] = [1 / 4, 64];

/** The size of a terminal that does not report its size. */
const [DEFAULT_COLUMNS, DEFAULT_ROWS] = [80, 24];

/** To the alternate screen, without line wrap and cursor; and back. */
const ENTER = '\x1b[?1049h\x1b[?7l\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?7h\x1b[?1049l';

const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';

/** A key: an escape sequence, or a character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with ESC
const KEY = /\x1b[[O][\d;]*[~A-Za-z]|./gsu;

/** A number that is being typed. */
interface Typing {
  what: 'wait' | 'fd';
  digits: string;
}

export class Player {
  readonly #chapters: Chapters;
  readonly #keyboard: ReadStream;
  readonly #terminal: WriteStream;
  #at = 1;
  #speed = 1;
  #timer: NodeJS.Timeout | undefined;
  /** The descriptor that `n` and `p` go along. */
  #fd: number | undefined;
  #typing: Typing | undefined;
  #message = '';
  #quit: (code: number) => void = () => {};

  constructor(chapters: Chapters, keyboard: ReadStream, terminal: WriteStream) {
    this.#chapters = chapters;
    this.#keyboard = keyboard;
    this.#terminal = terminal;
  }

  /** Plays until the user quits; the terminal is then as it was before. */
  async run(): Promise<number> {
    const draw = () => this.#draw();
    const type = (text: string) => this.#type(text);
    const resume = () => this.#resume();
    const ended = new Promise<number>((resolve) => {
      this.#quit = resolve;
    });
    const hangUp = () => this.#quit(1);
    const signals = Object.entries(SIGNALS).map(([signal, number]) => {
      return [signal, () => this.#quit(128 + number)] as const;
    });

    for (const [signal, end] of signals) process.on(signal, end);
    process.on('SIGCONT', resume);
    this.#terminal.on('resize', draw).on('error', hangUp);
    this.#keyboard.setEncoding('utf8').on('data', type).on('end', hangUp).on('error', hangUp);
    resume();
    void this.#chapters.readOn(draw);
    try {
      return await ended;
    } finally {
      clearInterval(this.#timer);
      this.#keyboard.off('data', type).pause();
      this.#keyboard.setRawMode(false);
      process.off('SIGCONT', resume);
      this.#terminal.off('resize', draw).write(LEAVE);
      for (const [signal, end] of signals) process.off(signal, end);
    }
  }

  #resume(): void {
    this.#keyboard.setRawMode(false); // a shell may have changed it without libuv's knowledge
    this.#keyboard.setRawMode(true);
    this.#terminal.write(ENTER);
    this.#draw();
  }

  /** Ctrl-Z: gives the terminal back to the shell, and stops the group as the terminal would. */
  #suspend(): void {
    this.#play(false);
    this.#keyboard.setRawMode(false);
    this.#terminal.write(LEAVE, () => {
      process.kill(0, 'SIGTSTP');
      this.#resume(); // the shell has continued it; or there is none, and nothing has stopped
    });
  }

  /** The action of each key; some keys have several sequences. */
  readonly #keys: Record<string, () => void> = {
    q: () => this.#quit(0),
    ' ': () => this.#play(!this.#timer),
    ...keys(() => this.#go(this.#at + 1), '\x1b[C', '\x1bOC', '\r', 'l'),
    ...keys(() => this.#go(this.#at - 1), '\x1b[D', '\x1bOD', '\x7f', 'h'),
    ...keys(() => this.#go(this.#at + 10), '\x1b[6~'),
    ...keys(() => this.#go(this.#at - 10), '\x1b[5~'),
    ...keys(() => this.#go(1), '\x1b[H', '\x1bOH', '\x1b[1~'),
    ...keys(() => this.#go(this.#chapters.length), '\x1b[F', '\x1bOF', '\x1b[4~'),
    '+': () => this.#changeSpeed(2),
    '-': () => this.#changeSpeed(1 / 2),
    g: () => this.#ask('wait'),
    f: () => this.#ask('fd'),
    n: () => this.#goAlong(1),
    p: () => this.#goAlong(-1),
  };

  #type(text: string): void {
    this.#message = '';
    for (const [key] of text.matchAll(KEY)) {
      if (key === CTRL_C) this.#quit(0);
      else if (key === CTRL_Z) {
        this.#suspend();
        return;
      } else if (this.#typing) this.#typeDigit(key, this.#typing);
      else this.#keys[key]?.();
    }
    this.#draw();
  }

  #ask(what: Typing['what']): void {
    this.#typing = { what, digits: '' };
  }

  /** A key of a number that is being typed. */
  #typeDigit(key: string, typing: Typing): void {
    if (/^\d$/.test(key) && typing.digits.length < 9) typing.digits += key;
    else if (key === '\x7f' || key === '\b') typing.digits = typing.digits.slice(0, -1);
    else if (key === '\x1b') this.#typing = undefined;
    else if (key === '\r' || key === '\n') this.#finishTyping(typing);
  }

  #finishTyping({ what, digits }: Typing): void {
    this.#typing = undefined;
    if (digits === '') return;
    if (what === 'wait') {
      this.#go(Number(digits));
    } else {
      this.#fd = Number(digits);
      this.#goAlong(1);
    }
  }

  #go(step: number): void {
    this.#play(false);
    this.#at = Math.min(Math.max(step, 0), this.#chapters.length);
  }

  /** To the next step in which something happens on the chosen descriptor. */
  #goAlong(direction: 1 | -1): void {
    const fd = this.#fd;
    const step = fd === undefined ? undefined : this.#nextOn(fd, direction);
    if (fd === undefined) this.#ask('fd');
    else if (step !== undefined) this.#go(step);
    else this.#message = `nothing ${direction === 1 ? 'more' : 'earlier'} happens on fd ${fd}`;
  }

  /** The next wait in which something happens on a descriptor, whatever it is called there. */
  #nextOn(fd: number, direction: 1 | -1): number | undefined {
    const isOn = (story: Story, life: number) => story.life(life).fd === fd;
    for (
      let number = this.#at + direction;
      number >= 0 && number <= this.#chapters.length;
      number += direction
    ) {
      const { story, number: local } = this.#chapters.at(number);
      const { wait, calls } = story.step(local);
      const lives = [
        ...(wait?.reasons ?? []).map(({ life }) => life),
        ...calls.flatMap(({ life, other }) => [life, other]),
      ];
      if (lives.some((life) => life >= 0 && isOn(story, life))) return number;
    }
    return undefined;
  }

  #play(plays: boolean): void {
    clearInterval(this.#timer);
    this.#timer = plays ? setInterval(() => this.#tick(), STEP_MS / this.#speed) : undefined;
    if (plays && this.#at === this.#chapters.length) this.#at = 1;
  }

  #tick(): void {
    this.#message = '';
    if (this.#at < this.#chapters.length) this.#at++;
    if (this.#at === this.#chapters.length) this.#play(false);
    this.#draw();
  }

  #changeSpeed(factor: number): void {
    this.#speed = Math.min(Math.max(this.#speed * factor, MIN_SPEED), MAX_SPEED);
    this.#message = `${this.#speed} steps a second`;
    if (this.#timer) this.#play(true);
  }

  #draw(): void {
    const columns = this.#terminal.columns || DEFAULT_COLUMNS;
    const rows = this.#terminal.rows || DEFAULT_ROWS;
    const lines = screen(this.#place(), this.#waitText(), { columns, rows });
    while (lines.length < rows - 1) lines.push('');
    // A line is cleared before it is written: after it, the cursor may stand on its last column.
    const text = lines.map((line) => `${CLEAR_LINE}${line}\r\n`).join('');
    this.#terminal.write(`${HOME}${text}${CLEAR_BELOW}${truncate(this.#foot(), columns)}`);
  }

  #place(): Place {
    return this.#chapters.at(this.#at);
  }

  #waitText(): string {
    const of = `${this.#chapters.length}${this.#chapters.isComplete ? '' : ' …'}`;
    return this.#at === 0 ? `set-up, ${of} waits` : `wait ${this.#at} of ${of}`;
  }

  #foot(): string {
    if (this.#typing) {
      const { what, digits } = this.#typing;
      return `${what === 'wait' ? 'go to wait' : 'follow fd'}: ${digits}_`;
    }
    if (this.#message) return this.#message;
    const follow = this.#fd === undefined ? 'f follow fd' : `n p next on fd ${this.#fd}`;
    // How to quit comes first: a narrow terminal cuts the end.
    return `q quit  ← → step  space ${this.#timer ? 'pause' : 'play '}  + - speed  Home End  g go to  ${follow}`;
  }
}

function keys(action: () => void, ...keys: string[]): Record<string, () => void> {
  return Object.fromEntries(keys.map((key) => [key, action]));
}
