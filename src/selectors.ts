/** selectors as Python has it: one interface to select, poll, epoll and kqueue. */
import { sys } from './posix/sys.js';
import type { BaseSelector } from './selectors/base.js';
import { EpollSelector } from './selectors/epoll.js';
import { KqueueSelector } from './selectors/kqueue.js';
import { PollSelector } from './selectors/poll.js';
import { SelectSelector } from './selectors/select.js';

export { BaseSelector, EVENT_READ, EVENT_WRITE, SelectorKey, SelectorMap } from './selectors/base.js';
export { EpollSelector, KqueueSelector, PollSelector, SelectSelector };

/** The best that the platform has: epoll, kqueue, then poll. */
export const DefaultSelector: new <Data = unknown>() => BaseSelector<Data> = sys.epoll_create
  ? EpollSelector
  : sys.kqueue
    ? KqueueSelector
    : PollSelector;

/** The selectors by name, for a command line. */
export const SELECTORS = {
  default: DefaultSelector,
  select: SelectSelector,
  poll: PollSelector,
  epoll: EpollSelector,
  kqueue: KqueueSelector,
};
