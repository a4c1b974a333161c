// Written from native/constants.cc: see test/core/constants.test.ts.
import { sys } from './sys.js';

export const FD_SETSIZE = sys.constants.FD_SETSIZE as number;
export const EPOLL_CTL_ADD = sys.constants.EPOLL_CTL_ADD as number;
export const EPOLL_CTL_MOD = sys.constants.EPOLL_CTL_MOD as number;
export const EPOLL_CTL_DEL = sys.constants.EPOLL_CTL_DEL as number;
export const EVFILT_READ = sys.constants.EVFILT_READ as number;
export const EVFILT_WRITE = sys.constants.EVFILT_WRITE as number;
export const EV_ADD = sys.constants.EV_ADD as number;
export const EV_DELETE = sys.constants.EV_DELETE as number;
export const F_DUPFD_CLOEXEC = sys.constants.F_DUPFD_CLOEXEC as number;
export const F_GETFD = sys.constants.F_GETFD as number;
export const F_GETFL = sys.constants.F_GETFL as number;
export const F_SETFL = sys.constants.F_SETFL as number;
export const O_APPEND = sys.constants.O_APPEND as number;
export const O_NONBLOCK = sys.constants.O_NONBLOCK as number;
