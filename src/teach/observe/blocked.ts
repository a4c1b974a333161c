/** What a thread waits in: the system call that it is blocked in, with its descriptors (Linux, x86-64 and arm64). */
import { arch, hrtime } from 'node:process';
import { blockedIn, epollSet, memory, tableSize, threads } from './proc.js';

export type Event = 'read' | 'write' | 'except';

/** What a thread is doing at this moment. */
export interface Wait {
  pid: number;
  tid: number;
  /** The call by its name in section 2 of the manual: `select`, `recv` …; `running` when it is in none. */
  call: string;
  /** The descriptors that it waits for, and what for. */
  fds: { fd: number; events: Event[] }[];
  /** Seconds; null waits for ever, undefined where the call has none, or none that can be told. */
  timeout?: number | null;
}

type Decoded = Pick<Wait, 'fds' | 'timeout'>;
type Decode = (pid: number, args: bigint[]) => Decoded | undefined;

/** The calls that a thread can be blocked in, by the kernel's names: the manual's name, and what its arguments say. */
const CALLS: Record<string, [call: string, decode?: Decode]> = {
  select: ['select', select(1e6)],
  pselect6: ['select', select(1e9)],
  poll: ['poll', (pid, args) => poll(pid, args, milliseconds(args[2]))],
  ppoll: ['poll', (pid, args) => poll(pid, args, time(pid, args[2], 1e9))],
  epoll_wait: ['epoll_wait', (pid, args) => epoll(pid, args, milliseconds(args[3]))],
  epoll_pwait: ['epoll_wait', (pid, args) => epoll(pid, args, milliseconds(args[3]))],
  epoll_pwait2: ['epoll_wait', (pid, args) => epoll(pid, args, time(pid, args[3], 1e9))],
  read: ['read', one('read')],
  readv: ['readv', one('read')],
  accept: ['accept', one('read')],
  accept4: ['accept', one('read')],
  recvfrom: ['recv', one('read')],
  recvmsg: ['recvmsg', one('read')],
  recvmmsg: ['recvmmsg', one('read')],
  write: ['write', one('write')],
  writev: ['writev', one('write')],
  sendto: ['send', one('write')],
  sendmsg: ['sendmsg', one('write')],
  connect: ['connect', one('write')],
  futex: ['futex', futex],
  nanosleep: ['nanosleep'],
  clock_nanosleep: ['nanosleep'],
  wait4: ['wait'],
  waitid: ['wait'],
  pause: ['pause'],
  rt_sigsuspend: ['sigsuspend'],
  rt_sigtimedwait: ['sigwait'],
  flock: ['flock'],
  fcntl: ['fcntl'],
  io_uring_enter: ['io_uring_enter'],
  restart_syscall: ['restart_syscall'],
};

/** The kernel's numbers, from its tables. */
const X64 =
  '0 read 1 write 7 poll 19 readv 20 writev 23 select 34 pause 35 nanosleep 42 connect 43 accept 44 sendto ' +
  '45 recvfrom 46 sendmsg 47 recvmsg 61 wait4 72 fcntl 73 flock 128 rt_sigtimedwait 130 rt_sigsuspend 202 futex ' +
  '219 restart_syscall 230 clock_nanosleep 232 epoll_wait 247 waitid 270 pselect6 271 ppoll 281 epoll_pwait ' +
  '288 accept4 299 recvmmsg 426 io_uring_enter 441 epoll_pwait2';
const ARM64 =
  '22 epoll_pwait 25 fcntl 32 flock 63 read 64 write 65 readv 66 writev 72 pselect6 73 ppoll 95 waitid 98 futex ' +
  '101 nanosleep 115 clock_nanosleep 128 restart_syscall 133 rt_sigsuspend 137 rt_sigtimedwait 202 accept ' +
  '203 connect 206 sendto 207 recvfrom 211 sendmsg 212 recvmsg 242 accept4 243 recvmmsg 260 wait4 ' +
  '426 io_uring_enter 441 epoll_pwait2';
const NAMES = new Map(
  [...(arch === 'arm64' ? ARM64 : X64).matchAll(/(\d+) (\w+)/g)].map(([, number, name]) => [
    Number(number),
    name,
  ]),
);

/**
 * What each thread of a process waits in.
 *
 * @throws of code EPERM or EACCES where one may not look, ENOENT where the kernel does not tell
 */
export function waits(pid: number): Wait[] {
  return threads(pid).flatMap((tid) => wait(pid, tid) ?? []);
}

