/** Starts the threads that loops run on. It imports nothing of ours, so that it can be the first to be loaded. */
import { getEnvironmentData, setEnvironmentData, Worker } from 'node:worker_threads';

/**
 * The write ends of the stop pipes of all threads: element fd is 1 while fd is one. A worker that ends with the
 * process runs no exit hook of its own, so the main thread's closes them all.
 */
const SHARED_KEY = 'posix-select.stops';
export const writeEnds =
  (getEnvironmentData(SHARED_KEY) as Uint8Array | undefined) ??
  new Uint8Array(new SharedArrayBuffer(2 ** 20));
setEnvironmentData(SHARED_KEY, writeEnds);

/** A thread that waits for its program. */
let ahead: Worker | undefined;

/** Starts the thread for the loop that is run next, while this thread gets ready for it. */
export function startAhead(): void {
  try {
    ahead ??= startThread();
  } catch {
    // Whoever runs the loop tries again, and is told.
  }
}

/** A thread that waits for a message of what it is to run. */
export function takeThread(): Worker {
  const thread = ahead ?? startThread();
  ahead = undefined;
  return thread;
}

function startThread(): Worker {
  // With --input-type, which belongs to --eval, a worker would not start.
  const fromEval = process.execArgv.some((option) => option.startsWith('--input-type'));
  return new Worker(new URL('../worker/thread.js', import.meta.url), { execArgv: fromEval ? [] : undefined });
}
