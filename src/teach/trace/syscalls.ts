/**
 * The table of system calls: all that the tools know of a call is in its row. To trace another call, add a row here,
 * and the function to `Sys` if our loops are to make it.
 */
import type { Address } from '../../posix/sockaddr.js';
import { addressText } from '../../posix/sockaddr.js';
import { sys } from '../../posix/sys.js';
import type { OtherCall } from '../recording/format.js';
import { constantName, epollEvent, fileFlags, optionNames, optionValue } from './constants.js';
import type { Learner, Parts, Row, TracedName } from './row.js';
import { base64, type TracedCall } from './traced-call.js';

const { constants } = sys;
const IS_LINUX = process.platform === 'linux';

/** An AF_UNIX name that is no UTF-8 is recorded as text: JSON has no bytes. */
const recordable = (address: Address) =>
  address instanceof Uint8Array ? Buffer.from(address).toString() : address;

/** Bytes of a call's data that are recorded. */
const MAX_DATA_BYTES = 4096;

/** Bytes that are recorded of what was asked for: one more than strace shows, which then adds dots. */
const MAX_ASKED_BYTES = 33;

/** What the addon adds to the flags of a send, and to the type of a socket. */
const NO_SIGNAL = constants.MSG_NOSIGNAL ?? 0;
const CLOEXEC = IS_LINUX ? '|SOCK_CLOEXEC' : '';

/** A call that does nothing to a descriptor, and is shown as strace shows it. */
const PLAIN = {
  mayBlock: false,
  makesFd: false,
  address: null,
  data: null,
  zero: null,
  sentence: null,
  errors: {},
  learn: null,
  changes: null,
} as const;

/** A wait for descriptors: waits.ts records it, explain.ts shows its sets. */
const WAIT = { ...PLAIN, mayBlock: true } as const;

/** A call that receives bytes. */
const RECEIVES = {
  makesFd: false,
  data: 'received',
  zero: null,
  sentence: received,
  errors: {
    EAGAIN: 'there is nothing to read',
    ECONNRESET: 'the peer has reset the connection',
  },
  learn: transferred,
  changes: null,
} as const;

/** A call that sends bytes. */
const SENDS = {
  mayBlock: false,
  makesFd: false,
  data: 'sent',
  zero: null,
  sentence: sent,
  errors: {
    EAGAIN: 'the send queue is full',
    ECONNRESET: 'the peer has reset the connection',
    EPIPE: 'the peer does not read any more',
  },
  learn: transferred,
  changes: null,
} as const;

/** A call that makes a connection's descriptor. */
const ACCEPTS = {
  mayBlock: false,
  makesFd: true,
  address: 'filled in',
  data: null,
  zero: null,
  sentence: ({ call, result }: OtherCall, { fd, address }: Parts) =>
    `${call} ${fd}: ${result} is the connection from ${address || 'a client'}`,
  errors: { EAGAIN: 'no connection is waiting' },
  learn(learner: Learner, { errno, result, address }: OtherCall) {
    if (errno === undefined) learner.name(result, (address && addressText(address)) || 'client', 'conn');
  },
  changes: null,
} as const;

/** A call that copies a descriptor. */
const COPIES = {
  ...PLAIN,
  makesFd: true,
  sentence: ({ call, result }: OtherCall, { fd }: Parts) => `${call} ${fd}: ${result} is a copy of it`,
  learn(learner: Learner, { errno, result }: OtherCall, fd: number) {
    if (errno === undefined) learner.copy(fd, result);
  },
} as const;

