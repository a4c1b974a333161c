/** The polling objects of Python's select module: `poll()` and, on Linux, `epoll()`. */
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from './posix/call-constants.js';
import { errno, failureOn, OSError } from './posix/errors.js';
import { EPOLLIN, EPOLLOUT, EPOLLPRI, POLLIN, POLLOUT, POLLPRI } from './posix/select-constants.js';
import { sys } from './posix/sys.js';
import { OwnFd } from './posix/unclosed.js';
import { deadlineMs, filenoOf, isToRetry, leftS, millisecondsOf, type Waitable } from './wait.js';

/** A descriptor and its events, as bits: POLLIN … or EPOLLIN … */
export type PollResult = [fd: number, events: number];

function fdOf(fileobj: Waitable): number {
  const fd = filenoOf(fileobj);
  if (!Number.isInteger(fd)) throw new TypeError('argument must be an int, or have a fileno() method');
  if ((fd as number) < 0) throw new RangeError(`file descriptor cannot be a negative integer (${fd})`);
  return fd as number;
}

function checkMask(mask: number, max: number): void {
  if (!Number.isInteger(mask)) throw new TypeError('eventmask must be an integer');
  if (mask < 0 || mask > max) throw new RangeError(`eventmask out of range (${mask})`);
}

/** A timeout in seconds: what is negative waits for ever, in both. */
function secondsOf(timeout: number | null, unitsInSecond: number): number | null {
  if (timeout === null || timeout < 0) return null;
  if (typeof timeout !== 'number' || Number.isNaN(timeout))
    throw new TypeError('timeout must be a number or null');
  return timeout / unitsInSecond;
}

/**
 * Waits for descriptors with poll(2).
 *
 * @see man 2 poll; Python's select.poll
 */
export class Poll {
  readonly #masks = new Map<number, number>();
  #pollfds: Int32Array | null = null;

  /** Waits for a descriptor, or an object that has one; registering it again replaces the mask. */
  register(fd: Waitable, eventmask: number = POLLIN | POLLPRI | POLLOUT): void {
    const number = fdOf(fd);
    checkMask(eventmask, 0xffff);
    this.#masks.set(number, eventmask);
    this.#pollfds = null;
  }

