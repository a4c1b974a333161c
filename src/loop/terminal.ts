/** stdin, stdout and stderr for a thread that waits in select() and whose event loop never turns. */
import { isatty } from 'node:tty';
import { errno, OSError } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import { Lines } from './lines.js';
import { writeAll } from './write-all.js';

/** Bytes for one read: a terminal's line has 4096 at most. */
const BUFFER_BYTES = 4096;

const STDOUT_IS_TERMINAL = isatty(1);
const STDERR_IS_TERMINAL = isatty(2);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it matches
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * Writes a line to stdout, whole and at once, by write(2): `console.log` on such a thread shows its first line
 * and no other. On a terminal, control characters other than newline and tab are shown as `\x1b`, so that text
 * from the network cannot control the terminal.
 *
 * @throws OSError EPIPE when nobody reads stdout any more
 */
export function print(line: string): void {
  writeLine(1, 'stdout', STDOUT_IS_TERMINAL ? visible(line) : line);
}

/** Writes a line to stderr, for hints and errors. When nobody reads stderr, the line is lost. */
export function warn(line: string): void {
  try {
    writeLine(2, 'stderr', STDERR_IS_TERMINAL ? visible(line) : line);
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
  }
}

/** The text with its control characters, except newline and tab, shown as `\x1b`. */
export function visible(line: string): string {
  return line.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function writeLine(fd: number, name: string, line: string): void {
  const failed = writeAll(sys, fd, Buffer.from(`${line}\n`));
  if (failed !== 0) throw new OSError(failed, 'write', name);
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
    // EIO: the terminal has gone away. EBADF: nobody may read nohup's stdin. Both are the end.
    if (got < 0 && got !== -errno.EIO && got !== -errno.EBADF) throw new OSError(got, 'read', 'stdin');
    if (got > 0) return this.#lines.push(buffer.subarray(0, got)).map(String);
    this.#ended = true;
    return this.#lines.pending > 0 ? [String(this.#lines.take())] : [];
  }
}
