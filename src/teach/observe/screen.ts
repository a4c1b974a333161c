/** Shows on a terminal what a program is blocked in, in place: it scrolls, and marks what has just changed. */
import { clearScreenDown, cursorTo, emitKeypressEvents, moveCursor } from 'node:readline';
import type { ReadStream } from 'node:tty';
import { visible } from '../../loop/terminal.js';
import { wrap } from '../text.js';
import { groupsOf, nameOf } from './groups.js';
import { callOf, namesOf, sentence, type ThreadState } from './snapshot.js';

/** For how long a line is marked as new. */
const NEW_MS = 1500;
const MARK = '▸';

const BOLD = '\x1b[1m';
const PLAIN = '\x1b[m';

interface Key {
  name?: string;
  ctrl?: boolean;
}

export class Screen {
  readonly #terminal: NodeJS.WriteStream;
  readonly #keyboard?: ReadStream;
  readonly #press = (_: string, key: Key) => this.#onKey(key);
  /** Since when each line has been there. */
  #since = new Map<string, number>();
  #isFirst = true;
  #drawn = 0;
  #offset = 0;
  #lines: Drawn[] = [];
  #ticks = new Map<number, number>();
  #atMs = performance.now();
  isClosed = false;

  constructor(terminal: NodeJS.WriteStream, keyboard: ReadStream) {
    this.#terminal = terminal;
    if (!keyboard.isTTY) return;
    this.#keyboard = keyboard;
    emitKeypressEvents(keyboard);
    keyboard.setRawMode(true);
    keyboard.on('keypress', this.#press).resume();
  }

  close(): void {
    this.isClosed = true;
    this.#keyboard?.off('keypress', this.#press).pause();
    this.#keyboard?.setRawMode(false);
  }

  show(all: ThreadState[]): void {
    const seconds = (performance.now() - this.#atMs) / 1000;
    const cpuPercent = ({ process: { pid, ticks } }: ThreadState) =>
      seconds > 0 ? Math.round((ticks - (this.#ticks.get(pid) ?? ticks)) / seconds) : 0;
    this.#lines = this.#marked(page(all, cpuPercent));
    this.#draw();
    this.#atMs = performance.now();
    this.#ticks = new Map(all.map(({ process: { pid, ticks } }) => [pid, ticks]));
  }

  /** With a mark before what has just come. */
  #marked(lines: PageLine[]): Drawn[] {
    const now = performance.now();
    const since = new Map(
      lines.map(({ key }) => [key, this.#since.get(key) ?? (this.#isFirst ? -NEW_MS : now)]),
    );
    this.#since = since;
    this.#isFirst = false;
    const columns = (this.#terminal.columns || 80) - 2;
    return lines.flatMap(({ key, text }) => {
      const isNew = now - (since.get(key) ?? 0) < NEW_MS;
      return wrap(visible(text), columns, 6).map((line, i) => ({
        text: isNew ? `${i === 0 ? MARK : ' '} ${BOLD}${line}${PLAIN}` : `  ${line}`,
        isNew: isNew && i === 0,
      }));
    });
  }

  #draw(): void {
    const rows = (this.#terminal.rows || 24) - 1;
    const total = this.#lines.length;
    const isWhole = total <= rows;
    const room = isWhole ? rows : Math.max(rows - 1, 1);
    this.#offset = Math.max(Math.min(this.#offset, total - room), 0);
    const shown = this.#lines.slice(this.#offset, this.#offset + room);
    const last = this.#offset + shown.length;
    const newIn = (lines: Drawn[], where: string) => {
      const count = lines.filter(({ isNew }) => isNew).length;
      return count > 0 ? `  ${MARK} ${count} ${where}` : '';
    };
    const above = newIn(this.#lines.slice(0, this.#offset), 'above');
    const below = newIn(this.#lines.slice(last), 'below');
    const status = `lines ${this.#offset + 1} to ${last} of ${total}: ↑ ↓ PgUp PgDn${above}${below}`;
    cursorTo(this.#terminal, 0);
    moveCursor(this.#terminal, 0, -this.#drawn);
    clearScreenDown(this.#terminal);
    const texts = shown.map(({ text }) => text);
    const lines = isWhole ? texts : [...texts, status.slice(0, this.#terminal.columns || 80)];
    this.#terminal.write(lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.length;
  }

  #onKey({ name = '', ctrl }: Key): void {
    if ((ctrl && name === 'c') || name === 'q') {
      this.isClosed = true;
      return;
    }
    const page = Math.max((this.#terminal.rows || 24) - 2, 1);
    const steps: Record<string, number> = {
      up: -1,
      k: -1,
      down: 1,
      j: 1,
      pageup: -page,
      pagedown: page,
      space: page,
      home: Number.NEGATIVE_INFINITY,
      end: Number.POSITIVE_INFINITY,
    };
    if (!(name in steps)) return;
    this.#offset += steps[name] ?? 0;
    if (!Number.isFinite(this.#offset)) this.#offset = this.#offset < 0 ? 0 : this.#lines.length;
    this.#draw();
  }
}

/** A line as it is drawn. */
interface Drawn {
  text: string;
  /** it has just come */
  isNew: boolean;
}

interface PageLine {
  text: string;
  /** what makes it the same line as one before */
  key: string;
}

/** A block for each process, its threads in it; those that are blocked in the very same are one. */
function page(all: ThreadState[], cpuPercent: (thread: ThreadState) => number): PageLine[] {
  return groupsOf(all, nameOf).flatMap((threads) => {
    const process = nameOf(threads[0]);
    const keyed = (text: string, key = text) => ({ text, key: `${process} ${key}` });
    return [
      keyed(`${process}  ${cpuPercent(threads[0])} % CPU`, ''),
      ...groupsOf(threads, sentence).flatMap((same) => [
        keyed(`  ${callOf(same[0])}${same.length > 1 ? `  (${same.length} threads)` : ''}`, same[0].call),
        ...namesOf(same[0]).map((name) => keyed(`    ${name}`)),
      ]),
    ];
  });
}