  /** @throws OSError ENOENT for a descriptor that was never registered */
  modify(fd: Waitable, eventmask: number): void {
    const number = fdOf(fd);
    if (!this.#masks.has(number)) throw new OSError(errno.ENOENT, 'poll', { fd: number });
    this.register(number, eventmask);
  }

  /** @throws Error `ERR_NOT_REGISTERED` for a descriptor that was never registered (Python: KeyError) */
  unregister(fd: Waitable): void {
    const number = fdOf(fd);
    if (!this.#masks.delete(number)) {
      throw Object.assign(new Error(`fd ${number} is not registered`), { code: 'ERR_NOT_REGISTERED' });
    }
    this.#pollfds = null;
  }

  /**
   * Waits until some are ready.
   *
   * @param timeoutMs milliseconds, rounded up; null or below 0 waits for ever
   * @returns those that are, with their events; POLLERR, POLLHUP and POLLNVAL come unasked
   * @throws OSError EINTR on the main thread, where a listener for a signal may wait to run
   */
  poll(timeoutMs: number | null = null): PollResult[] {
    const timeoutS = secondsOf(timeoutMs, 1000);
    const deadline = deadlineMs(timeoutS);
    this.#pollfds ??= Int32Array.from([...this.#masks].flat());
    const pollfds = this.#pollfds;
    let left = timeoutS;
    let count = sys.poll(pollfds, this.#masks.size, millisecondsOf(left));
    while (isToRetry(count)) {
      left = leftS(timeoutS, deadline);
      count = sys.poll(pollfds, this.#masks.size, millisecondsOf(left));
    }
    if (count < 0) throw new OSError(count, 'poll');
    const ready: PollResult[] = [];
    for (let i = 0; ready.length < count; i += 2) {
      const revents = (pollfds[i + 1] as number) >>> 16;
      if (revents !== 0) ready.push([pollfds[i] as number, revents]);
    }
    return ready;
  }
}

/**
 * A polling object on poll(2).
 *
 * @see Python's select.poll
 */
export function poll(): Poll {
  return new Poll();
}

const FD_LIMIT = 2 ** 20;

/**
 * Waits for descriptors with epoll(7), Linux's: with EPOLLET each change is reported once, with EPOLLONESHOT one.
 *
 * @see man 7 epoll; Python's select.epoll
 */
export class Epoll implements Disposable {
  readonly #own: OwnFd;
  #ready = new Int32Array(128);

  /**
   * @param fd an open epoll descriptor, which the object takes over; a new one unless given
   * @throws OSError ENOSYS where the platform has none; EMFILE
   */
  constructor(fd?: number) {
    const number = fd ?? (sys.epoll_create ? sys.epoll_create() : -errno.ENOSYS);
    if (number < 0) throw new OSError(number, 'epoll_create');
    this.#own = new OwnFd(this, number, 'select.epoll');
  }

  /** @throws OSError EEXIST for one that is registered; EPERM for a regular file; EBADF */
  register(fd: Waitable, eventmask: number = EPOLLIN | EPOLLPRI | EPOLLOUT): void {
    this.#control(EPOLL_CTL_ADD, fd, eventmask);
  }

  /** @throws OSError ENOENT for one that is not registered */
  modify(fd: Waitable, eventmask: number): void {
    this.#control(EPOLL_CTL_MOD, fd, eventmask);
  }

  /** @throws OSError ENOENT for one that is not registered; EBADF */
  unregister(fd: Waitable): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  #control(operation: number, fileobj: Waitable, eventmask: number): void {
    const fd = fdOf(fileobj);
    checkMask(eventmask, 2 ** 32 - 1);
    const result = sys.epoll_ctl(this.#open(), operation, fd, eventmask | 0);
    if (result < 0) throw new OSError(result, 'epoll_ctl', { fd });
  }

  /**
   * Waits until some are ready.
   *
   * @param timeoutS seconds, rounded up to milliseconds; null or below 0 waits for ever
   * @param maxevents events of one call at most; -1 for as many as a process has descriptors
   * @throws OSError EINTR on the main thread, where a listener for a signal may wait to run
   */
  poll(timeoutS: number | null = null, maxevents = -1): PollResult[] {
    const epfd = this.#open();
    if (maxevents !== -1 && !(Number.isInteger(maxevents) && maxevents > 0 && maxevents <= FD_LIMIT))
      throw new RangeError(`maxevents must be greater than 0, got ${maxevents}`);
    const seconds = secondsOf(timeoutS, 1);
    const deadline = deadlineMs(seconds);
    if (2 * maxevents > this.#ready.length) this.#ready = new Int32Array(2 * maxevents);
    const room = maxevents === -1 ? this.#ready : this.#ready.subarray(0, 2 * maxevents);
    let count = sys.epoll_wait(epfd, room, millisecondsOf(seconds));
    while (isToRetry(count)) count = sys.epoll_wait(epfd, room, millisecondsOf(leftS(seconds, deadline)));
    if (count < 0) throw failureOn([epfd], count, 'epoll_wait');
    const ready = Array.from({ length: count }, (_, i): PollResult => {
      return [room[2 * i] as number, (room[2 * i + 1] as number) >>> 0];
    });
    // The rest stays in the kernel for the next call, which has more room.
    if (maxevents === -1 && 2 * count === room.length) this.#ready = new Int32Array(4 * count);
    return ready;
  }

  /** The object's own descriptor: readable when something is ready. */
  fileno(): number {
    return this.#open();
  }

  /** Whether it has been closed. */
  get closed(): boolean {
    return this.#own.fd < 0;
  }

  /** Closes the descriptor; closing again does nothing. */
  close(): void {
    this.#own.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    const { fd } = this.#own;
    if (fd < 0) throw new RangeError('I/O operation on closed epoll object');
    return fd;
  }
}

/**
 * A polling object on epoll(7), Linux only.
 *
 * @see Python's select.epoll
 */
export function epoll(): Epoll {
  return new Epoll();
}
