/** The sets of a wait as rows of bits: what a picture of them draws. Runs in Node and in the page. */
import type { Sets } from './format.js';

export const SETS = ['readfds', 'writefds', 'exceptfds'] as const;

/** A set's names: for select, and for what knows only events. */
const LABELS = { readfds: 'reading', writefds: 'writing', exceptfds: 'urgent' };

/** A set as bits: those before a call, or those after it. */
export interface SetRow {
  /** the set's name; empty for the bits after */
  label: string;
  fds: Set<number>;
  when: 'before' | 'after';
}

/** The sets that a call was given, and what it has left in them. */
export function setRows(call: string, before: Sets, after: Sets | null): SetRow[] {
  return SETS.flatMap((set) => {
    if (before[set] === null) return [];
    const label = call === 'select' ? set : LABELS[set];
    const rows: SetRow[] = [{ label, fds: new Set(before[set]), when: 'before' }];
    if (after) rows.push({ label: '', fds: new Set(after[set]), when: 'after' });
    return rows;
  });
}
