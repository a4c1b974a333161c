/** How each system call that does not wait for descriptors is recorded. */
import { errno } from '../posix/errors.js';
import { type Address, type Sys, sys } from '../posix/sys.js';
import type { OtherCall } from './call.js';

/** A call but for what all have. `result` and `call` where they are not the function's own. */
export type Recorded = Partial<OtherCall>;

type Waits = 'select' | 'selectFdSets' | 'poll' | 'epoll_wait' | 'kevent_wait';
type NoCalls =
  | 'constants'
  | 'strerror'
  | 'gaiError'
  | 'getaddrinfo'
  | 'untilHangUp'
  | '_exit'
  | 'openpty'
  | 'fionread';
type Plain = Exclude<keyof Sys, Waits | NoCalls>;

const { constants } = sys;
const LINUX = process.platform === 'linux';

/** Bytes of a call that are kept. */
const MOST = 4096;

/** Bytes that strace shows, and one more: then it adds dots. */
const SHOWN = 33;

/** What the addon adds to the flags of a send, and to the type of a socket. */
const NO_SIGNAL = constants.MSG_NOSIGNAL ?? 0;
const CLOEXEC = LINUX ? '|SOCK_CLOEXEC' : '';

const { F_GETFD, F_GETFL, F_SETFL } = constants;

/** Each function's result and arguments, as a record of the call. */
export const CALLS: {
  [Name in Plain]: (
    result: ReturnType<NonNullable<Sys[Name]>>,
    ...args: Parameters<NonNullable<Sys[Name]>>
  ) => Recorded;
} = {
  socket: (_, family, type, proto) => ({
    rest: [nameOf('AF_', family), nameOf('SOCK_', type) + CLOEXEC, protocol(family, proto)],
  }),
  socketpair: (result, family, type, proto) => ({
    result: typeof result === 'number' ? result : 0,
    rest: [
      nameOf('AF_', family),
      nameOf('SOCK_', type) + CLOEXEC,
      protocol(family, proto),
      typeof result === 'number' ? 'NULL' : `[${result.join(', ')}]`,
    ],
  }),
  bind: (_, fd, address) => ({ fd, address: tuple(address) }),
  listen: (_, fd, backlog) => ({ fd, rest: [String(backlog)] }),
  accept: (result, fd) =>
    typeof result === 'number' ? { fd } : { result: result[0], fd, address: tuple(result[1]) },
  connect: (_, fd, address) => ({ fd, address: tuple(address) }),
  getsockname: named,
  getpeername: named,
  recv: (result, fd, buffer, length, flags) => ({ fd, length, flags, ...got(buffer, result) }),
  recvfrom: (result, fd, buffer, length, flags) => {
    if (typeof result === 'number') return { fd, length, flags };
    const [count, sender] = result;
    return {
      result: count,
      fd,
      ...(sender && { address: tuple(sender) }),
      length,
      flags,
      ...got(buffer, count),
    };
  },
  send: (result, fd, data, flags) => ({
    fd,
    length: data.length,
    flags: flags | NO_SIGNAL,
    ...gave(data, result),
  }),
  sendto: (result, fd, data, flags, address) => ({
    fd,
    address: tuple(address),
    length: data.length,
    flags: flags | NO_SIGNAL,
    ...gave(data, result),
  }),
  shutdown: (_, fd, how) => ({ fd, rest: [nameOf('SHUT_', how)] }),
  getsockopt: (result, fd, level, option, value) => ({
    result: Math.min(result, 0),
    fd,
    rest: [
      ...optionName(level, option),
      result < 0 ? 'NULL' : optionValue(value.subarray(0, result)),
      `[${result < 0 ? value.length : result}]`,
    ],
  }),
  setsockopt: (_, fd, level, option, value) => ({
    fd,
    rest: [...optionName(level, option), optionValue(value), String(value.length)],
  }),
  read: (result, fd, buffer) => ({ fd, length: buffer.length, ...got(buffer, result) }),
  write: (result, fd, data) => ({ fd, length: data.length, ...gave(data, result) }),
  close: (_, fd) => ({ fd }),
  fcntl: (result, fd, command, value) => {
    if (command === F_GETFD)
      return { fd, rest: ['F_GETFD'], ...(result === 1 && { note: 'flags FD_CLOEXEC' }) };
    if (command === F_GETFL)
      return { fd, rest: ['F_GETFL'], ...(result >= 0 && { note: `flags ${fileFlags(result)}` }) };
    return {
      fd,
      rest: command === F_SETFL ? ['F_SETFL', fileFlags(value)] : [String(command), String(value)],
    };
  },
  pipe: (result) => ({
    ...(LINUX && { call: 'pipe2' }),
    result: typeof result === 'number' ? result : 0,
    rest: [typeof result === 'number' ? 'NULL' : `[${result.join(', ')}]`, ...(LINUX ? ['O_CLOEXEC'] : [])],
  }),
  epoll_create: () => ({ call: 'epoll_create1', rest: ['EPOLL_CLOEXEC'] }),
  epoll_ctl: (_, epfd, operation, fd, events) => ({
    fd: epfd,
    rest: [
      nameOf('EPOLL_CTL_', operation),
      String(fd),
      operation === constants.EPOLL_CTL_DEL ? 'NULL' : epollEvent(fd, events),
    ],
  }),
  kqueue: () => ({}),
  kevent_change: (_, kq, fd, filter, flags) => ({
    call: 'kevent',
    fd: kq,
    rest: [
      `[{ident=${fd}, filter=${nameOf('EVFILT_', filter)}, flags=${nameOf('EV_', flags)}}]`,
      '1',
      'NULL',
      '0',
      'NULL',
    ],
  }),
};

