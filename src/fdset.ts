/** select(2) as C has it: fd_set, its four macros, and the call. */
import { inspect } from 'node:util';
import { FD_SETSIZE } from './posix/call-constants.js';
import { OSError } from './posix/errors.js';
import { sys } from './posix/sys.js';

/** How many descriptors an fd_set holds: those from 0 to FD_SETSIZE - 1. */
export { FD_SETSIZE };

/** fd_set is an array of longs. */
const BITS_PER_LONG = 64;

/**
 * A set of descriptors, in memory laid out as the platform's `fd_set`: the kernel itself reads and overwrites
 * it, without a copy on the way. Iterates over its members in ascending order.
 *
 * @see man 2 select
 */
export class FdSet implements Iterable<number> {
  /** How many descriptors fit: 0 to `size` - 1. */
  readonly size: number;
  /** The bits: descriptor fd is bit `fd % 32` of word `fd / 32`. */
  readonly words: Int32Array;

  /**
   * @param size FD_SETSIZE, as in C, unless it is given: the kernel takes sets of any size
   * @throws RangeError when size is no positive integer
   */
  constructor(size: number = FD_SETSIZE) {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 31 - BITS_PER_LONG) {
      throw new RangeError(`FdSet size must be a positive integer (${size})`);
    }
    this.size = size;
    this.words = new Int32Array((Math.ceil(size / BITS_PER_LONG) * BITS_PER_LONG) / 32);
  }

  /**
   * Makes this set equal to another, as `*this = *other` does in C: select() overwrites the sets that it is
   * given, so a loop hands it copies.
   *
   * @throws RangeError when the sizes differ
   */
  assign(other: FdSet): this {
    if (other.size !== this.size) {
      throw new RangeError(`an FdSet of size ${other.size} does not fit one of size ${this.size}`);
    }
    if (this.words.length !== other.words.length) transferred('the set');
    this.words.set(other.words);
    return this;
  }

  *[Symbol.iterator](): Generator<number> {
    for (const [i, word] of this.words.entries()) {
      for (let rest = word; rest !== 0; rest &= rest - 1) yield i * 32 + 31 - Math.clz32(rest & -rest);
    }
  }

  [inspect.custom](): string {
    return `FdSet(${this.size}) [${[...this].join(' ')}]`;
  }
}

/** Empties the set. */
export function FD_ZERO(set: FdSet): void {
  if (set.words.length === 0) transferred('the set');
  set.words.fill(0);
}

/**
 * Puts fd into the set.
 *
 * @throws RangeError when the set has no place for fd: never a stray write, as in C
 */
export function FD_SET(fd: number, set: FdSet): void {
  if (!(fd >= 0 && fd < set.size) || (fd | 0) !== fd) outside('FD_SET', fd, set);
  set.words[fd >> 5] = wordOf(fd, set) | (1 << fd);
}

/**
 * Takes fd out of the set.
 *
 * @throws RangeError when the set has no place for fd
 */
export function FD_CLR(fd: number, set: FdSet): void {
  if (!(fd >= 0 && fd < set.size) || (fd | 0) !== fd) outside('FD_CLR', fd, set);
  set.words[fd >> 5] = wordOf(fd, set) & ~(1 << fd);
}

/**
 * Whether fd is in the set.
 *
 * @throws RangeError when the set has no place for fd
 */
export function FD_ISSET(fd: number, set: FdSet): boolean {
  if (!(fd >= 0 && fd < set.size) || (fd | 0) !== fd) outside('FD_ISSET', fd, set);
  return (wordOf(fd, set) & (1 << fd)) !== 0;
}

/** The word that has fd's bit. */
function wordOf(fd: number, set: FdSet): number {
  const word = set.words[fd >> 5];
  if (word === undefined) transferred('the set');
  return word;
}

function transferred(name: string): never {
  throw new TypeError(`${name} has no memory any more: it was transferred to another thread`);
}

function outside(macro: string, fd: number, set: FdSet): never {
  if (!(set instanceof FdSet)) throw new TypeError(`${macro}: set must be an FdSet`);
  if (!Number.isInteger(fd)) throw new TypeError(`${macro}: fd must be an integer`);
  const hint = fd >= set.size ? `: make it larger with new FdSet(${fd + 1})` : '';
  throw new RangeError(`${macro}: fd ${fd} is outside a set of size ${set.size}${hint}`);
}

/** C's `struct timeval`. */
export interface Timeval {
  /** seconds */
  tv_sec: number;
  /** microseconds */
  tv_usec: number;
}

function words(name: string, set: FdSet | null): Int32Array | null {
  if (set === null) return null;
  if (!(set instanceof FdSet)) throw new TypeError(`${name} must be an FdSet or null`);
  if (set.words.length === 0) transferred(name);
  return set.words;
}

/** The timeout's memory for the addon, used within one call only. */
const timeval = new Float64Array(2);

/**
 * The literal select(2): waits until a descriptor below nfds is ready, and leaves in each set those that are.
 *
 * @param nfds the highest descriptor in the sets, plus 1
 * @param readfds in: wait until these can be read; out: those that can. null is C's NULL
 * @param writefds the same for writing
 * @param exceptfds the same for exceptional conditions: on a TCP socket, out-of-band data
 * @param timeout null waits for ever; on Linux the time left is written back into it, as the kernel does
 * @returns the number of descriptors that are ready, in all sets together; 0 when the time is over
 * @throws OSError of any failure, EINTR included; the sets are then as they were
 * @throws RangeError when a set is too small for nfds
 * @see man 2 select
 */
export function selectFdSets(
  nfds: number,
  readfds: FdSet | null,
  writefds: FdSet | null,
  exceptfds: FdSet | null,
  timeout: Timeval | null,
): number {
  const size = Math.min(readfds?.size ?? nfds, writefds?.size ?? nfds, exceptfds?.size ?? nfds);
  if (nfds > size) {
    throw new RangeError(
      `nfds ${nfds} is beyond a set of size ${size}: make it larger with new FdSet(${nfds})`,
    );
  }
  if (timeout !== null) {
    if (!Number.isSafeInteger(timeout.tv_sec)) throw new TypeError('tv_sec must be an integer');
    if (!Number.isSafeInteger(timeout.tv_usec)) throw new TypeError('tv_usec must be an integer');
    timeval[0] = timeout.tv_sec;
    timeval[1] = timeout.tv_usec;
  }
  const ready = sys.selectFdSets(
    nfds,
    words('readfds', readfds),
    words('writefds', writefds),
    words('exceptfds', exceptfds),
    timeout && timeval,
  );
  if (timeout !== null) {
    timeout.tv_sec = timeval[0] as number;
    timeout.tv_usec = timeval[1] as number;
  }
  if (ready < 0) throw new OSError(ready, 'select');
  return ready;
}
