/**
 * A recording as a timeline, step by step: a step is a wait with the calls that follow it until the next wait. It
 * runs in Node and, as compiled text, in the page: at run time it imports only set-rows.ts, which is in the page too.
 */
import type { Sets } from '../recording/format.js';
import { SETS, type SetRow, setRows } from '../recording/set-rows.js';

/** A call that waits. */
export interface Wait {
  /** `select`, `poll` … */
  call: string;
  /** seconds from the beginning */
  at: number;
  /** how long it may wait: `waits for ever` */
  timeout: string;
  /** one more than the highest descriptor; 0 where the call has no nfds */
  nfds: number;
  before: Sets;
  /** null where the call has failed */
  after: Sets | null;
  /** `1 ready after 1.204 s` */
  outcome: string;
  /** a sentence for each ready descriptor, or for what else has ended the wait */
  reasons: string[];
}

/** A call as it is shown. */
export interface TimelineCall {
  wait?: Wait;
  /** any other call, in a sentence, where NAME stands for its first descriptor and what that is called */
  sentence?: string;
  /** what it has written to stdout or stderr */
  output?: string;
  /** the descriptors that something happens on */
  fds?: number[];
  /** what descriptors are now called; null for one that is closed */
  names?: Record<string, string | null>;
}

/** A recording as it is shown. */
export interface TimelineData {
  /** `select-server 3490` */
  program: string;
  /** when and where it was recorded, and what is wrong with it */
  notes: string[];
  calls: TimelineCall[];
}

/** A timeline by field instead of by call, each set once: compressed, it has a tenth of the size. */
export interface Packed extends Omit<TimelineData, 'calls'> {
  sets: number[][];
  calls: Record<keyof TimelineCall, unknown[]>;
}

/** The index of each set. */
type Places = (number | null)[] | null;

const FIELDS = ['wait', 'sentence', 'output', 'fds', 'names'] as const;

export function packed({ calls, ...timeline }: TimelineData): Packed {
  const sets: number[][] = [];
  const known = new Map<string, number>();
  const place = (fds: number[] | null) => {
    if (fds === null) return null;
    const key = fds.join();
    const at = known.get(key) ?? sets.push(fds) - 1;
    known.set(key, at);
    return at;
  };
  const places = (of: Sets | null): Places => of && SETS.map((set) => place(of[set]));
  const waits = calls.map(({ wait }) =>
    wait ? { ...wait, before: places(wait.before), after: places(wait.after) } : null,
  );
  const columns = FIELDS.map((field) => [field, calls.map((call) => call[field] ?? null)]);
  return { ...timeline, sets, calls: { ...Object.fromEntries(columns), wait: waits } };
}

export function unpacked({ calls, sets, ...timeline }: Packed): TimelineData {
  const setsAt = (places: Places) =>
    places && Object.fromEntries(SETS.map((set, i) => [set, sets[places[i] ?? -1] ?? null]));
  for (const wait of calls.wait as (Record<string, unknown> | null)[]) {
    if (wait) wait.before = setsAt(wait.before as Places);
    if (wait) wait.after = setsAt(wait.after as Places);
  }
  const call = (_: unknown, i: number) =>
    Object.fromEntries(
      FIELDS.flatMap((field) => (calls[field][i] === null ? [] : [[field, calls[field][i]]])),
    );
  return { ...timeline, calls: calls.fds.map(call) };
}

/** A row of the table of descriptors. */
export interface Row {
  fd: number;
  /** what it was called at the wait; null where it was not open yet, or nameless */
  name: string | null;
  /** what it was called at the step's end, where that has changed; null for closed */
  then?: string | null;
  /** what is waited for on it, in words */
  waits: Purpose[];
  /** what of it is ready */
  ready: Purpose[];
}

export type Purpose = 'read' | 'write' | 'urgent';

export interface Step {
  /** from 1 */
  number: number;
  /** without one: what the program does before its first wait */
  wait?: Wait;
  bits: SetRow[];
  /** by descriptor; where there are many, those that something happens on come first */
  table: Row[];
  /** the calls that follow, a sentence each */
  sentences: string[];
  /** what the program has printed by the end of the step, its last part */
  output: string;
  /** how much of that is the step's own */
  printed: number;
}

/** Stands for a descriptor's name: no text that is shown has this character. */
export const NAME = '\0';

/** Characters of the output that a step shows. */
const MAX_OUTPUT_CHARS = 4000;

/** Rows of the table that are in the order of their descriptors. */
const MAX_ORDERED_ROWS = 16;

const PURPOSES = { readfds: 'read', writefds: 'write', exceptfds: 'urgent' } as const;

/** `listener`, `127.0.0.1:50312, closed`, `127.0.0.1:50312, then Alice` */
export function stateOf({ name, then }: Row): string {
  if (then === undefined) return name ?? '';
  if (then === null) return `${name}, closed`;
  return name === null ? `${then}, new` : `${name}, then ${then}`;
}

