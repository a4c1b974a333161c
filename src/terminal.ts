/** Lines on stdout and stderr, for a thread that waits in select() and whose event loop never turns. */
import { errno, OSError } from './posix/errors.js';
import { sys } from './posix/sys.js';
import { select } from './select.js';

/**
 * Writes a line to stdout, whole and at once, by write(2): `console.log` on such a thread shows its first line
 * and no other.
 *
 * @throws OSError EPIPE when nobody reads stdout any more
 */
export function print(line: string): void {
  writeAll(1, 'stdout', line);
}

/** Writes a line to stderr, for hints and troubles; if nobody reads it, it is lost. */
export function warn(line: string): void {
  try {
    writeAll(2, 'stderr', line);
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
  }
}

function writeAll(fd: number, name: string, line: string): void {
  let rest: Uint8Array = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    const written = sys.write(fd, rest);
    if (written >= 0) rest = rest.subarray(written);
    // Whoever started the process may have made the pipe non-blocking.
    else if (written === -errno.EAGAIN) select([], [fd], []);
    else if (written !== -errno.EINTR) throw new OSError(written, 'write', name);
  }
}