/** `{events=EPOLLIN, data={u32=5, u64=5}}` */
export function epollEvent(fd: number, events: number): string {
  return `{events=${bits('EPOLL', events)}, data={u32=${fd}, u64=${fd}}}`;
}

/** Poll's events by name: `POLLIN|POLLHUP`; epoll's have the same numbers. */
export function bits(prefix: 'POLL' | 'EPOLL', events: number): string {
  const names = ['IN', 'PRI', 'OUT', 'ERR', 'HUP', 'NVAL', 'RDHUP'];
  const set = names.filter((name) => events & (constants[`POLL${name}`] ?? 0));
  return set.map((name) => prefix + name).join('|') || '0';
}

/** The flags of a recv or send by name. */
export const messageFlags = remembered((flags: number): string => {
  const names = Object.keys(constants).filter((name) => name.startsWith('MSG_') && flags & constants[name]);
  return names.join('|') || '0';
});

/** What a failing call's negative result is called. */
export function errnoName(result: number): string {
  return names.get(-result) ?? String(-result);
}

const names = new Map(Object.entries(errno).map(([name, number]) => [number, name]));
names.set(errno.EAGAIN, 'EAGAIN'); // and not EWOULDBLOCK
names.set(errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** The same numbers come again and again. */
function remembered(nameOf: (value: number) => string): (value: number) => string {
  const known = new Map<number, string>();
  return (value) => {
    const name = known.get(value) ?? nameOf(value);
    known.set(value, name);
    return name;
  };
}

function named(result: Address | number, fd: number): Recorded {
  return typeof result === 'number' ? { fd } : { result: 0, fd, address: tuple(result) };
}

function tuple(address: Address): OtherCall['address'] {
  return address as OtherCall['address'];
}

/** What has come into a buffer. */
function got(buffer: Uint8Array, count: number): Recorded {
  return count < 0 ? {} : { data: base64(buffer, Math.min(count, MOST)) };
}

/** What of some bytes went over. */
function gave(bytes: Uint8Array, count: number): Recorded {
  const data = count < 0 ? {} : { data: base64(bytes, Math.min(count, MOST)) };
  return count === bytes.length ? data : { ...data, asked: base64(bytes, Math.min(bytes.length, SHOWN)) };
}

function base64(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('base64');
}

/** The constant of a number among those that begin alike. */
function nameOf(prefix: string, value: number): string {
  const found = Object.keys(constants).find((name) => name.startsWith(prefix) && constants[name] === value);
  return found ?? String(value);
}

function protocol(family: number, proto: number): string {
  return family === constants.AF_UNIX ? String(proto) : nameOf('IPPROTO_', proto);
}

function optionName(level: number, option: number): string[] {
  if (level === constants.SOL_SOCKET) return ['SOL_SOCKET', nameOf('SO_', option)];
  if (level === constants.IPPROTO_TCP) return ['SOL_TCP', nameOf('TCP_', option)];
  if (level === constants.IPPROTO_IPV6) return ['SOL_IPV6', nameOf('IPV6_', option)];
  return [String(level), String(option)];
}

/** An int as `[1]`, other memory as bytes. */
function optionValue(value: Uint8Array): string {
  if (value.length !== 4) return `"${Buffer.from(value).toString('hex').replace(/../g, '\\x$&')}"`;
  return `[${new DataView(value.buffer, value.byteOffset).getInt32(0, true)}]`;
}

function fileFlags(flags: number): string {
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR'][flags & 3];
  const more = ['O_APPEND', 'O_NONBLOCK'].filter((name) => flags & constants[name]);
  const known = more.reduce((sum, name) => sum | constants[name], 3);
  const rest = flags & ~known;
  return [access, ...more, ...(rest ? [`0x${rest.toString(16)}`] : [])].join('|');
}
