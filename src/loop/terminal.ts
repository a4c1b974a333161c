/** stdin, stdout and stderr for a thread that waits in select() and whose event loop never turns. */
import { isatty } from 'node:tty';
import { errno, OSError } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import { Lines } from './lines.js';

/** Bytes for one read: a terminal's line is 4096 at most. */
const BUFFER_SIZE = 4096;

const STDOUT_IS_TERMINAL = isatty(1);
const STDERR_IS_TERMINAL = isatty(2);

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * Writes a line to stdout, whole and at once, by write(2): `console.log` on such a thread shows its first line
 * and no other. On a terminal, control characters other than newline and tab are shown as `\x1b`, so that text
 * from the network cannot steer it.
 *
 * @throws OSError EPIPE when nobody reads stdout any more
 */
export function print(line: string): void {
  writeAll(1, 'stdout', STDOUT_IS_TERMINAL ? visible(line) : line);
}

/** Writes a line to stderr, for hints and troubles; if nobody reads it, it is lost. */
export function warn(line: string): void {
  try {
    writeAll(2, 'stderr', STDERR_IS_TERMINAL ? visible(line) : line);
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
  }
}

/** Text with its control characters, but newline and tab, shown as `\x1b`. */
export function visible(line: string): string {
  return line.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function writeAll(fd: number, name: string, line: string): void {
  let rest: Uint8Array = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    const written = sys.write(fd, rest);
    if (written >= 0) rest = rest.subarray(written);
    // Whoever started the process may have made the pipe non-blocking.
    else if (written === -errno.EAGAIN) sys.select(null, Int32Array.of(fd));
    else if (written !== -errno.EINTR) throw new OSError(written, 'write', name);
  }
}

/** stdin for a loop's rlist. */
export class Stdin {
  readonly #lines = new Lines();
  #ended = false;

  fileno(): number {
    return 0;
  }

  /** Whether the end has been read: then stdin is to leave the rlist, for it stays readable. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Reads what is there, once select() has called it readable.
   *
   * @returns the lines that are complete, without their newlines; at the end also one without
   * @throws OSError when stdin cannot be read
   */
  readLines(): string[] {
    const buffer = Buffer.allocUnsafe(BUFFER_SIZE);
    const got = sys.read(0, buffer);
    if (got === -errno.EAGAIN || got === -errno.EINTR) return [];
    // A terminal that has gone away reads as EIO, and nohup's stdin, which nobody may read, as EBADF.
    if (got < 0 && got !== -errno.EIO && got !== -errno.EBADF) throw new OSError(got, 'read', 'stdin');
    if (got > 0) return this.#lines.push(buffer.subarray(0, got)).map(String);
    this.#ended = true;
    return this.#lines.pending > 0 ? [String(this.#lines.take())] : [];
  }
}
