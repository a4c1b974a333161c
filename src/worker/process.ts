/** A loop as a process of its own: signals, stdout, exit code. */
import { constants } from 'node:os';
import { errno, OSError } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import type { Loop } from './run.js';

/** Milliseconds in which a loop must have ended; a thread that is caught in another call cannot. */
const GRACE = 1000;

/**
 * Lives as long as the loop, ends it on SIGINT, SIGTERM and when nobody reads stdout any more.
 *
 * @returns the process's exit code
 * @throws what the program threw; OSError EPIPE when stdout's reader has gone
 */
export async function untilEnd(loop: Loop): Promise<number> {
  const end = (signal: NodeJS.Signals) => {
    loop.stop();
    setTimeout(() => sys._exit(128 + constants.signals[signal]), GRACE).unref();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);

  const stdout = 1;
  const hangUp = sys.untilHangUp(stdout, loop.stopFd).then((hungUp) => {
    if (hungUp) loop.stop();
    return hungUp;
  });

  const code = await loop.exited;
  if (await hangUp) throw new OSError(errno.EPIPE, 'write', 'stdout');
  return code;
}
