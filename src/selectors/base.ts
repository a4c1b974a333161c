/** What all selectors have in common: the keys, and the wait with its deadline. */
import { errno, failureOn, OSError } from '../posix/errors.js';
import { OwnFd } from '../posix/unclosed.js';
import { repr } from '../repr.js';
import { deadlineMs, filenoOf, isToRetry, leftS, TIME_T_END_S, type Waitable } from '../wait.js';

/** The descriptor can be read: data, a connection to accept, the end of the stream. */
export const EVENT_READ = 1;
/** The descriptor can be written. */
export const EVENT_WRITE = 2;

/** What was registered. */
export class SelectorKey<Data = unknown> {
  constructor(
    /** the descriptor or object, as it was registered */
    readonly fileobj: Waitable,
    /** its descriptor */
    readonly fd: number,
    /** EVENT_READ, EVENT_WRITE, or both */
    readonly events: number,
    /** whatever goes with it */
    readonly data: Data,
  ) {
    Object.freeze(this);
  }
}

/** A wrong use: Python throws KeyError or RuntimeError. */
function misuse(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** What `fileno()` gives: below 0 for a closed socket. */
function integerFileno(fileobj: Waitable): number {
  const fd = filenoOf(fileobj);
  if (!Number.isInteger(fd)) throw new TypeError(`Invalid file object: ${shown(fileobj)}`);
  return fd as number;
}

function fdOf(fileobj: Waitable): number {
  const fd = integerFileno(fileobj);
  if (fd < 0 || fd !== (fd | 0)) throw new RangeError(`Invalid file descriptor: ${fd}`);
  return fd;
}

/** As Python's selectors say it; what Python does not have, as JavaScript does. */
function shown(fileobj: unknown): string {
  if (fileobj === undefined || typeof fileobj === 'symbol') return String(fileobj);
  return fileobj !== null && typeof fileobj === 'object' ? String(fileobj) : repr(fileobj);
}

function checkEvents(events: number): void {
  if (events !== EVENT_READ && events !== EVENT_WRITE && events !== (EVENT_READ | EVENT_WRITE)) {
    throw new RangeError(`Invalid events: ${String(events)}`);
  }
}

/** The keys of a selector, live and read-only: looked up by object or descriptor; iterates over descriptors. */
export class SelectorMap<Data = unknown> implements Iterable<number> {
  readonly #keys: ReadonlyMap<number, SelectorKey<Data>>;

  constructor(keys: ReadonlyMap<number, SelectorKey<Data>>) {
    this.#keys = keys;
  }

  /** How many are registered. */
  get size(): number {
    return this.#keys.size;
  }

  /** The key of a descriptor or object; undefined where it is not registered. */
  get(fileobj: Waitable): SelectorKey<Data> | undefined {
    return lookUp(this.#keys, fileobj);
  }

  /** Whether a descriptor or object is registered. */
  has(fileobj: Waitable): boolean {
    return this.get(fileobj) !== undefined;
  }

  /** The descriptors, in the order in which they were registered. */
  keys(): IterableIterator<number> {
    return this.#keys.keys();
  }

  /** The keys, in that order. */
  values(): IterableIterator<SelectorKey<Data>> {
    return this.#keys.values();
  }

  /** Pairs of both. */
  entries(): IterableIterator<[number, SelectorKey<Data>]> {
    return this.#keys.entries();
  }

  [Symbol.iterator](): IterableIterator<number> {
    return this.keys();
  }
}

/** By descriptor; and for an object that has been closed since, which no longer knows its own, by identity. */
function lookUp<Data>(
  keys: ReadonlyMap<number, SelectorKey<Data>>,
  fileobj: Waitable,
): SelectorKey<Data> | undefined {
  const fd = integerFileno(fileobj);
  if (fd >= 0) return keys.get(fd);
  for (const key of keys.values()) if (key.fileobj === fileobj) return key;
  if (typeof fileobj === 'number') throw new RangeError(`Invalid file descriptor: ${fd}`);
  return undefined;
}

/**
 * Waits for many descriptors, each registered once with the events that it is waited for and with data of its
 * own. The mechanism is the subclass's.
 *
 * @see Python's selectors.BaseSelector
 */
export abstract class BaseSelector<Data = unknown> implements Disposable {
  readonly #keys = new Map<number, SelectorKey<Data>>();
  readonly #map = new SelectorMap<Data>(this.#keys);
  #closed = false;

  /** The call that waits, for error messages. */
  protected abstract readonly syscall: string;
  /** How many events the kernel may report of one key: kqueue tells reading and writing apart. */
  protected readonly eventsOfKey: number = 1;
  /** What the last wait has found: descriptor and events in turn. */
  protected ready: Int32Array = new Int32Array(128);

  /** Begins to watch a descriptor: 0, or a negative errno where the system does not take it. */
  protected abstract watch(fd: number, events: number): number;
  /** Changes what a descriptor is watched for: 0, or a negative errno, and then all is as it was. */
  protected abstract rewatch(fd: number, events: number, before: number): number;
  /** Stops watching a descriptor, which may have been closed in the meantime. */
  protected abstract unwatch(fd: number, events: number): void;
  /** One system call. The number of those in `ready`, or a negative errno; null waits for ever. */
  protected abstract wait(timeout: number | null): number;

  /**
   * Registers a descriptor, or an object that has one.
   *
   * @param events EVENT_READ, EVENT_WRITE or both
   * @param data comes back with the key
   * @throws RangeError, TypeError for bad events and bad objects; Error `ERR_ALREADY_REGISTERED`,
   *   `ERR_SELECTOR_CLOSED`; OSError where the system does not take the descriptor
   */
  register(fileobj: Waitable, events: number, data: Data = null as Data): SelectorKey<Data> {
    this.#open();
    checkEvents(events);
    const fd = fdOf(fileobj);
    if (this.#keys.has(fd)) {
      throw misuse('ERR_ALREADY_REGISTERED', `${shown(fileobj)} (FD ${fd}) is already registered`);
    }
    const result = this.watch(fd, events);
    if (result < 0) throw new OSError(result, this.syscall, { fd });
    const key = new SelectorKey(fileobj, fd, events, data);
    this.#keys.set(fd, key);
    return key;
  }

  /**
   * Forgets a descriptor or object, which may have been closed in the meantime.
   *
   * @returns its key
   * @throws Error `ERR_NOT_REGISTERED`
   */
  unregister(fileobj: Waitable): SelectorKey<Data> {
    const key = this.getKey(fileobj);
    this.#keys.delete(key.fd);
    this.unwatch(key.fd, key.events);
    return key;
  }

  /**
   * Changes the events, the data, or both. Where that fails, all is as it was.
   *
   * @returns the new key; the old one where nothing has changed
   */
  modify(fileobj: Waitable, events: number, data: Data = null as Data): SelectorKey<Data> {
    const key = this.getKey(fileobj);
    checkEvents(events);
    if (events === key.events && data === key.data) return key;
    const result = events === key.events ? 0 : this.rewatch(key.fd, events, key.events);
    if (result < 0) throw new OSError(result, this.syscall, { fd: key.fd });
    const changed = new SelectorKey(key.fileobj, key.fd, events, data);
    this.#keys.set(key.fd, changed);
    return changed;
  }

  /**
   * Waits until some are ready. EINTR: as `select`, goes on with the time left on a worker thread, throws on the
   * main thread.
   *
   * @param timeout seconds; 0 or below polls; null waits for ever
   * @returns pairs of a key and the events, of those asked for, that it is ready for
   */
  select(timeout: number | null = null): [key: SelectorKey<Data>, events: number][] {
    this.#open();
    if (timeout !== null && (typeof timeout !== 'number' || Number.isNaN(timeout))) {
      throw new TypeError('timeout must be a number or null');
    }
    if (timeout !== null && timeout >= TIME_T_END_S)
      throw new RangeError(`timeout out of range (${timeout})`);
    if (this.ready.length < 2 * this.eventsOfKey * this.#keys.size)
      this.ready = new Int32Array(4 * this.eventsOfKey * this.#keys.size);
    const timeoutS = timeout && Math.max(0, timeout);
    const deadline = deadlineMs(timeoutS);
    let count = this.wait(timeoutS);
    while (isToRetry(count)) count = this.wait(leftS(timeoutS, deadline));
    if (count < 0) throw failureOn(this.#keys.keys(), count, this.syscall);

    const ready: [SelectorKey<Data>, number][] = [];
    for (let i = 0; i < 2 * count; i += 2) {
      const key = this.#keys.get(this.ready[i] as number);
      const events = key ? (this.ready[i + 1] as number) & key.events : 0;
      if (key && events !== 0) ready.push([key, events]);
    }
    return ready;
  }

  /**
   * The key of a registered descriptor or object.
   *
   * @throws Error `ERR_NOT_REGISTERED`, `ERR_SELECTOR_CLOSED`
   */
  getKey(fileobj: Waitable): SelectorKey<Data> {
    this.#open();
    const key = lookUp(this.#keys, fileobj);
    if (!key) throw misuse('ERR_NOT_REGISTERED', `${shown(fileobj)} is not registered`);
    return key;
  }

  /** All keys, live and read-only; null once the selector is closed. */
  getMap(): SelectorMap<Data> | null {
    return this.#closed ? null : this.#map;
  }

  /** Forgets all; what was registered stays open. Closing again does nothing. */
  close(): void {
    this.#closed = true;
    this.#keys.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): void {
    if (this.#closed) throw misuse('ERR_SELECTOR_CLOSED', 'the selector is closed');
  }
}

/** The events in what poll and epoll report. A hang-up or an error is neither IN nor OUT: it counts as both. */
export function eventsOf(revents: number, IN: number, OUT: number): number {
  return (revents & ~OUT ? EVENT_READ : 0) | (revents & ~IN ? EVENT_WRITE : 0);
}

/** The events as poll and epoll take them. */
export function bitsOf(events: number, IN: number, OUT: number): number {
  return (events & EVENT_READ ? IN : 0) | (events & EVENT_WRITE ? OUT : 0);
}

/** A selector whose kernel side is a descriptor itself. */
export abstract class KernelSelector<Data> extends BaseSelector<Data> {
  readonly #own: OwnFd;

  /** @throws OSError ENOSYS where the platform does not have it; EMFILE */
  constructor(create: (() => number) | undefined, syscall: string) {
    super();
    const fd = create ? create() : -errno.ENOSYS;
    if (fd < 0) throw new OSError(fd, syscall);
    this.#own = new OwnFd(this, fd, `selectors.${this.constructor.name}`);
  }

  /** The selector's own descriptor: readable when something is ready. -1 once it is closed. */
  fileno(): number {
    return this.#own.fd;
  }

  override close(): void {
    this.#own.close();
    super.close();
  }
}