const ROWS = {
  select: { ...WAIT, sys: { select: 'in waits.ts', selectFdSets: 'in waits.ts' }, zero: 'Timeout' },
  poll: { ...WAIT, sys: { poll: 'in waits.ts' }, zero: 'Timeout' },
  epoll_wait: { ...WAIT, sys: { epoll_wait: 'in waits.ts' } },
  kevent: {
    ...WAIT,
    sys: {
      kevent_wait: 'in waits.ts',
      kevent_change(call, _, kq, fd, filter, flags) {
        call.fd = kq;
        const change = `{ident=${fd}, filter=${constantName('EVFILT_', filter)}, flags=${constantName('EV_', flags)}}`;
        call.rest = [`[${change}]`, '1', 'NULL', '0', 'NULL'];
      },
    },
    mayBlock: false,
    changes(interest, kq = -1, fd = -1, filter = 0, flags = 0) {
      const event = filter === constants.EVFILT_READ ? 1 : 2;
      const events = interest.events(kq, fd);
      interest.set(kq, fd, flags & (constants.EV_DELETE ?? 0) ? events & ~event : events | event);
    },
  },
  kqueue: { ...PLAIN, sys: { kqueue() {} }, makesFd: true },
  epoll_create1: {
    ...PLAIN,
    sys: {
      epoll_create(call) {
        call.rest = ['EPOLL_CLOEXEC'];
      },
    },
    makesFd: true,
  },
  epoll_ctl: {
    ...PLAIN,
    sys: {
      epoll_ctl(call, _, epfd, operation, fd, events) {
        const event = operation === constants.EPOLL_CTL_DEL ? 'NULL' : epollEvent(fd, events);
        call.fd = epfd;
        call.rest = [constantName('EPOLL_CTL_', operation), String(fd), event];
      },
    },
    changes(interest, epfd = -1, operation = 0, fd = -1, events = 0) {
      if (operation === constants.EPOLL_CTL_DEL) interest.remove(epfd, fd);
      else interest.set(epfd, fd, events);
    },
  },

  socket: {
    ...PLAIN,
    sys: {
      socket(call, _, family, type, proto) {
        call.rest = socketArguments(family, type, proto);
      },
    },
    makesFd: true,
    sentence: ({ result, rest = [] }) => `socket: ${result} is a new socket, ${rest[0]}`,
  },
  socketpair: {
    ...PLAIN,
    sys: {
      socketpair(call, result, family, type, proto) {
        call.rest = [...socketArguments(family, type, proto), pair(result)];
      },
    },
  },
  bind: {
    ...PLAIN,
    sys: { bind: recordAddressGiven },
    address: 'given',
    sentence: (_, { fd, address }) => `bind ${fd} to ${address}`,
  },
  listen: {
    ...PLAIN,
    sys: {
      listen(call, _, fd, backlog) {
        call.fd = fd;
        call.rest = [String(backlog)];
      },
    },
    sentence: (_, { fd }) => `listen ${fd}: connections can be made to it from now on`,
    learn(learner, { errno }, fd) {
      if (errno === undefined) learner.name(fd, 'listener', 'listener');
    },
  },
  accept: {
    ...ACCEPTS,
    sys: {
      accept(call, result, fd) {
        call.fd = fd;
        if (typeof result === 'number') return;
        call.result = result[0];
        call.address = recordable(result[1]);
      },
    },
  },
  connect: {
    ...PLAIN,
    sys: { connect: recordAddressGiven },
    mayBlock: true,
    address: 'given',
    sentence: (_, { fd, address }) => `connect ${fd} to ${address}`,
    errors: { EINPROGRESS: 'the connection is being made' },
    learn(learner, { errno }, fd) {
      if (errno === undefined) learner.name(fd, 'server', 'conn');
      else if (errno === 'EINPROGRESS') learner.name(fd, 'server', 'connecting');
    },
  },
  getsockname: { ...PLAIN, sys: { getsockname: recordAddressFilledIn }, address: 'filled in' },
  getpeername: { ...PLAIN, sys: { getpeername: recordAddressFilledIn }, address: 'filled in' },
  shutdown: {
    ...PLAIN,
    sys: {
      shutdown(call, _, fd, how) {
        call.fd = fd;
        call.rest = [constantName('SHUT_', how)];
      },
    },
  },
  getsockopt: {
    ...PLAIN,
    sys: {
      getsockopt(call, result, fd, level, option, value) {
        const failed = result < 0;
        call.fd = fd;
        if (!failed) call.result = 0;
        call.rest = [
          ...optionNames(level, option),
          failed ? 'NULL' : optionValue(value.subarray(0, result)),
          `[${failed ? value.length : result}]`,
        ];
      },
    },
  },
  setsockopt: {
    ...PLAIN,
    sys: {
      setsockopt(call, _, fd, level, option, value) {
        call.fd = fd;
        call.rest = [...optionNames(level, option), optionValue(value), String(value.length)];
      },
    },
  },

  recv: {
    ...RECEIVES,
    sys: {
      recv(call, result, fd, buffer, length, flags) {
        call.fd = fd;
        call.length = length;
        call.flags = flags;
        recordReceived(call, buffer, result);
      },
    },
    mayBlock: false,
    address: null,
  },
  recvfrom: {
    ...RECEIVES,
    sys: {
      recvfrom(call, result, fd, buffer, length, flags) {
        call.fd = fd;
        call.length = length;
        call.flags = flags;
        if (typeof result === 'number') return;
        const [count, sender] = result;
        call.result = count;
        if (sender) call.address = recordable(sender);
        recordReceived(call, buffer, count);
      },
    },
    mayBlock: false,
    address: 'filled in',
  },
  read: {
    ...RECEIVES,
    sys: {
      read(call, result, fd, buffer) {
        call.fd = fd;
        call.length = buffer.length;
        recordReceived(call, buffer, result);
      },
    },
    mayBlock: true,
    address: null,
  },
  send: {
    ...SENDS,
    sys: {
      send(call, result, fd, data, flags) {
        call.fd = fd;
        call.flags = flags | NO_SIGNAL;
        recordSent(call, data, result);
      },
    },
    address: null,
  },
  sendto: {
    ...SENDS,
    sys: {
      sendto(call, result, fd, data, flags, address) {
        call.fd = fd;
        call.address = recordable(address);
        call.flags = flags | NO_SIGNAL;
        recordSent(call, data, result);
      },
    },
    address: 'given',
  },
  write: {
    ...SENDS,
    sys: {
      write(call, result, fd, data) {
        call.fd = fd;
        recordSent(call, data, result);
      },
    },
    address: null,
  },

  close: {
    ...PLAIN,
    sys: {
      close(call, _, fd) {
        call.fd = fd;
      },
    },
    sentence: (_, { fd }) => `close ${fd}`,
    learn: (learner, _, fd) => learner.forget(fd),
    changes: (interest, fd = -1) => interest.closed(fd),
  },
  fcntl: {
    ...PLAIN,
    sys: {
      fcntl(call, result, fd, command, value) {
        call.fd = fd;
        if (command === constants.F_GETFD) {
          call.rest = ['F_GETFD'];
          if (result === 1) call.note = 'flags FD_CLOEXEC';
        } else if (command === constants.F_GETFL) {
          call.rest = ['F_GETFL'];
          if (result >= 0) call.note = `flags ${fileFlags(result)}`;
        } else if (command === constants.F_SETFL) {
          call.rest = ['F_SETFL', fileFlags(value)];
        } else {
          call.rest = [String(command), String(value)];
        }
      },
    },
  },
  pipe2: {
    ...PLAIN,
    sys: {
      pipe(call, result) {
        if (!IS_LINUX) call.call = 'pipe';
        call.rest = [pair(result), ...(IS_LINUX ? ['O_CLOEXEC'] : [])];
      },
    },
  },
  pipe: { ...PLAIN, sys: {} },

  // Calls of other programs, which strace(1) has recorded.
  recvmsg: {
    ...RECEIVES,
    sys: {
      recvmsg(call, result, fd, buffer, _ancillary, length, flags) {
        call.fd = fd;
        call.length = length;
        call.flags = flags;
        if (typeof result === 'number') return;
        const [count, , , sender] = result;
        call.result = count;
        if (sender) call.address = recordable(sender);
        recordReceived(call, buffer, count);
      },
    },
    mayBlock: false,
    address: 'filled in',
  },
  readv: { ...RECEIVES, sys: {}, mayBlock: false, address: null },
  sendmsg: {
    ...SENDS,
    sys: {
      sendmsg(call, result, fd, data, _ancillary, flags, address) {
        call.fd = fd;
        if (address) call.address = recordable(address);
        call.flags = flags | NO_SIGNAL;
        recordSent(call, data, result);
      },
    },
    address: 'given',
  },
  writev: { ...SENDS, sys: {}, address: null },
  dup: { ...COPIES, sys: {} },
  dup2: { ...COPIES, sys: {} },
  dup3: { ...COPIES, sys: {} },
  eventfd2: { ...PLAIN, sys: {}, makesFd: true },
  timerfd_create: { ...PLAIN, sys: {}, makesFd: true },
  signalfd4: { ...PLAIN, sys: {}, makesFd: true },
  ioctl: { ...PLAIN, sys: {} },
  fork: { ...PLAIN, sys: {}, sentence: ({ result }) => `fork: ${result} is a new process` },
  clone: { ...PLAIN, sys: {}, sentence: ({ result }) => `clone: ${result} is a new thread` },
  execve: { ...PLAIN, sys: {}, sentence: ({ rest = [] }) => `execve: the program is ${rest[0]}` },
  wait4: { ...PLAIN, sys: {}, sentence: ({ result }) => `wait4: process ${result} has ended` },
  signal: { ...PLAIN, sys: {}, sentence: ({ rest = [] }) => `${rest[0]} has come` },
  exited: { ...PLAIN, sys: {}, sentence: ({ result }) => `the thread has ended, exit code ${result}` },
  killed: { ...PLAIN, sys: {}, sentence: ({ rest = [] }) => `killed by ${rest[0]}` },
} satisfies Record<string, Row>;

