/**
 * The system calls of the addon: the only file that imports it. How a call is traced and explained: teach/trace/syscalls.ts.
 *
 * Every function makes one system call on raw descriptors. A call that fails returns a negative errno, of which the
 * caller makes an OSError (see errors.ts); an argument of a wrong type throws a TypeError. Addresses are numeric:
 * `getaddrinfo` resolves names.
 */
import addon from './addon.cjs';
import type { Address } from './sockaddr.js';

/** A count or a descriptor; below 0, a negated errno. */
type Result = number;

/** The calls that wait for descriptors. */
export interface Waits {
  /**
   * Each list is an Int32Array that ends with its first negative number, or null. The ready descriptors are
   * left in it, in their order. The timeout is in seconds, rounded up to microseconds; null waits for ever.
   * A missing argument is null, and takes less time than a null does.
   */
  select(
    rlist: Int32Array | null,
    wlist?: Int32Array | null,
    xlist?: Int32Array | null,
    timeoutS?: number | null,
  ): Result;
  /** The sets are memory laid out as fd_set; `timeout` holds tv_sec and tv_usec, and the time left afterwards. */
  selectFdSets(
    nfds: number,
    readfds: Int32Array | null,
    writefds: Int32Array | null,
    exceptfds: Int32Array | null,
    timeout: Float64Array | null,
  ): Result;
  /** pollfds is memory laid out as an array of struct pollfd; the timeout is in milliseconds, below 0 for ever. */
  poll(pollfds: Int32Array, nfds: number, timeoutMs: number): Result;
  /** Linux only. Leaves fd and events of the ready ones in turn; the timeout is in milliseconds, below 0 for ever. */
  epoll_wait(epfd: number, ready: Int32Array, timeoutMs: number): Result;
  /** macOS only. Leaves fd and filter of the ready ones in turn; the timeout is in seconds, null waits for ever. */
  kevent_wait(kq: number, ready: Int32Array, timeoutS: number | null): Result;
}

export interface Sys extends Waits {
  /** Linux only, as the next one. */
  epoll_create?(): Result;
  epoll_ctl(epfd: number, operation: number, fd: number, events: number): Result;
  /** macOS only, as the next one. */
  kqueue?(): Result;
  kevent_change(kq: number, fd: number, filter: number, flags: number): Result;
  /** Changes, and then waits for events: each is six numbers, as of struct kevent. */
  kevent(kq: number, changes: Float64Array, ready: Float64Array, timeoutS: number | null): Result;
  /** Calls back with true once the other end of `fd` has been closed, with false once `cancel` is readable. */
  untilHangUp(fd: number, cancel: number, callback: (isHungUp: boolean) => void): Result;

