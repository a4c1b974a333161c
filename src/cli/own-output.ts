/** stdout and stderr whose writes do not wait, and that no other process has. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { sys } from '../posix/sys.js';

const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
const STREAMS = [1, 2];

/**
 * Makes writes to stdout and stderr fail with EAGAIN where they would wait. O_NONBLOCK belongs to the open file, which
 * a shell shares with all that it starts: so a terminal or pipe is opened once more, and the new open file takes the
 * descriptor's place. That works by way of /proc (Linux); elsewhere, and where it is not permitted, writes go on to wait.
 */
export function openOwnOutput(): void {
  for (const fd of STREAMS) if (isPipe(fd)) reopen(fd);
  // Node.js makes pipes and sockets non-blocking itself, and opens a terminal once more, where writes wait.
  void [process.stdout, process.stderr];
  for (const fd of STREAMS) if (sys.isatty(fd) === 1) reopen(fd);
}

function isPipe(fd: number): boolean {
  try {
    return fstatSync(fd).isFIFO();
  } catch {
    return false; // it is closed
  }
}

function reopen(fd: number): void {
  try {
    const own = openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    sys.dup2(own, fd);
    closeSync(own);
  } catch {
    // It stays as it is.
  }
}
