/** What a thread is blocked in: the system call with its descriptors and its timeout (Linux). */
import { hrtime } from 'node:process';
import { blockedIn, epollSet, memory, type Schedule, schedule, tableSize, threads } from './proc.js';
import { type Abi, abiOf, kernelName } from './syscall-numbers.js';

export type Event = 'read' | 'write' | 'except';

/** What a thread is doing at this moment. */
export interface BlockedThread {
  pid: number;
  tid: number;
  /** The call by its name in section 2 of the manual: `select`, `recv` …; `running` when it is in none. */
  call: string;
  /** The descriptors that it waits for, and what for. */
  fds: { fd: number; events: Event[] }[];
  /** Of select(): its first argument, and the descriptors that are in a set in vain, as they are not below that. */
  nfds?: number;
  beyondNfds?: number[];
  /** Null waits for ever; undefined where the call has none, or where it cannot be read. */
  timeoutS?: number | null;
  /** By `performance.now()`: the timeout ends no sooner. -Infinity where nobody knows when it began. */
  timeoutEndsMs?: number;
  /**
   * What the scheduler knew of it before it was looked at: a thread that woke up in between has had a turn more by the
   * next look. None where the kernel does not show it.
   */
  schedule?: Schedule;
  /** What it is blocked in, as the kernel writes it. */
  pending?: string;
}

/** A program whose system calls cannot be read here. */
export class UnknownAbi extends Error {}

/** A call that has not returned, as the kernel shows it. */
interface PendingCall {
  pid: number;
  abi: Abi;
  /** the kernel's name */
  name: string;
  args: bigint[];
}
type Decoded = Pick<BlockedThread, 'fds' | 'timeoutS' | 'nfds' | 'beyondNfds'>;
type Decode = (call: PendingCall) => (Decoded & { call?: string }) | undefined;

/** The calls that a thread can be blocked in, by the kernel's names: the manual's name, and how to read its arguments. */
const CALLS: Record<string, [call: string, decode?: Decode]> = {
  select: ['select', select(1e6)],
  _newselect: ['select', select(1e6)],
  old_select: ['select', oldSelect],
  pselect6: ['select', select(1e9)],
  pselect6_time64: ['select', select(1e9)],
  poll: ['poll', (call) => poll(call, fromMilliseconds(arg(call, 2)))],
  ppoll: ['poll', (call) => poll(call, seconds(call, 2, 1e9))],
  ppoll_time64: ['poll', (call) => poll(call, seconds(call, 2, 1e9))],
  epoll_wait: ['epoll_wait', (call) => epoll(call, fromMilliseconds(arg(call, 3)))],
  epoll_pwait: ['epoll_wait', (call) => epoll(call, fromMilliseconds(arg(call, 3)))],
  epoll_pwait2: ['epoll_wait', (call) => epoll(call, seconds(call, 3, 1e9))],
  read: ['read', one('read')],
  readv: ['readv', one('read')],
  accept: ['accept', one('read')],
  accept4: ['accept', one('read')],
  recvfrom: ['recv', one('read')],
  recvmsg: ['recvmsg', one('read')],
  recvmmsg: ['recvmmsg', one('read')],
  recvmmsg_time64: ['recvmmsg', one('read')],
  write: ['write', one('write')],
  writev: ['writev', one('write')],
  sendto: ['send', one('write')],
  sendmsg: ['sendmsg', one('write')],
  connect: ['connect', one('write')],
  socketcall: ['socketcall', socketcall],
  futex: ['futex', futex],
  futex_time64: ['futex', futex],
  nanosleep: ['nanosleep', (call) => ({ fds: [], timeoutS: seconds(call, 0, 1e9) })],
  clock_nanosleep: ['nanosleep', clockNanosleep],
  clock_nanosleep_time64: ['nanosleep', clockNanosleep],
  wait4: ['wait'],
  waitid: ['wait'],
  waitpid: ['wait'],
  pause: ['pause'],
  rt_sigsuspend: ['sigsuspend'],
  rt_sigtimedwait: ['sigwait'],
  rt_sigtimedwait_time64: ['sigwait'],
  flock: ['flock'],
  fcntl: ['fcntl'],
  fcntl64: ['fcntl'],
  io_uring_enter: ['io_uring_enter'],
  restart_syscall: ['restart_syscall'],
};

/** How often a thread is looked at that is in another call each time. */
const ATTEMPTS = 3;

