import { POLLIN, POLLOUT } from '../posix/select-constants.js';
import { sys } from '../posix/sys.js';
import { millisecondsOf } from '../wait.js';
import { BaseSelector, bitsOf, eventsOf } from './base.js';

/**
 * On poll(2): any descriptors.
 *
 * @see man 2 poll; Python's selectors.PollSelector
 */
export class PollSelector<Data = unknown> extends BaseSelector<Data> {
  protected readonly syscall = 'poll';
  /** An array of struct pollfd: the descriptor, then events in the low half and revents in the high one. */
  #pollfds = new Int32Array(128);
  /** The place of each descriptor in it. */
  readonly #places = new Map<number, number>();

  protected watch(fd: number, events: number): number {
    const place = this.#places.size;
    if (2 * place === this.#pollfds.length) {
      const larger = new Int32Array(2 * this.#pollfds.length);
      larger.set(this.#pollfds);
      this.#pollfds = larger;
    }
    this.#places.set(fd, place);
    this.#pollfds[2 * place] = fd;
    return this.rewatch(fd, events);
  }

  protected rewatch(fd: number, events: number): number {
    const place = this.#places.get(fd) as number;
    this.#pollfds[2 * place + 1] = bitsOf(events, POLLIN, POLLOUT);
    return 0;
  }

  protected unwatch(fd: number): void {
    const place = this.#places.get(fd) as number;
    this.#places.delete(fd);
    // The last one moves into the gap.
    const last = this.#places.size;
    if (place === last) return;
    this.#pollfds.copyWithin(2 * place, 2 * last, 2 * last + 2);
    this.#places.set(this.#pollfds[2 * place] as number, place);
  }

  protected wait(timeout: number | null): number {
    const pollfds = this.#pollfds;
    const count = sys.poll(pollfds, this.#places.size, millisecondsOf(timeout));
    for (let i = 0, n = 0; n < 2 * count; i += 2) {
      const revents = (pollfds[i + 1] as number) >>> 16;
      if (revents === 0) continue;
      this.ready[n++] = pollfds[i] as number;
      this.ready[n++] = eventsOf(revents, POLLIN, POLLOUT);
    }
    return count;
  }
}
