/** posix-select: the real select(2), in Node.js. */
export {
  FD_CLR,
  FD_ISSET,
  FD_SET,
  FD_SETSIZE,
  FD_ZERO,
  FdSet,
  selectFdSets,
  type Timeval,
} from './fdset.js';
export { Kevent, Kqueue, kevent, kqueue } from './kqueue.js';
export { Epoll, epoll, Poll, type PollResult, poll } from './poll.js';
export { errno, OSError, type Subject, strerror } from './posix/errors.js';
export * from './posix/select-constants.js';
export { repr } from './repr.js';
export { select, type Waitable } from './select.js';
export * as selectors from './selectors.js';
export * as socket from './socket.js';
export { type Loop, type Main, type RunOptions, runInWorker } from './worker/run.js';
