/** The arguments and results of a wait: between the addon's memory and the lists of a record. */
import type { Sets } from '../recording/format.js';

/** A descriptor with its events. */
export type FdEvents = [fd: number, events: number];

/** The descriptors of a list, up to its first negative number; null for none. */
export function listedFds(list: Int32Array | null): number[] | null {
  if (list === null) return null;
  const end = list.findIndex((fd) => fd < 0);
  return end === 0 || list.length === 0 ? null : [...(end < 0 ? list : list.subarray(0, end))];
}

/** The descriptors as the words of an fd_set that has room for `size` of them. */
export function fdSetWords(fds: number[], size: number): Int32Array {
  const words = new Int32Array(size / 32);
  for (const fd of fds) words[fd >> 5] = (words[fd >> 5] ?? 0) | (1 << fd);
  return words;
}

/** Whether a descriptor is in an fd_set. */
export function isIn(words: Int32Array, fd: number): boolean {
  return ((words[fd >> 5] ?? 0) & (1 << fd)) !== 0;
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
  return Array.from({ length: count }, (_, i) => [memory[2 * i] ?? -1, memory[2 * i + 1] ?? 0]);
}

/** Descriptors and their events, in select's terms. */
export function eventSets(events: FdEvents[], IN: number, OUT: number): Sets {
  const fdsWith = (event: number) => {
    const fds = events.filter(([, events]) => events & event).map(([fd]) => fd);
    return fds.length > 0 ? fds.sort((a, b) => a - b) : null;
  };
  return { readfds: fdsWith(IN), writefds: fdsWith(OUT), exceptfds: null };
}

/** As `eventSets`; a hang-up or an error counts as each event that was asked for. */
export function readySets(ready: FdEvents[], asked: FdEvents[], IN: number, OUT: number): Sets {
  const askedEvents = new Map(asked);
  const events = ready.map(([fd, events]): FdEvents => {
    const isOnlyInOrOut = (events & ~(IN | OUT)) === 0;
    return [fd, isOnlyInOrOut ? events : events | (askedEvents.get(fd) ?? 0)];
  });
  return eventSets(events, IN, OUT);
}
