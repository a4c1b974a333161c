/** stdin, stdout and stderr for a thread that waits in select() and whose event loop never turns. */
import { errno, OSError } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import { select } from '../select.js';
import { type BaseSelector, EVENT_WRITE } from '../selectors/base.js';
import { Lines } from './lines.js';
import { Pending, PendingMemory } from './pending.js';
import { writeAll } from './write-all.js';

/** Bytes for one read: a terminal's line has 4096 at most. */
const BUFFER_BYTES = 4096;

/** Bytes of lines that are kept while nobody reads stdout; what comes then is dropped. */
const MAX_KEPT_BYTES = 2 ** 23;

/**
 * The errors of reading a stdin that is at its end: the terminal has gone away (EIO), nobody may read nohup's stdin
 * (EBADF), stdin is a socket whose peer is gone.
 */
const NO_KEYBOARD = new Set([errno.EIO, errno.EBADF, errno.ECONNRESET, errno.ETIMEDOUT]);

/** How long `Output.end` waits where nobody may be waited for: a server's end, Ctrl-C. */
const END_MS = 50;

/** Control characters but newline and tab; and what nobody sees: of zero width, or turning the text round. */
const NOT_VISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Writes a line to stdout, whole and at once, by write(2): `console.log` on such a thread shows its first line
 * and no other. Lines that end in `\r\n` are shown without the `\r`. On a terminal, what is not visible is shown as
 * `\x1b` or `\u202e`, so that text from the network cannot control the terminal, or look like other text.
 *
 * @param line one string
 * @throws OSError EPIPE when nobody reads stdout any more
 * @throws TypeError for another number of arguments, or what is no string
 */
export function print(line: string, ...more: never[]): void {
  if (typeof line !== 'string' || more.length > 0)
    throw new TypeError(`print takes one string: \`\${a} \${b}\`, or repr(value) of posix-select`);
  stdout.writeLine(line.replace(/\r(?=\n|$)/g, ''));
}

/** Writes a line to stderr, for hints and errors. When nobody reads stderr, the line is lost. */
export function warn(line: string): void {
  try {
    stderr.writeLine(line);
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
  }
}

/** The text without what nobody sees: control characters, zero width, what turns the text round. For names. */
export function withoutInvisible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu, '');
}

