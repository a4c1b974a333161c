/** write(2) until all of it is written. */
import { errno } from '../posix/errors.js';
import type { Sys } from '../posix/sys.js';

/**
 * Writes all bytes, however few each write(2) takes, and waits where the descriptor takes none for now.
 *
 * @param sys the system calls: traced or untraced
 * @returns 0, or the negative errno of the write that failed
 * @see man 2 write
 */
export function writeAll(sys: Pick<Sys, 'write' | 'select'>, fd: number, bytes: Uint8Array): number {
  let rest = bytes;
  while (rest.length > 0) {
    const written = sys.write(fd, rest);
    if (written >= 0) rest = rest.subarray(written);
    // Whoever started the process may have made the descriptor non-blocking.
    else if (written === -errno.EAGAIN) sys.select(null, Int32Array.of(fd));
    else if (written !== -errno.EINTR) return written;
  }
  return 0;
}
