/** How each system call that does not wait for descriptors is recorded. */
import { errno } from '../../posix/errors.js';
import type { Address } from '../../posix/sockaddr.js';
import { type Sys, sys } from '../../posix/sys.js';
import type { OtherCall } from '../recording/format.js';

type Waits = 'select' | 'selectFdSets' | 'poll' | 'epoll_wait' | 'kevent_wait';
type NoCalls =
  | 'constants'
  | 'strerror'
  | 'gaiError'
  | 'getaddrinfo'
  | 'untilHangUp'
  | '_exit'
  | 'adoptOrphans'
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

/** Writes each function's arguments into the record of a call, and its result and name where they are others. */
export const CALLS: {
  [Name in Plain]: (
    call: OtherCall,
    result: ReturnType<NonNullable<Sys[Name]>>,
    ...args: Parameters<NonNullable<Sys[Name]>>
  ) => void;
} = {
  socket(call, _, family, type, proto) {
    call.rest = [nameOf('AF_', family), nameOf('SOCK_', type) + CLOEXEC, protocol(family, proto)];
  },
  socketpair(call, result, family, type, proto) {
    call.rest = [
      nameOf('AF_', family),
      nameOf('SOCK_', type) + CLOEXEC,
      protocol(family, proto),
      typeof result === 'number' ? 'NULL' : `[${result.join(', ')}]`,
    ];
  },
  bind: addressed,
  listen(call, _, fd, backlog) {
    call.fd = fd;
    call.rest = [String(backlog)];
  },
  accept(call, result, fd) {
    call.fd = fd;
    if (typeof result !== 'number') [call.result, call.address] = [result[0], result[1]];
  },
  connect: addressed,
  getsockname: named,
  getpeername: named,
  recv(call, result, fd, buffer, length, flags) {
    call.fd = fd;
    call.length = length;
    call.flags = flags;
    got(call, buffer, result);
  },
  recvfrom(call, result, fd, buffer, length, flags) {
    call.fd = fd;
    call.length = length;
    call.flags = flags;
    if (typeof result === 'number') return;
    const [count, sender] = result;
    call.result = count;
    if (sender) call.address = sender;
    got(call, buffer, count);
  },
  send(call, result, fd, data, flags) {
    call.fd = fd;
    call.flags = flags | NO_SIGNAL;
    gave(call, data, result);
  },
  sendto(call, result, fd, data, flags, address) {
    call.fd = fd;
    call.address = address;
    call.flags = flags | NO_SIGNAL;
    gave(call, data, result);
  },
  shutdown(call, _, fd, how) {
    call.fd = fd;
    call.rest = [nameOf('SHUT_', how)];
  },
  getsockopt(call, result, fd, level, option, value) {
    const failed = result < 0;
    call.fd = fd;
    if (!failed) call.result = 0;
    call.rest = [
      ...optionName(level, option),
      failed ? 'NULL' : optionValue(value.subarray(0, result)),
      `[${failed ? value.length : result}]`,
    ];
  },
  setsockopt(call, _, fd, level, option, value) {
    call.fd = fd;
    call.rest = [...optionName(level, option), optionValue(value), String(value.length)];
  },
  read(call, result, fd, buffer) {
    call.fd = fd;
    call.length = buffer.length;
    got(call, buffer, result);
  },
  write(call, result, fd, data) {
    call.fd = fd;
    gave(call, data, result);
  },
  close(call, _, fd) {
    call.fd = fd;
  },
  fcntl(call, result, fd, command, value) {
    call.fd = fd;
    if (command === F_GETFD) {
      call.rest = ['F_GETFD'];
      if (result === 1) call.note = 'flags FD_CLOEXEC';
    } else if (command === F_GETFL) {
      call.rest = ['F_GETFL'];
      if (result >= 0) call.note = `flags ${fileFlags(result)}`;
    } else {
      call.rest = command === F_SETFL ? ['F_SETFL', fileFlags(value)] : [String(command), String(value)];
    }
  },
  pipe(call, result) {
    if (LINUX) call.call = 'pipe2';
    call.rest = [
      typeof result === 'number' ? 'NULL' : `[${result.join(', ')}]`,
      ...(LINUX ? ['O_CLOEXEC'] : []),
    ];
  },
  epoll_create(call) {
    call.call = 'epoll_create1';
    call.rest = ['EPOLL_CLOEXEC'];
  },
  epoll_ctl(call, _, epfd, operation, fd, events) {
    call.fd = epfd;
    call.rest = [
      nameOf('EPOLL_CTL_', operation),
      String(fd),
      operation === constants.EPOLL_CTL_DEL ? 'NULL' : epollEvent(fd, events),
    ];
  },
  kqueue() {},
  kevent_change(call, _, kq, fd, filter, flags) {
    call.call = 'kevent';
    call.fd = kq;
    call.rest = [
      `[{ident=${fd}, filter=${nameOf('EVFILT_', filter)}, flags=${nameOf('EV_', flags)}}]`,
      '1',
      'NULL',
      '0',
      'NULL',
    ];
  },
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

function addressed(call: OtherCall, _: number, fd: number, address: Address): void {
  call.fd = fd;
  call.address = address;
}

function named(call: OtherCall, result: Address | number, fd: number): void {
  call.fd = fd;
  if (typeof result !== 'number') call.address = result;
}

/** What has come into a buffer. */
function got(call: OtherCall, buffer: Uint8Array, count: number): void {
  if (count >= 0) call.data = base64(buffer, Math.min(count, MOST));
}

/** What of some bytes went over. */
function gave(call: OtherCall, bytes: Uint8Array, count: number): void {
  call.length = bytes.length;
  if (count >= 0) call.data = base64(bytes, Math.min(count, MOST));
  if (count !== bytes.length) call.asked = base64(bytes, Math.min(bytes.length, SHOWN));
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
