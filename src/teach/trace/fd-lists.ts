/** What a call that waits is given and gives back, between the addon's memory and a record's lists. */
import { sys } from '../../posix/sys.js';
import type { Sets } from '../recording/format.js';

const { FD_SETSIZE } = sys.constants;

/** The descriptors of a list, up to its first negative number; null for none. */
export function begun(list: Int32Array | null): number[] | null {
  if (list === null) return null;
  const end = list.findIndex((fd) => fd < 0);
  return end === 0 || list.length === 0 ? null : [...(end < 0 ? list : list.subarray(0, end))];
}

/** The descriptors as an fd_set. */
export function setOf(fds: number[]): Int32Array {
  const words = new Int32Array(FD_SETSIZE / 32);
  for (const fd of fds) words[fd >> 5] |= 1 << fd;
  return words;
}

/** The descriptors below nfds that an fd_set holds. */
export function members(words: Int32Array | null, nfds: number): number[] | null {
  if (words === null) return null;
  const fds: number[] = [];
  for (let i = 0; i < words.length && i * 32 < nfds; i++) {
    for (let rest = words[i]; rest !== 0; rest &= rest - 1) {
      const fd = i * 32 + 31 - Math.clz32(rest & -rest);
      if (fd < nfds) fds.push(fd);
    }
  }
  return fds;
}

/** Rounded up as in the addon. */
export function timeval(seconds: number): Float64Array {
  const whole = Math.floor(seconds);
  const micros = Math.ceil((seconds - whole) * 1e6);
  return micros >= 1e6 ? Float64Array.of(whole + 1, 0) : Float64Array.of(whole, micros);
}

/** The first pairs in memory. */
export function pairs(memory: Int32Array, count: number): number[][] {
  return Array.from({ length: count }, (_, i) => [memory[2 * i], memory[2 * i + 1]]);
}

/** Descriptors and their events, in select's terms. */
export function setsOf(events: number[][], IN: number, OUT: number): Sets {
  const having = (event: number) => {
    const fds = events.filter(([, events]) => events & event).map(([fd]) => fd);
    return fds.length > 0 ? fds.sort((a, b) => a - b) : null;
  };
  return { readfds: having(IN), writefds: having(OUT), exceptfds: null };
}

/** As `setsOf`, where a hang-up or an error is whatever was asked for. */
export function readySets(ready: number[][], asked: number[][], IN: number, OUT: number): Sets {
  const all = new Map(asked as [number, number][]);
  const events = ready.map(([fd, events]) => [
    fd,
    events & ~(IN | OUT) ? (all.get(fd) ?? 0) | events : events,
  ]);
  return setsOf(events, IN, OUT);
}
