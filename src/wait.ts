/** What all waits share: the object that has a descriptor, the deadline, the interrupting signal. */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { errno } from './posix/errors.js';
import { sys } from './posix/sys.js';

/** What a wait takes: a descriptor, or an object that has one. */
export type Waitable = number | { fileno(): number };

/** The first second that a time_t cannot hold. */
export const TIME_T_END_S = 2 ** 63;

/** poll and epoll_wait take an int. */
const MAX_MS = 2 ** 31 - 1;

/** The descriptor of an object as its `fileno()` gives it, unchecked; undefined where it has no such method. */
export function filenoOf(fileobj: Waitable): number | undefined {
  if (typeof fileobj === 'number') return fileobj;
  return typeof fileobj?.fileno === 'function' ? fileobj.fileno() : undefined;
}

/** When a wait that begins now is over, in the milliseconds of `performance.now()`; 0 for a poll or no end. */
export function deadlineMs(timeoutS: number | null): number {
  return timeoutS ? performance.now() + timeoutS * 1000 : 0;
}

/** The timeout for the rest of a wait, in seconds: what is left of it; 0 and null stay as they are. */
export function leftS(timeoutS: number | null, deadlineMs: number): number | null {
  return timeoutS ? Math.max(0, (deadlineMs - performance.now()) / 1000) : timeoutS;
}

/**
 * Whether a result says that a signal has interrupted the call, and the call is to be made again. It is not where a
 * listener for a signal may wait to run: on the main thread, once the call has returned (Python, PEP 475: the handler
 * has run by then).
 */
export function isToRetry(result: number): boolean {
  return result === -errno.EINTR && !(isMainThread && hasSignalListener());
}

/** Node itself listens to SIGWINCH for each of stdout and stderr that is a terminal. */
function hasSignalListener(): boolean {
  return process.eventNames().some((name) => {
    if (!(String(name) in constants.signals)) return false;
    const own = name === 'SIGWINCH' ? [1, 2].filter((fd) => sys.isatty(fd) === 1).length : 0;
    return process.listenerCount(name) > own;
  });
}

/** struct pollfd for `untilReady`, used within one call only. */
const pollfd = new Int32Array(2);

/**
 * Waits for one descriptor with poll(2), which takes any.
 *
 * @param events POLLIN or POLLOUT
 * @param timeoutS null waits for ever
 * @returns whether it is ready; a negative errno where the wait failed
 */
export function untilReady(fd: number, events: number, timeoutS: number | null): number {
  const deadline = deadlineMs(timeoutS);
  let count: number;
  do {
    pollfd[0] = fd;
    pollfd[1] = events;
    count = sys.poll(pollfd, 1, millisecondsOf(leftS(timeoutS, deadline)));
  } while (isToRetry(count));
  return count;
}

/** A timeout for poll and epoll_wait, rounded up: a wait that ended early would spin. -1 waits for ever. */
export function millisecondsOf(timeoutS: number | null): number {
  return timeoutS === null ? -1 : Math.min(Math.ceil(timeoutS * 1000), MAX_MS);
}

/** A timeout as tv_sec and tv_usec, rounded up to microseconds. */
export function putTimeval(timeoutS: number, timeval: Float64Array): void {
  const seconds = Math.floor(timeoutS);
  const micros = Math.ceil((timeoutS - seconds) * 1e6);
  timeval[0] = micros < 1e6 ? seconds : seconds + 1;
  timeval[1] = micros < 1e6 ? micros : 0;
}
