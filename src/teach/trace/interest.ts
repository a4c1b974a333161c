/** The sets that the kernel keeps for epoll and kqueue: which events each of them waits for on which descriptor. */

export class Interest {
  readonly #sets = new Map<number, Map<number, number>>();
  /** How often one of the sets has changed. What was made of a set holds as long as this is the same. */
  changes = 0;

  /** Descriptors and events in one set, in the order in which they were added. */
  of(setFd: number): [fd: number, events: number][] {
    return [...(this.#sets.get(setFd) ?? [])];
  }

  /** The events of one descriptor in a set; 0 for none. */
  events(setFd: number, fd: number): number {
    return this.#sets.get(setFd)?.get(fd) ?? 0;
  }

  set(setFd: number, fd: number, events: number): void {
    this.changes++;
    const set = this.#sets.get(setFd) ?? new Map<number, number>();
    this.#sets.set(setFd, set);
    set.set(fd, events);
  }

  remove(setFd: number, fd: number): void {
    this.changes++;
    this.#sets.get(setFd)?.delete(fd);
  }

  /** A closed descriptor leaves all sets; a closed set is gone. */
  closed(fd: number): void {
    if (this.#sets.size === 0) return;
    this.changes++;
    this.#sets.delete(fd);
    for (const set of this.#sets.values()) set.delete(fd);
  }
}