/** The text with what is not visible in it, except newline and tab, shown as `\x1b` or `\u202e`. */
export function visible(line: string): string {
  return line.replace(NOT_VISIBLE, (char) => {
    if (char === '\n' || char === '\t') return char;
    const code = (char.codePointAt(0) as number).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** stdout or stderr. */
class Stream {
  readonly #fd: number;
  readonly #name: string;
  readonly #isTerminal: boolean;
  /** What has not been written yet; null: a write waits until all is. */
  #kept: Pending | null = null;
  #droppedLines = 0;

  constructor(fd: number, name: string) {
    this.#fd = fd;
    this.#name = name;
    this.#isTerminal = sys.isatty(fd) === 1;
  }

  fileno(): number {
    return this.#fd;
  }

  /** Bytes that have not been written yet. */
  get size(): number {
    return this.#kept?.size ?? 0;
  }

  /** From now on a write does not wait: what is not taken is kept. */
  keep(): void {
    this.#kept ??= new Pending(new PendingMemory(MAX_KEPT_BYTES));
  }

  /** @throws OSError */
  writeLine(line: string): void {
    const bytes = Buffer.from(`${this.#isTerminal ? visible(line) : line}\n`);
    if (!this.#kept) {
      const failed = writeAll(sys, this.#fd, bytes);
      if (failed !== 0) throw new OSError(failed, 'write', this.#name);
      return;
    }
    // Once a line is dropped, all are until stdout has taken what is kept: one gap, and its size is told there.
    const written = this.size > 0 ? 0 : this.#tryWrite(bytes);
    if (written === bytes.length) return;
    if (this.#droppedLines > 0 || !this.#kept.push(bytes.subarray(written))) this.#droppedLines += 1;
  }

  /** Goes on writing what is kept. @throws OSError when nobody reads stdout any more */
  flush(): void {
    try {
      this.#flush();
    } catch (err) {
      if (!(err instanceof OSError && this === stderr)) throw err;
    }
  }

  #flush(): void {
    const kept = this.#kept as Pending;
    while (kept.size > 0) {
      const { front } = kept;
      const written = this.#tryWrite(front);
      kept.drop(written);
      if (written < front.length) return;
    }
    const dropped = this.#droppedLines;
    this.#droppedLines = 0;
    if (dropped > 0) this.writeLine(`(${dropped} lines are missing here: nobody read ${this.#name})`);
  }

  /** @returns how many bytes were taken; fewer than all where the stream is non-blocking and full */
  #tryWrite(bytes: Uint8Array): number {
    let written = 0;
    while (written < bytes.length) {
      const count = sys.write(this.#fd, written === 0 ? bytes : bytes.subarray(written));
      if (count === -errno.EAGAIN) break;
      if (count >= 0) {
        written += count;
      } else if (count !== -errno.EINTR) {
        this.#kept?.clear();
        throw new OSError(count, 'write', this.#name);
      }
    }
    return written;
  }
}

const stdout = new Stream(1, 'stdout');
const stderr = new Stream(2, 'stderr');

/**
 * stdout and stderr as elements of wlist: a terminal that is stopped, or a pipe that nobody reads, does not stop the
 * loop. From when there is one on, `print` and `warn` keep what is not taken, up to 8 MiB; more lines are dropped,
 * and their number is printed in their place.
 *
 *     const output = new Output();
 *     …
 *     const [readable] = select(rlist, output.wlist, []);
 *     output.flush();
 *
 * A stream that blocks makes `print` wait all the same: `openOwnOutput` makes them non-blocking.
 */
export class Output {
  /** stdout and stderr. */
  readonly streams = [stdout, stderr];

  constructor() {
    for (const stream of this.streams) stream.keep();
  }

  /** The streams that have not taken all. */
  get wlist(): Stream[] {
    return this.streams.filter(({ size }) => size > 0);
  }

  /** For a loop on a selector: waits there for the streams that have not taken all. */
  watch(sel: BaseSelector<unknown>): void {
    for (const stream of this.streams) {
      const isWatched = sel.getMap()?.has(stream);
      if (stream.size > 0 && !isWatched) sel.register(stream, EVENT_WRITE);
      if (stream.size === 0 && isWatched) sel.unregister(stream);
    }
  }

  /** Writes as much of what is kept as the streams take. @throws OSError when nobody reads stdout any more */
  flush(): void {
    for (const stream of this.wlist) stream.flush();
  }

  /**
   * Writes what is kept before the loop's thread ends.
   *
   * @param stop waits for the streams until this descriptor is readable; without it, for 50 ms
   */
  end(stop?: number): void {
    let deadlineMs = stop === undefined ? performance.now() + END_MS : Infinity;
    while (this.wlist.length > 0) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return;
      const stops = stop === undefined || deadlineMs < Infinity ? [] : [stop];
      const timeout = leftMs === Infinity ? null : leftMs / 1000;
      const [stopped] = select(stops, this.wlist, [], timeout);
      if (stopped.length > 0) deadlineMs = performance.now() + END_MS;
      this.flush();
    }
  }
}

/** stdin as an element of rlist. */
export class Stdin {
  readonly #lines = new Lines();
  #ended = false;

  /** 0, stdin's descriptor. */
  fileno(): number {
    return 0;
  }

  /** Whether stdin has ended: it stays readable from then on, so it must leave rlist. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes that could be read now. */
  get unread(): number {
    return this.#ended ? 0 : Math.max(0, sys.fionread(0));
  }

  /**
   * Reads once, after select() has said that stdin is readable.
   *
   * @returns the complete lines, without their newlines; at the end also the last line without one
   * @throws OSError when stdin cannot be read
   */
  readLines(): string[] {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    const got = sys.read(0, buffer);
    if (got === -errno.EAGAIN || got === -errno.EINTR) return [];
    if (got < 0 && !NO_KEYBOARD.has(-got)) throw new OSError(got, 'read', 'stdin');
    if (got > 0) return this.#lines.push(buffer.subarray(0, got)).map(String);
    this.#ended = true;
    return this.#lines.pending > 0 ? [String(this.#lines.take())] : [];
  }
}