  socket(family: number, type: number, proto: number): Result;
  socketpair(family: number, type: number, proto: number): [number, number] | Result;
  bind(fd: number, address: Address): Result;
  listen(fd: number, backlog: number): Result;
  accept(fd: number): [fd: number, peer: Address] | Result;
  connect(fd: number, address: Address): Result;
  getsockname(fd: number): Address | Result;
  getpeername(fd: number): Address | Result;
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): Result;
  recvfrom(
    fd: number,
    buffer: Uint8Array,
    length: number,
    flags: number,
  ): [count: number, sender: Address | null] | Result;
  send(fd: number, data: Uint8Array, flags: number): Result;
  sendto(fd: number, data: Uint8Array, flags: number, address: Address): Result;
  shutdown(fd: number, how: number): Result;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array): Result;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): Result;
  /** `ancillary` holds records: see message.ts. */
  sendmsg(
    fd: number,
    data: Uint8Array,
    ancillary: Uint8Array,
    flags: number,
    address: Address | null,
  ): Result;
  /** Leaves records in `ancillary`. */
  recvmsg(
    fd: number,
    buffer: Uint8Array,
    ancillary: Uint8Array,
    length: number,
    flags: number,
  ): [count: number, ancillaryBytes: number, flags: number, sender: Address | null] | Result;
  /** A number is an error code of getaddrinfo(3): see `gaiError`. */
  getaddrinfo(
    host: string | null,
    service: string | null,
    family: number,
    type: number,
    proto: number,
    flags: number,
  ): [family: number, type: number, proto: number, canonname: string, address: Address][] | number;
  gethostname(): string | Result;
  /** null for what is no address of the family. */
  inet_pton(family: number, text: string): Buffer | null | Result;
  inet_ntop(family: number, bytes: Uint8Array): string | Result;
  gaiError(code: number): [name: string, text: string];

  read(fd: number, buffer: Uint8Array): Result;
  write(fd: number, data: Uint8Array): Result;
  close(fd: number): Result;
  /** Whether this thread's end, by `worker.terminate()` too, closes the descriptor: 1 or 0. */
  closeAtEnd(fd: number, wanted: number): Result;
  fcntl(fd: number, command: number, value: number): Result;
  /** ioctl(2)'s FIONREAD: how many bytes a read would find, without reading them. */
  fionread(fd: number): Result;
  /** poll(2) without a wait, and FIONREAD of each descriptor: into `unread`, negative where it has no such number. */
  pollUnread(pollfds: Int32Array, nfds: number, unread: Int32Array): Result;
  /**
   * ioctl(2)'s SIOCOUTQ: how many bytes of a socket's send queue the peer has not acknowledged. A shutdown counts as
   * one byte until it is acknowledged. @see man 7 tcp
   */
  siocoutq(fd: number): Result;
  dup2(fd: number, target: number): Result;
  /** 1 for a terminal. node:tty says the same, but loads node:net at each start. */
  isatty(fd: number): Result;
  pipe(): [readEnd: number, writeEnd: number] | Result;
  /** A pseudo-terminal: what is written to `terminal` is read from `screen`. */
  openpty(): [screen: number, terminal: number] | Result;
  /** Takes a positive errno. */
  strerror(errno: number): string;
  _exit(status: number): never;
  /** prctl(2)'s PR_SET_CHILD_SUBREAPER: what a descendant leaves behind becomes this process's child. Linux only. */
  adoptOrphans?(): Result;
  /**
   * waitpid(2) with WNOHANG: takes an adopted child that has ended off the process table. Node waits for the children
   * that it has started itself: of one that was reaped here it would never hear. Linux only.
   *
   * @returns its id; 0 when it has not ended
   */
  reap?(pid: number): Result;

  /** clock_gettime(2)'s CLOCK_MONOTONIC, in seconds. */
  monotonic(): number;
  /**
   * `recv` and `send` that write their own lines into a recording; see trace.ts.
   *
   * @param bytes where lines are kept until they are written
   * @param counts by `COUNTS`, and the number of the last call: shared with these functions
   * @param origin when the recording began, by `monotonic`
   * @param recordRecv records a call that has more to say than the numbers and bytes of one that succeeded
   */
  recordedTransfers(
    bytes: Uint8Array,
    counts: Int32Array,
    number: Float64Array,
    origin: number,
    recordRecv: RecordTransfer,
    recordSend: RecordTransfer,
  ): Pick<Sys, 'recv' | 'send'> & { use(bytes: Uint8Array): void };

  /** The platform's values by name; `*-constants.ts` beside this file has them typed. */
  readonly constants: Readonly<Record<string, number>>;
}

/** Records a call that has been made: when it began and ended, its result, and its arguments. Returns the result. */
export type RecordTransfer = (begin: number, end: number, result: Result, ...args: unknown[]) => Result;

/** The elements of `counts`, for `recordedTransfers`: bytes that are kept, and those of them that are whole lines. */
export const COUNTS = { keptBytes: 0, wholeBytes: 1 } as const;

export const sys = addon as unknown as Sys;
