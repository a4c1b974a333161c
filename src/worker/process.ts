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
  let signalled = false;
  const end = (signal: NodeJS.Signals) => {
    signalled = true;
    loop.stop();
    setTimeout(() => sys._exit(128 + constants.signals[signal]), GRACE).unref();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);

  const stdout = 1;
  const hangUp = new Promise<boolean>((resolve) => sys.untilHangUp(stdout, loop.stopFd, resolve));
  hangUp.then((hungUp) => hungUp && loop.stop());

  const gone = new OSError(errno.EPIPE, 'write', 'stdout');
  try {
    const code = await loop.exited;
    if ((await hangUp) && !signalled) throw gone;
    return code;
  } catch (err) {
    // Ctrl-C ends the reader of a pipeline as well.
    if (signalled && err instanceof Error && err.message === gone.message) return 0;
    throw err;
  }
}