type Recorded = { [Name in keyof typeof ROWS]: keyof (typeof ROWS)[Name]['sys'] }[keyof typeof ROWS];
type Missing = Exclude<TracedName, Recorded>;

/** Does not compile while a system call of `Sys` has no row: the compiler names it. */
export const missingRow: [Missing] extends [never] ? null : `no row for sys.${Missing}` = null;

/** The rows by the name under which a call is recorded. */
export const SYSCALLS: ReadonlyMap<string, Row> = new Map<string, Row>(Object.entries(ROWS));

const UNKNOWN: Row = { ...PLAIN, sys: {} };

/** The row of a recorded call; of a call that has none, one that says nothing. */
export function rowOf(call: string): Row {
  return SYSCALLS.get(call) ?? UNKNOWN;
}

function received({ call, result }: OtherCall, { fd, bytes }: Parts): string {
  return result === 0 ? `${call} ${fd}: 0 bytes, the end of the stream` : `${call} ${fd}: ${bytes}`;
}

function sent({ call }: OtherCall, { fd, address, bytes }: Parts): string {
  return `${call} ${fd}${address && ` to ${address}`}: ${bytes}`;
}

function transferred(learner: Learner, call: OtherCall, fd: number): void {
  if (call.errno === undefined) learner.transferred(call, fd);
}

