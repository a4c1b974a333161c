/** The polling object of Python's select module on macOS: `kqueue()`, and the events that it takes and gives. */
import { errno, failureOn, OSError } from './posix/errors.js';
import { KQ_EV_ADD, KQ_FILTER_READ } from './posix/select-constants.js';
import { sys } from './posix/sys.js';
import { OwnFd } from './posix/unclosed.js';
import { deadlineMs, filenoOf, isToRetry, leftS, type Waitable } from './wait.js';

/** Numbers of an event in the memory that crosses into the addon: see native/kqueue.cc. */
const EVENT_NUMBERS = 6;

/**
 * An event: one that is waited for, or one that has come.
 *
 * @see man 2 kqueue; Python's select.kevent
 */
export class Kevent {
  /** What the filter looks at: for most a descriptor. */
  readonly ident: number;

  /**
   * @param ident a descriptor, an object that has one, or another number that the filter takes
   * @param filter KQ_FILTER_READ …
   * @param flags KQ_EV_ADD … ; of an event that has come: KQ_EV_EOF, KQ_EV_ERROR
   * @param fflags flags of the filter: KQ_NOTE_WRITE …
   * @param data of the filter: of an event that has come, the bytes that can be read or written
   * @param udata a number of the caller's own, which comes back with the event
   * @throws OSError ENOSYS where the platform has no kqueue
   */
  constructor(
    ident: Waitable,
    readonly filter: number = KQ_FILTER_READ,
    readonly flags: number = KQ_EV_ADD,
    readonly fflags: number = 0,
    readonly data: number = 0,
    readonly udata: number = 0,
  ) {
    if (!sys.kqueue) throw new OSError(-errno.ENOSYS, 'kevent');
    const number = filenoOf(ident);
    const numbers = [number, filter, flags, fflags, data, udata];
    if (!numbers.every((each) => Number.isSafeInteger(each)))
      throw new TypeError('a kevent is made of integers; its ident may be an object with a fileno() method');
    this.ident = number as number;
  }
}

/** An event. @see Python's select.kevent */
export function kevent(...args: ConstructorParameters<typeof Kevent>): Kevent {
  return new Kevent(...args);
}

/**
 * Waits for events with kqueue(2), macOS's.
 *
 * @see man 2 kqueue; Python's select.kqueue
 */
export class Kqueue implements Disposable {
  readonly #own: OwnFd;

  /**
   * @param fd an open kqueue's descriptor, which the object takes over (Python's `fromfd`); a new one unless given
   * @throws OSError ENOSYS where the platform has none; EMFILE
   */
  constructor(fd?: number) {
    const number = fd ?? (sys.kqueue ? sys.kqueue() : -errno.ENOSYS);
    if (number < 0) throw new OSError(number, 'kqueue');
    this.#own = new OwnFd(this, number, 'select.kqueue');
  }

  /**
   * Changes what is waited for, and waits until some events have come.
   *
   * @param changelist what to add, change or delete; null for nothing
   * @param maxEvents events at most; with 0 it does not wait
   * @param timeoutS seconds; null waits for ever
   * @throws OSError ENOENT for an event that is not there to be deleted; EBADF; EINTR on the main thread, where a
   *   listener for a signal may wait to run
   */
  control(changelist: Iterable<Kevent> | null, maxEvents: number, timeoutS: number | null = null): Kevent[] {
    const kq = this.#open();
    if (!Number.isInteger(maxEvents)) throw new TypeError('maxEvents must be an integer');
    if (maxEvents < 0) throw new RangeError(`maxEvents must be 0 or more, got ${maxEvents}`);
    if (timeoutS !== null && (typeof timeoutS !== 'number' || Number.isNaN(timeoutS)))
      throw new TypeError('timeout must be a number or null');
    if (timeoutS !== null && timeoutS < 0) throw new RangeError('timeout must be 0 or more, or null');

    const changes = Float64Array.from([...(changelist ?? [])].flatMap(numbersOf));
    const room = new Float64Array(maxEvents * EVENT_NUMBERS);
    const deadline = deadlineMs(timeoutS);
    let count = sys.kevent(kq, changes, room, timeoutS);
    // What was to be changed is changed, also where a signal has ended the wait.
    while (isToRetry(count)) count = sys.kevent(kq, new Float64Array(0), room, leftS(timeoutS, deadline));
    if (count < 0) throw failureOn([kq], count, 'kevent');
    return Array.from({ length: count }, (_, i) => {
      const numbers = room.subarray(i * EVENT_NUMBERS, (i + 1) * EVENT_NUMBERS);
      return new Kevent(...([...numbers] as [number, number, number, number, number, number]));
    });
  }

  /** The object's own descriptor: readable when something has come. */
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
    if (fd < 0) throw new RangeError('I/O operation on closed kqueue object');
    return fd;
  }
}

/** A polling object on kqueue(2), macOS only. @see Python's select.kqueue */
export function kqueue(): Kqueue {
  return new Kqueue();
}

function numbersOf(event: Kevent): number[] {
  if (!(event instanceof Kevent)) throw new TypeError('changelist must be an iterable of kevent objects');
  return [event.ident, event.filter, event.flags, event.fflags, event.data, event.udata];
}