/**
 * What each thread of a process is blocked in.
 *
 * @param before what it was before: the same array is returned if no thread has run since
 * @param beforeMs when that was, by `performance.now()`
 * @throws of code EPERM or EACCES where one may not look, ENOENT where the kernel does not show it; UnknownAbi
 */
export function blockedThreads(
  pid: number,
  before: BlockedThread[] = [],
  beforeMs = -Infinity,
): BlockedThread[] {
  const tids = threads(pid);
  const known = new Map(before.map((thread) => [thread.tid, thread]));
  const same = tids
    .flatMap((tid) => known.get(tid) ?? [])
    .filter((thread) => thread.schedule && !hasRun(thread));
  if (same.length > 0 && same.length === tids.length && same.length === before.length) return before;
  const abi = abiOf(pid);
  if (!abi) throw new UnknownAbi();
  const kept = new Map(same.map((thread) => [thread.tid, thread]));
  return tids.flatMap((tid) => {
    const thread = kept.get(tid);
    // What epoll_wait() waits for, other threads may have changed.
    if (thread && thread.call !== 'epoll_wait') return thread;
    const now = blockedThread(pid, tid, abi, beforeMs);
    const was = known.get(tid);
    if (now && was && mayBeSameWait(now, was)) now.timeoutEndsMs = was.timeoutEndsMs;
    return now ?? [];
  });
}

/**
 * Whether a thread has run since it was looked at, or is about to: it may be in the same call again, with the same
 * arguments. Where its turns cannot be seen, the call alone tells.
 */
function hasRun({ pid, tid, schedule: before, pending }: Omit<BlockedThread, 'call' | 'fds'>): boolean {
  return schedule(pid, tid)?.turns !== before?.turns || blockedIn(pid, tid) !== pending;
}

/** A thread that wakes up and finds nothing sleeps on, to the same end. It looks like one that has come back to its call. */
const mayBeSameWait = (now: BlockedThread, was: BlockedThread) =>
  now.pending === was.pending && now.timeoutS === was.timeoutS;

/** @param beforeMs at this time the thread was not in its call yet, as far as can be seen */
function blockedThread(pid: number, tid: number, abi: Abi, beforeMs: number): BlockedThread | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const seen = { pid, tid, schedule: schedule(pid, tid), pending: blockedIn(pid, tid) };
    if (!seen.pending) return undefined;
    if (seen.pending === 'running') break;
    const [number = '', ...args] = seen.pending.split(' ');
    const name = kernelName(abi, Number(number));
    const [call, decode] = (name && CALLS[name]) || [`system call ${number}`];
    const decoded =
      decode && name ? decode({ pid, abi, name, args: args.slice(0, 6).map(BigInt) }) : { fds: [] };
    // The memory is that of the call only if the thread has not run meanwhile.
    if (!decoded || hasRun(seen)) continue;
    const { timeoutS } = decoded;
    const timeoutEndsMs = typeof timeoutS === 'number' ? beforeMs + 1000 * timeoutS : undefined;
    return { ...seen, call, ...decoded, timeoutEndsMs };
  }
  return { pid, tid, schedule: schedule(pid, tid), call: 'running', fds: [] };
}

const arg = ({ args }: PendingCall, i: number) => args[i] ?? 0n;

function select(unitsInSecond: number): Decode {
  return (call) => {
    const nfds = Math.min(int(arg(call, 0)), tableSize(call.pid));
    const events = new Map<number, Event[]>();
    const beyondNfds: number[] = [];
    for (const [i, event] of (['read', 'write', 'except'] as const).entries()) {
      const address = arg(call, i + 1);
      const set =
        address === 0n ? Buffer.alloc(0) : memory(call.pid, Number(address), ((nfds + 31) >> 5) << 2);
      if (!set) return undefined;
      for (let fd = 0; fd < 8 * set.length; fd++) {
        if (!(((set[fd >> 3] ?? 0) >> (fd & 7)) & 1)) continue;
        if (fd < nfds) events.set(fd, [...(events.get(fd) ?? []), event]);
        else beyondNfds.push(fd);
      }
    }
    const fds = [...events].map(([fd, events]) => ({ fd, events })).sort((a, b) => a.fd - b.fd);
    const timeoutS = seconds(call, 4, unitsInSecond);
    return { fds, timeoutS, ...(beyondNfds.length > 0 && { nfds, beyondNfds }) };
  };
}

