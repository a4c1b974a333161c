/** select as Python has it: `select.select`. */
import { FD_SETSIZE } from './fdset.js';
import { failureOn } from './posix/errors.js';
import { sys } from './posix/sys.js';
import { shown } from './repr.js';
import { deadlineMs, filenoOf, isToRetry, leftS, TIME_T_END_S, type Waitable } from './wait.js';

export type { Waitable } from './wait.js';

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
 * @throws OSError EBADF for a closed descriptor, naming it; EINTR on the main thread, where a listener for a signal may wait to run
 * @see man 2 select; Python's select.select
 */
export function select<R extends Waitable, W extends Waitable, X extends Waitable>(
  rlist: Iterable<R>,
  wlist: Iterable<W>,
  xlist: Iterable<X>,
  timeout?: number | null,
): [readable: R[], writable: W[], exceptional: X[]];
export function select(
  rlist: Iterable<Waitable>,
  wlist: Iterable<Waitable>,
  xlist: Iterable<Waitable>,
  timeout: number | null = null,
): [Waitable[], Waitable[], Waitable[]] {
  // biome-ignore lint/complexity/noArguments: a rest parameter costs an array in each call
  const count = arguments.length;
  if (count < 3) throw new TypeError(`select expected at least 3 arguments, got ${count}`);
  if (count > 4) throw new TypeError(`select expected at most 4 arguments, got ${count}`);
  if (timeout !== null) checkTimeout(timeout);

  // A fileno() method may itself call select(): each call takes lists of its own.
  const lists = spare.pop() ?? new Lists();
  try {
    lists.r.fill(rlist);
    lists.w.fill(wlist);
    lists.x.fill(xlist);
    wait(lists, timeout);
    return [lists.r.ready(), lists.w.ready(), lists.x.ready()];
  } finally {
    lists.r.clear();
    lists.w.clear();
    lists.x.clear();
    spare.push(lists);
  }
}

function checkTimeout(timeout: number): void {
  if (typeof timeout !== 'number') throw new TypeError('timeout must be a number or null');
  if (timeout < 0) throw new RangeError(`timeout must be non-negative (${timeout})`);
  if (!(timeout < TIME_T_END_S)) throw new RangeError(`timeout out of range for time_t (${timeout})`);
}

function wait({ r, w, x }: Lists, timeout: number | null): void {
  const deadline = deadlineMs(timeout);
  const isReadAlone = timeout === null && w.memory() === null && x.memory() === null;
  let left = timeout;
  while (true) {
    const ready = isReadAlone ? sys.select(r.memory()) : sys.select(r.memory(), w.memory(), x.memory(), left);
    if (ready >= 0) return;
    if (!isToRetry(ready)) throw failureOn([...r.fds, ...w.fds, ...x.fds], ready, 'select');
    left = leftS(timeout, deadline);
  }
}

/** One of select()'s three lists, and the memory that carries it to the system call and back. */
class FdList {
  /** What the list is called, in an error. */
  readonly #name: string;
  /** The descriptors, then -1; the call leaves the ready ones in it, in their order. */
  #memory = new Int32Array(64);
  #length = 0;
  /** Whether some elements are objects: numbers alone come back as they are. */
  #hasObjects = false;
  /** With objects: the elements, and the descriptor of each. */
  readonly #elements: Waitable[] = [];
  readonly #fds: number[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  memory(): Int32Array | null {
    return this.#length === 0 ? null : this.#memory;
  }

  fill(list: Iterable<Waitable>): void {
    if (Array.isArray(list)) {
      for (let i = 0; i < list.length; i++) this.#add(list[i] as Waitable);
    } else {
      if (typeof list?.[Symbol.iterator] !== 'function') {
        const isElement = typeof list === 'number' || typeof Object(list).fileno === 'function';
        const hint = isElement ? '[s] is a list of one' : '[] is an empty one';
        throw new TypeError(`arguments 1-3 must be sequences, not ${shown(list)}: ${hint}`);
      }
      for (const element of list) this.#add(element);
    }
    this.#memory[this.#length] = -1;
  }

  #add(element: Waitable): void {
    const fd = typeof element === 'number' ? element : checkedFd(element);
    if (!(fd >= 0 && fd < FD_SETSIZE) || (fd | 0) !== fd) reject(fd, this.#name);
    const n = this.#length++;
    if (this.#length === this.#memory.length) this.#grow();
    this.#memory[n] = fd;
    if (typeof element !== 'number') this.#keepObjects(n);
    if (!this.#hasObjects) return;
    this.#elements[n] = element;
    this.#fds[n] = fd;
  }

  /** The elements are kept from the first object on, and with it the n numbers before it. */
  #keepObjects(n: number): void {
    if (this.#hasObjects) return;
    this.#hasObjects = true;
    for (let i = 0; i < n; i++) this.#elements[i] = this.#fds[i] = this.#memory[i] as number;
  }

  /** The elements whose descriptors the call has left in the memory. */
  ready(): Waitable[] {
    const ready: Waitable[] = [];
    const memory = this.#memory;
    if (!this.#hasObjects) {
      for (let i = 0, fd = memory[0] as number; fd >= 0; fd = memory[++i] as number) ready.push(fd);
      return ready;
    }
    for (let i = 0, next = memory[0] as number; next >= 0; i++) {
      if (this.#fds[i] !== next) continue;
      ready.push(this.#elements[i] as Waitable);
      next = memory[ready.length] as number;
    }
    return ready;
  }

  get fds(): Int32Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** Forgets the elements, which would otherwise live until the next call. */
  clear(): void {
    if (this.#hasObjects) this.#elements.fill(0, 0, this.#length);
    this.#hasObjects = false;
    this.#length = 0;
  }

  #grow(): void {
    const grown = new Int32Array(2 * this.#memory.length);
    grown.set(this.#memory);
    this.#memory = grown;
  }
}

class Lists {
  readonly r = new FdList('rlist');
  readonly w = new FdList('wlist');
  readonly x = new FdList('xlist');
}

/** Lists that no call is using. */
const spare: Lists[] = [];

function checkedFd(element: Exclude<Waitable, number>): number {
  const fd = filenoOf(element);
  if (fd === undefined && typeof element?.fileno !== 'function') {
    const { fd: streamFd } = Object(element);
    const hint = Number.isInteger(streamFd) ? `: of a Node stream give the descriptor, ${streamFd}` : '';
    throw new TypeError(`argument must be an int, or have a fileno() method${hint}`);
  }
  if (!Number.isInteger(fd)) throw new TypeError('fileno() returned a non-integer');
  return fd as number;
}

function reject(fd: number, list: string): never {
  if (!Number.isInteger(fd)) throw new TypeError('argument must be an int, or have a fileno() method');
  if (fd < 0)
    throw new RangeError(`file descriptor cannot be a negative integer (${fd}): a closed socket in ${list}?`);
  throw new RangeError(
    `filedescriptor out of range in select(): ${fd} is not below FD_SETSIZE (${FD_SETSIZE}); ` +
      'to wait for it, use selectFdSets with a larger FdSet, or an EpollSelector',
  );
}
