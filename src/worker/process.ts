/** A loop as a process of its own: signals, stdout, exit code. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as afterMs, setImmediate as nextTurn } from 'node:timers/promises';
import { errno, OSError } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import type { Loop } from './run.js';

/** What a loop has to end in after a signal. A thread that is blocked in another call than its wait cannot. */
const GRACE_MS = 1000;

/** Ctrl-C goes to all processes of a pipeline: the reader of stdout may end before the signal is handled here. */
const SIGNAL_DELAY_MS = 100;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const STDOUT = 1;

/**
 * Starts a loop and waits for its end. Stops it on SIGINT and SIGTERM, and when nobody reads stdout any more.
 *
 * @returns the process's exit code
 * @throws what `start` or the program threw; OSError EPIPE when the reader of stdout has gone
 */
export async function untilEnd(start: () => Promise<Loop>): Promise<number> {
  let started: Loop | undefined;
  let isSignalled = false;
  const onSignal = (signal: NodeJS.Signals) => {
    isSignalled = true;
    started?.stop();
    setTimeout(() => sys._exit(128 + constants.signals[signal]), GRACE_MS).unref();
  };
  // Before the start: a signal may come as soon as anybody sees what the loop does.
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const signalled = Promise.race(SIGNALS.map((signal) => once(process, signal))).then(() => true);

  const loop = await start();
  started = loop;
  if (isSignalled) loop.stop();
  const readerIsGone = untilReaderIsGone(loop);
  readerIsGone.then((isGone) => isGone && loop.stop());

  const gone = new OSError(errno.EPIPE, 'write', 'stdout');
  try {
    const code = await loop.exited;
    if (await readerIsGone) throw gone;
    return code;
  } catch (err) {
    const isGone = err instanceof Error && err.message === gone.message;
    const delay = async () => {
      await afterMs(SIGNAL_DELAY_MS);
      await nextTurn(); // on a busy machine the timer may be due before the signal has been looked at
      return false;
    };
    if (isGone && (await Promise.race([signalled, delay()]))) return 0;
    throw err;
  }
}

/** True when nobody reads stdout any more; false once the loop is told to stop. */
function untilReaderIsGone(loop: Loop): Promise<boolean> {
  return new Promise((resolve) => {
    const result = sys.untilHangUp(STDOUT, loop.stopFd, resolve);
    if (result < 0) resolve(false); // no descriptor is left to watch it with: a write says EPIPE
  });
}