/** Notes once where each step begins, so that a step of a long timeline is shown as fast as one of a short. */
export class Timeline {
  readonly program: string;
  readonly notes: string[];
  readonly #calls: TimelineCall[];
  /** The place of each step's first call. */
  readonly #begins: number[] = [];
  /** What has been printed by the end of each step: up to there in the whole output. */
  readonly #printed: number[] = [];
  readonly #output: string;
  /** What each descriptor was called, and from which call on. */
  readonly #names = new Map<number, { from: number[]; names: (string | null)[] }>();
  /** The steps in which something happens on a descriptor. */
  readonly #happens = new Map<number, number[]>();

  constructor({ program, notes, calls }: TimelineData) {
    this.program = program;
    this.notes = notes;
    this.#calls = calls;
    const output: string[] = [];
    let printed = 0;
    for (const [n, call] of calls.entries()) {
      if (call.wait || n === 0) this.#begins.push(n);
      const step = this.#begins.length;
      for (const [fd, name] of Object.entries(call.names ?? {})) this.#learn(Number(fd), n, name);
      for (const fd of call.fds ?? []) this.#note(fd, step);
      if (call.output) {
        output.push(call.output);
        printed += call.output.length;
      }
      this.#printed[step - 1] = printed;
    }
    this.#output = output.join('');
  }

  /** How many steps there are. */
  get length(): number {
    return this.#begins.length;
  }

  /** The descriptors that something happens on, in ascending order. */
  get fds(): number[] {
    return [...this.#happens.keys()].sort((a, b) => a - b);
  }

  /** @param number from 1 */
  step(number: number): Step {
    const begin = this.#begins[number - 1] ?? 0;
    const end = this.#begins[number] ?? this.#calls.length;
    const calls = this.#calls.slice(begin, end);
    const wait = calls[0]?.wait;
    const printed = this.#printed[number - 1] ?? 0;
    const from = Math.max(0, printed - MAX_OUTPUT_CHARS);
    return {
      number,
      wait,
      bits: wait ? setRows(wait.call, wait.before, wait.after) : [],
      table: this.#table(wait, wait ? begin : end - 1, end - 1),
      sentences: calls.flatMap((call, i) => this.#sentence(call, begin + i) ?? []),
      output: this.#output.slice(from, printed),
      printed: Math.min(printed - (this.#printed[number - 2] ?? 0), printed - from),
    };
  }

  /** The next step, or the one before, in which something happens on a descriptor; undefined for none. */
  next(fd: number, number: number, direction: 1 | -1): number | undefined {
    const steps = this.#happens.get(fd) ?? [];
    const at = search(steps, direction === 1 ? number : number - 1);
    return direction === 1 ? steps[at] : steps[at - 1];
  }

  #learn(fd: number, from: number, name: string | null): void {
    const history = this.#names.get(fd) ?? { from: [], names: [] };
    history.from.push(from);
    history.names.push(name);
    this.#names.set(fd, history);
  }

  #note(fd: number, step: number): void {
    const steps = this.#happens.get(fd) ?? [];
    if (steps.at(-1) !== step) steps.push(step);
    this.#happens.set(fd, steps);
  }

  /** What a descriptor was called after a call. */
  #nameAt(fd: number, call: number): string | null {
    const history = this.#names.get(fd);
    return history?.names[search(history.from, call) - 1] ?? null;
  }

  #sentence({ sentence, fds: [fd] = [] }: TimelineCall, call: number): string | undefined {
    if (fd === undefined) return sentence;
    const name = this.#nameAt(fd, call - 1);
    return sentence?.replace(NAME, () => (name === null ? `fd ${fd}` : `${fd} ${name}`));
  }

  #table(wait: Wait | undefined, begin: number, end: number): Row[] {
    const rows = new Map<number, Row>();
    for (const fd of this.#names.keys()) {
      const name = this.#nameAt(fd, begin);
      const then = this.#nameAt(fd, end);
      if (name !== null || then !== null)
        rows.set(fd, { fd, name, ...(then !== name && { then }), waits: [], ready: [] });
    }
    for (const set of SETS) {
      for (const fd of wait?.before[set] ?? []) {
        const row = rows.get(fd) ?? { fd, name: null, waits: [], ready: [] };
        row.waits.push(PURPOSES[set]);
        rows.set(fd, row);
      }
      for (const fd of wait?.after?.[set] ?? []) rows.get(fd)?.ready.push(PURPOSES[set]);
    }
    const ascending = [...rows.values()].sort((a, b) => a.fd - b.fd);
    if (ascending.length <= MAX_ORDERED_ROWS) return ascending;
    const happens = ({ ready, then }: Row) => ready.length > 0 || then !== undefined;
    return [...ascending.filter(happens), ...ascending.filter((row) => !happens(row))];
  }
}

/** How many numbers of an ascending list are at most a limit. */
function search(numbers: number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
