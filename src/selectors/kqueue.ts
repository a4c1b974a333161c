import { EV_ADD, EV_DELETE, EVFILT_READ, EVFILT_WRITE } from '../posix/call-constants.js';
import { sys } from '../posix/sys.js';
import { EVENT_READ, EVENT_WRITE, KernelSelector } from './base.js';

/**
 * On kqueue(2), macOS's: any descriptors, at a cost that does not grow with their number.
 *
 * @see man 2 kqueue; Python's selectors.KqueueSelector
 */
export class KqueueSelector<Data = unknown> extends KernelSelector<Data> {
  protected readonly syscall = 'kevent';
  protected override readonly eventsOfKey = 2;

  constructor() {
    super(sys.kqueue, 'kqueue');
  }

  protected watch(fd: number, events: number): number {
    return this.rewatch(fd, events, 0);
  }

  protected rewatch(fd: number, events: number, before: number): number {
    const result = this.#change(fd, events & ~before, EV_ADD);
    if (result < 0) this.#change(fd, events & ~before, EV_DELETE);
    else this.#change(fd, before & ~events, EV_DELETE);
    return result;
  }

  protected unwatch(fd: number, events: number): void {
    this.#change(fd, events, EV_DELETE);
  }

  protected wait(timeout: number | null): number {
    const count = sys.kevent_wait(this.fileno(), this.ready, timeout);
    // Reading and writing come as an event each: they are put together.
    const events = new Map<number, number>();
    for (let i = 0; i < 2 * count; i += 2) {
      const event = this.ready[i + 1] === EVFILT_READ ? EVENT_READ : EVENT_WRITE;
      const fd = this.ready[i] as number;
      events.set(fd, (events.get(fd) ?? 0) | event);
    }
    if (count > 0) this.ready.set([...events].flat());
    return count < 0 ? count : events.size;
  }

  /** Each event is a filter of its own. */
  #change(fd: number, events: number, flag: number): number {
    const kq = this.fileno();
    const read = events & EVENT_READ ? sys.kevent_change(kq, fd, EVFILT_READ, flag) : 0;
    const write = events & EVENT_WRITE ? sys.kevent_change(kq, fd, EVFILT_WRITE, flag) : 0;
    return Math.min(read, write);
  }
}
