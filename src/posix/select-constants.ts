// Written from native/constants.cc: see test/core/constants.test.ts.
import { sys } from './sys.js';

export const FD_SETSIZE = sys.constants.FD_SETSIZE as number;
export const POLLIN = sys.constants.POLLIN as number;
export const POLLPRI = sys.constants.POLLPRI as number;
export const POLLOUT = sys.constants.POLLOUT as number;
export const POLLERR = sys.constants.POLLERR as number;
export const POLLHUP = sys.constants.POLLHUP as number;
export const POLLNVAL = sys.constants.POLLNVAL as number;
export const POLLRDHUP = sys.constants.POLLRDHUP as number;
export const EPOLLIN = sys.constants.EPOLLIN as number;
export const EPOLLOUT = sys.constants.EPOLLOUT as number;
export const EPOLL_CTL_ADD = sys.constants.EPOLL_CTL_ADD as number;
export const EPOLL_CTL_MOD = sys.constants.EPOLL_CTL_MOD as number;
export const EPOLL_CTL_DEL = sys.constants.EPOLL_CTL_DEL as number;
export const EVFILT_READ = sys.constants.EVFILT_READ as number;
export const EVFILT_WRITE = sys.constants.EVFILT_WRITE as number;
export const EV_ADD = sys.constants.EV_ADD as number;
export const EV_DELETE = sys.constants.EV_DELETE as number;
