// Written from native/constants.cc: see test/core/constants.test.ts.
import { sys } from './sys.js';

export const PIPE_BUF = sys.constants.PIPE_BUF as number;
export const POLLIN = sys.constants.POLLIN as number;
export const POLLPRI = sys.constants.POLLPRI as number;
export const POLLOUT = sys.constants.POLLOUT as number;
export const POLLERR = sys.constants.POLLERR as number;
export const POLLHUP = sys.constants.POLLHUP as number;
export const POLLNVAL = sys.constants.POLLNVAL as number;
export const POLLRDHUP = sys.constants.POLLRDHUP as number;
export const EPOLLIN = sys.constants.EPOLLIN as number;
export const EPOLLPRI = sys.constants.EPOLLPRI as number;
export const EPOLLOUT = sys.constants.EPOLLOUT as number;
export const EPOLLERR = sys.constants.EPOLLERR as number;
export const EPOLLHUP = sys.constants.EPOLLHUP as number;
export const EPOLLRDHUP = sys.constants.EPOLLRDHUP as number;
export const EPOLLONESHOT = sys.constants.EPOLLONESHOT as number;
export const EPOLLET = sys.constants.EPOLLET as number;
export const EPOLLEXCLUSIVE = sys.constants.EPOLLEXCLUSIVE as number;
