/** select as Python has it: `select.select`. */
import { isMainThread } from 'node:worker_threads';
import { FD_SETSIZE } from './fdset.js';
import { errno, OSError } from './posix/errors.js';
import { sys } from './posix/sys.js';

/** What select() can wait for: a descriptor, or an object that has one. */
export type Waitable = number | { fileno(): number };

/** time_t's reach, seconds. */
const TIME_T_END = 2 ** 63;

/**
 * Waits until one of the given descriptors is ready, and returns those that are: the very same elements, in
 * their order, in three new arrays.
 *
 * On a worker thread an interrupting signal (EINTR) does not end the wait: it goes on with the time that is
 * left. On the main thread it throws, because JavaScript's signal handlers run only once the call has returned.
 *
 * @param rlist wait until these can be read; any iterable of descriptors or objects with a `fileno()` method
 * @param wlist wait until these can be written
 * @param xlist wait for an exceptional condition: on a TCP socket, out-of-band data
 * @param timeout seconds, rounded up to microseconds; 0 polls; null or undefined waits for ever
 * @throws TypeError for arguments of a wrong type
 * @throws RangeError for a timeout below 0, a descriptor below 0 or from FD_SETSIZE on
 * @throws OSError EBADF for a closed descriptor, naming it; EINTR on the main thread
 * @see man 2 select; Python's select.select
 */
export function select<R extends Waitable, W extends Waitable, X extends Waitable>(
  rlist: Iterable<R>,
  wlist: Iterable<W>,
  xlist: Iterable<X>,
  timeout?: number | null,
): [readable: R[], writable: W[], exceptional: X[]];
export function select(
  ...args: [Iterable<Waitable>, Iterable<Waitable>, Iterable<Waitable>, (number | null)?]
): [Waitable[], Waitable[], Waitable[]] {
  if (args.length < 3) throw new TypeError(`select expected at least 3 arguments, got ${args.length}`);
  if (args.length > 4) throw new TypeError(`select expected at most 4 arguments, got ${args.length}`);
  const timeout = args[3] ?? null;
  checkTimeout(timeout);

  // A fileno() method may itself call select(): each call takes lists of its own.
  const [r, w, x] = spare.pop() ?? [new FdList(), new FdList(), new FdList()];
  try {
    r.fill(args[0]);
    w.fill(args[1]);
    x.fill(args[2]);
    wait(r, w, x, timeout);
    return [r.ready(), w.ready(), x.ready()];
  } finally {
    r.clear();
    w.clear();
    x.clear();
    spare.push([r, w, x]);
  }
}

const spare: [FdList, FdList, FdList][] = [];

function checkTimeout(timeout: number | null): void {
  if (timeout === null) return;
  if (typeof timeout !== 'number') throw new TypeError('timeout must be a number or null');
  if (timeout < 0) throw new RangeError(`timeout must be non-negative (${timeout})`);
  if (!(timeout < TIME_T_END)) throw new RangeError(`timeout out of range for time_t (${timeout})`);
}

function wait(r: FdList, w: FdList, x: FdList, timeout: number | null): void {
  const deadline = timeout ? performance.now() + timeout * 1000 : 0;
  for (let left = timeout; ; left = timeout && Math.max(0, (deadline - performance.now()) / 1000)) {
    const ready = sys.select(r.memory, w.memory, x.memory, left);
    if (ready >= 0) return;
    if (ready === -errno.EINTR && !isMainThread) continue;
    throw failure(ready, [r, w, x]);
  }
}

/** EBADF does not say which descriptor is closed: ask each. */
function failure(result: number, lists: FdList[]): OSError {
  if (result === -errno.EBADF) {
    for (const list of lists) {
      for (const fd of list.fds) {
        if (sys.fcntl(fd, sys.constants.F_GETFD as number, 0) < 0)
          return new OSError(result, 'select', { fd });
      }
    }
  }
  return new OSError(result, 'select');
}

/** One of select()'s three lists, and the memory that carries it to the system call and back. */
class FdList {
  readonly #elements: Waitable[] = [];
  #fds = new Int32Array(64);
  /** The same as #fds; the call leaves the ready ones in it. */
  #memory = new Int32Array(64);
  #length = 0;

  get memory(): Int32Array | null {
    return this.#length === 0 ? null : this.#memory;
  }

  get fds(): Int32Array {
    return this.#fds.subarray(0, this.#length);
  }

  fill(list: Iterable<Waitable>): void {
    if (typeof list?.[Symbol.iterator] !== 'function') throw new TypeError('arguments 1-3 must be sequences');
    let n = 0;
    for (const element of list) {
      const fd = typeof element === 'number' ? element : filenoOf(element);
      if (!(fd >= 0 && fd < FD_SETSIZE) || (fd | 0) !== fd) reject(fd);
      if (n + 1 >= this.#fds.length) this.#grow();
      this.#elements[n] = element;
      this.#fds[n] = fd;
      this.#memory[n] = fd;
      n += 1;
    }
    this.#memory[n] = -1;
    this.#length = n;
  }

  /** The elements whose descriptors the call has left in the memory, which keeps their order. */
  ready(): Waitable[] {
    const ready: Waitable[] = [];
    for (let i = 0; i < this.#length; i++) {
      const next = this.#memory[ready.length] as number;
      if (next < 0) break;
      if (this.#fds[i] === next) ready.push(this.#elements[i] as Waitable);
    }
    return ready;
  }

  /** Forgets the elements, which would otherwise live until the next call. */
  clear(): void {
    this.#elements.length = 0;
    this.#length = 0;
  }

  #grow(): void {
    const [fds, memory] = [this.#fds, this.#memory];
    this.#fds = new Int32Array(2 * fds.length);
    this.#fds.set(fds);
    this.#memory = new Int32Array(2 * memory.length);
    this.#memory.set(memory);
  }
}

function filenoOf(element: Exclude<Waitable, number>): number {
  if (typeof element?.fileno !== 'function') {
    throw new TypeError('argument must be an int, or have a fileno() method');
  }
  const fd = element.fileno();
  if (!Number.isInteger(fd)) throw new TypeError('fileno() returned a non-integer');
  return fd;
}

function reject(fd: number): never {
  if (!Number.isInteger(fd)) throw new TypeError('argument must be an int, or have a fileno() method');
  if (fd < 0) throw new RangeError(`file descriptor cannot be a negative integer (${fd})`);
  throw new RangeError(
    `filedescriptor out of range in select(): ${fd} is not below FD_SETSIZE (${FD_SETSIZE}); ` +
      'to wait for it, use selectFdSets with a larger FdSet, or an EpollSelector',
  );
}