/** A 32-bit program's first select(): its argument points to the five. */
function oldSelect(call: PendingCall): ReturnType<Decode> {
  const args = memory(call.pid, Number(arg(call, 0)), 5 * 4);
  if (!args) return undefined;
  return select(1e6)({ ...call, args: [0, 1, 2, 3, 4].map((i) => BigInt(args.readUInt32LE(4 * i))) });
}

function poll(call: PendingCall, timeoutS: number | null | undefined): Decoded | undefined {
  const SIZE = 8; // of struct pollfd: an int and two shorts
  const nfds = Number(arg(call, 1));
  const array = memory(call.pid, Number(arg(call, 0)), SIZE * nfds);
  if (!array) return undefined;
  const entries = Array.from({ length: nfds }, (_, i) => ({
    fd: array.readInt32LE(SIZE * i),
    events: eventsOf(array.readInt16LE(SIZE * i + 4)),
  }));
  return { fds: entries.filter(({ fd }) => fd >= 0), timeoutS };
}

function epoll(call: PendingCall, timeoutS: number | null | undefined): Decoded {
  const entries = epollSet(call.pid, int(arg(call, 0)));
  const fds = entries.map(({ fd, events }) => ({ fd, events: eventsOf(events) }));
  return { fds: fds.sort((a, b) => a.fd - b.fd), timeoutS };
}

/** A lock, or a wait for another thread: an absolute timeout is made relative here. */
function futex(call: PendingCall): Decoded {
  const [WAIT, WAIT_BITSET, COMMAND, CLOCK_REALTIME] = [0, 9, 0x7f, 0x100];
  const operation = int(arg(call, 1));
  const command = operation & COMMAND;
  const timeoutS = [WAIT, WAIT_BITSET].includes(command) ? seconds(call, 3, 1e9) : null;
  if (typeof timeoutS !== 'number' || command === WAIT) return { fds: [], timeoutS };
  return { fds: [], timeoutS: timeoutS - nowS((operation & CLOCK_REALTIME) !== 0) };
}

/** A time to sleep for, or until. */
function clockNanosleep(call: PendingCall): Decoded {
  const [CLOCK_REALTIME, TIMER_ABSTIME] = [0, 1];
  const timeoutS = seconds(call, 2, 1e9);
  if (typeof timeoutS !== 'number' || !(int(arg(call, 1)) & TIMER_ABSTIME)) return { fds: [], timeoutS };
  return { fds: [], timeoutS: timeoutS - nowS(int(arg(call, 0)) === CLOCK_REALTIME) };
}

const nowS = (isRealTime: boolean) => (isRealTime ? Date.now() / 1000 : Number(hrtime.bigint()) / 1e9);

/** The calls behind socketcall(2), which 32-bit programs make, by its first argument. */
const SOCKETCALLS: Record<number, [call: string, event: Event]> = {
  3: ['connect', 'write'],
  5: ['accept', 'read'],
  9: ['send', 'write'],
  10: ['recv', 'read'],
  11: ['send', 'write'],
  12: ['recv', 'read'],
  16: ['sendmsg', 'write'],
  17: ['recvmsg', 'read'],
  18: ['accept', 'read'],
};

function socketcall(pending: PendingCall): ReturnType<Decode> {
  const [call, event] = SOCKETCALLS[int(arg(pending, 0))] ?? [];
  const args = memory(pending.pid, Number(arg(pending, 1)), 4);
  if (!call || !event || !args) return undefined;
  return { call, fds: [{ fd: args.readInt32LE(0), events: [event] }] };
}

function one(event: Event): Decode {
  return (call) => ({ fds: [{ fd: int(arg(call, 0)), events: [event] }] });
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

/** The struct timeval or timespec that an argument points to, in seconds. */
function seconds(call: PendingCall, i: number, unitsInSecond: number): number | null | undefined {
  const address = arg(call, i);
  if (address === 0n) return null;
  const isShort = call.abi === 'ia32' && !/_time64$|^epoll_pwait2$/.test(call.name);
  const struct = memory(call.pid, Number(address), isShort ? 8 : 16);
  if (!struct) return undefined;
  const [whole, part] = isShort
    ? [struct.readInt32LE(0), struct.readInt32LE(4)]
    : [struct.readBigInt64LE(0), struct.readBigInt64LE(8)];
  return Number(whole) + Number(part) / unitsInSecond;
}

function fromMilliseconds(timeout: bigint): number | null {
  return int(timeout) < 0 ? null : int(timeout) / 1000;
}

function int(argument: bigint): number {
  return Number(BigInt.asIntN(32, argument));
}
