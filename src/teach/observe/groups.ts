/** Threads that have something in common. */
import type { ThreadState } from './snapshot.js';

export type Group<T> = [T, ...T[]];

export function groupsOf<T>(items: T[], key: (item: T) => string): Group<T>[] {
  const groups = new Map<string, Group<T>>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return [...groups.values()];
}

/** The process of a thread: `python3 4711`. */
export const nameOf = ({ process: { name, pid } }: ThreadState) => `${name} ${pid}`;