function wait(pid: number, tid: number): Wait | undefined {
  const running: Wait = { pid, tid, call: 'running', fds: [] };
  // The memory is only what the call was given if the thread has been in that call all the while.
  for (let attempt = 0; attempt < 3; attempt++) {
    const blocked = blockedIn(pid, tid);
    if (!blocked || blocked === 'running') return blocked && running;
    const name = NAMES.get(blocked.number);
    const [call, decode] = (name && CALLS[name]) || [`system call ${blocked.number}`];
    const decoded = decode ? decode(pid, blocked.args) : { fds: [] };
    const again = blockedIn(pid, tid);
    if (decoded && String(Object.values(again ?? {})) === String(Object.values(blocked)))
      return { pid, tid, call, ...decoded };
  }
  return running;
}

function select(unitsInSecond: number): Decode {
  return (pid, [given, readfds, writefds, exceptfds, timeout]) => {
    const nfds = Math.min(int(given), tableSize(pid));
    const events = new Map<number, Event[]>();
    for (const [address, event] of [
      [readfds, 'read'],
      [writefds, 'write'],
      [exceptfds, 'except'],
    ] as const) {
      const set = address === 0n ? Buffer.alloc(0) : memory(pid, Number(address), (nfds + 7) >> 3);
      if (!set) return undefined;
      for (let fd = 0; fd < nfds; fd++)
        if ((set[fd >> 3] >> (fd & 7)) & 1) events.set(fd, [...(events.get(fd) ?? []), event]);
    }
    const fds = [...events].map(([fd, events]) => ({ fd, events })).sort((a, b) => a.fd - b.fd);
    return { fds, timeout: time(pid, timeout, unitsInSecond) };
  };
}

function poll(
  pid: number,
  [pollfds, nfds]: bigint[],
  timeout: number | null | undefined,
): Decoded | undefined {
  const SIZE = 8; // of struct pollfd: an int and two shorts
  const array = memory(pid, Number(pollfds), SIZE * Number(nfds));
  if (!array) return undefined;
  const entries = Array.from({ length: Number(nfds) }, (_, i) => ({
    fd: array.readInt32LE(SIZE * i),
    events: eventsOf(array.readInt16LE(SIZE * i + 4)),
  }));
  return { fds: entries.filter(({ fd }) => fd >= 0), timeout };
}

function epoll(pid: number, [epfd]: bigint[], timeout: number | null | undefined): Decoded {
  const fds = epollSet(pid, int(epfd)).map(({ fd, events }) => ({ fd, events: eventsOf(events) }));
  return { fds: fds.sort((a, b) => a.fd - b.fd), timeout };
}

/** A lock, or a wait for another thread: most with a timeout have an absolute one, which is made relative here. */
function futex(pid: number, [, operation, , timeout]: bigint[]): Decoded {
  const [WAIT, WAIT_BITSET, COMMAND, CLOCK_REALTIME] = [0, 9, 0x7f, 0x100];
  const command = int(operation) & COMMAND;
  const limit = [WAIT, WAIT_BITSET].includes(command) ? time(pid, timeout, 1e9) : null;
  if (typeof limit !== 'number' || command === WAIT) return { fds: [], timeout: limit };
  const now = int(operation) & CLOCK_REALTIME ? Date.now() / 1000 : Number(hrtime.bigint()) / 1e9;
  return { fds: [], timeout: limit - now };
}

function one(event: Event): Decode {
  return (_, [fd]) => ({ fds: [{ fd: int(fd), events: [event] }] });
}

/** POLLIN, POLLPRI and POLLOUT, and EPOLLIN, EPOLLPRI and EPOLLOUT: the same bits. */
function eventsOf(mask: number): Event[] {
  const BITS: [number, Event][] = [
    [1, 'read'],
    [4, 'write'],
    [2, 'except'],
  ];
  return BITS.filter(([bit]) => mask & bit).map(([, event]) => event);
}

/** A struct timeval or timespec in seconds. */
function time(pid: number, address: bigint, unitsInSecond: number): number | null | undefined {
  if (address === 0n) return null;
  const struct = memory(pid, Number(address), 16);
  return struct && Number(struct.readBigInt64LE(0)) + Number(struct.readBigInt64LE(8)) / unitsInSecond;
}

function milliseconds(timeout: bigint): number | null {
  return int(timeout) < 0 ? null : int(timeout) / 1000;
}

function int(argument: bigint): number {
  return Number(BigInt.asIntN(32, argument));
}