function recordAddressGiven(call: TracedCall, _: number, fd: number, address: Address): void {
  call.fd = fd;
  call.address = recordable(address);
}

function recordAddressFilledIn(call: TracedCall, result: Address | number, fd: number): void {
  call.fd = fd;
  if (typeof result !== 'number') call.address = recordable(result);
}

/** The bytes that have come into a buffer: with MSG_TRUNC the count is that of the datagram, and may be larger. */
function recordReceived(call: TracedCall, buffer: Uint8Array, count: number): void {
  recordBytes(call, buffer, Math.min(count, call.length ?? count, buffer.length));
}

function recordBytes(call: TracedCall, bytes: Uint8Array, count: number): void {
  if (count < 0) return;
  call.bytes = bytes;
  call.byteCount = Math.min(count, MAX_DATA_BYTES);
}

/** The bytes that were sent, of those that were to be sent. */
function recordSent(call: TracedCall, bytes: Uint8Array, count: number): void {
  call.length = bytes.length;
  recordBytes(call, bytes, count);
  if (count !== bytes.length) call.asked = base64(bytes, Math.min(bytes.length, MAX_ASKED_BYTES));
}

function pair(result: [number, number] | number): string {
  return typeof result === 'number' ? 'NULL' : `[${result.join(', ')}]`;
}

function socketArguments(family: number, type: number, proto: number): string[] {
  const protocol = family === constants.AF_UNIX ? String(proto) : constantName('IPPROTO_', proto);
  return [constantName('AF_', family), constantName('SOCK_', type) + CLOEXEC, protocol];
}
