/** The arguments and results of a wait: between the addon's memory and the lists of a record. */
import type { Sets } from '../recording/format.js';

/** A descriptor with its events. */
export type FdEvents = [fd: number, events: number];

/** One of select()'s lists as an fd_set. Its memory serves each call: new memory would take longer than the call. */
export class ListedSet {
  readonly #words: Int32Array;
  #list: Int32Array | null = null;
  #length = 0;

  /** @param size the descriptors that the fd_set has room for: they are below it */
  constructor(size: number) {
    this.#words = new Int32Array(size / 32);
  }

  /** The fd_set; null for no list, and for an empty one. */
  get words(): Int32Array | null {
    return this.#length === 0 ? null : this.#words;
  }

  /**
   * @param list ends with its first negative number
   * @returns the highest descriptor; -1 for none
   */
  fill(list: Int32Array | null): number {
    const words = this.#words;
    words.fill(0);
    this.#list = list;
    let length = 0;
    let highest = -1;
    for (const end = list?.length ?? 0; length < end; length++) {
      const fd = list?.[length] as number;
      if (fd < 0) break;
      const word = fd >> 5;
      if (word < words.length) words[word] = (words[word] as number) | (1 << fd);
      if (fd > highest) highest = fd;
    }
    this.#length = length;
    return highest;
  }

  /** Leaves in the list what is in the fd_set now, in its order; behind it -1, where that is less. */
  keepReady(): void {
    const list = this.#list;
    if (!list) return;
    const words = this.#words;
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      const fd = list[i] as number;
      if ((words[fd >> 5] as number) & (1 << fd)) list[kept++] = fd;
    }
    if (kept < list.length) list[kept] = -1;
  }
}

/** The descriptors below nfds that are in an fd_set. */
export function fdSetMembers(words: Int32Array | null, nfds: number): number[] | null {
  if (words === null) return null;
  const fds: number[] = [];
  for (let i = 0; i < words.length && i * 32 < nfds; i++) {
    for (let rest = words[i] ?? 0; rest !== 0; rest &= rest - 1) {
      const fd = i * 32 + 31 - Math.clz32(rest & -rest);
      if (fd < nfds) fds.push(fd);
    }
  }
  return fds;
}

/** The first pairs in memory. */
export function pairs(memory: Int32Array, count: number): FdEvents[] {
  const found: FdEvents[] = [];
  for (let i = 0; i < count; i++) found.push([memory[2 * i] ?? -1, memory[2 * i + 1] ?? 0]);
  return found;
}

/** Descriptors and their events, in select's terms. */
export function eventSets(events: FdEvents[], IN: number, OUT: number): Sets {
  return { readfds: fdsWith(IN, events), writefds: fdsWith(OUT, events), exceptfds: null };
}

function fdsWith(event: number, events: FdEvents[]): number[] | null {
  const fds: number[] = [];
  for (const [fd, has] of events) if (has & event) fds.push(fd);
  if (fds.length > 1) fds.sort((a, b) => a - b);
  return fds.length > 0 ? fds : null;
}

/**
 * As `eventSets`; a hang-up or an error counts as each event that was asked for.
 *
 * @param ready gets these events in addition
 * @param askedOf the events that a descriptor was asked for
 */
export function readySets(ready: FdEvents[], askedOf: (fd: number) => number, IN: number, OUT: number): Sets {
  for (const event of ready) if (event[1] & ~(IN | OUT)) event[1] |= askedOf(event[0]);
  return eventSets(ready, IN, OUT);
}
