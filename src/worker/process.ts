/** A loop as a process of its own: signals, stdout, exit code. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';
import { errno, OSError } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import type { Loop } from './run.js';

/** Milliseconds in which a loop must have ended; a thread that is caught in another call cannot. */
const GRACE = 1000;

/** Milliseconds in which a Ctrl-C that has ended the reader of stdout comes here as well. */
const LATE = 100;

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
  const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of SIGNALS) process.on(signal, end);
  const signalled = Promise.race(SIGNALS.map((signal) => once(process, signal))).then(() => true);

  const stdout = 1;
  const hangUp = new Promise<boolean>((resolve) => sys.untilHangUp(stdout, loop.stopFd, resolve));
  hangUp.then((hungUp) => hungUp && loop.stop());

  const gone = new OSError(errno.EPIPE, 'write', 'stdout');
  try {
    const code = await loop.exited;
    if (await hangUp) throw gone;
    return code;
  } catch (err) {
    const isGone = err instanceof Error && err.message === gone.message;
    if (isGone && (await Promise.race([signalled, after(LATE, false)]))) return 0;
    throw err;
  }
}
