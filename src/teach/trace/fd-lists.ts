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
