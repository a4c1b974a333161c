/**
 * A recording as a story: waits, and the calls that follow each. It runs in Node and, as compiled text, in the page;
 * so it imports nothing at run time. Numbers stand in columns, and each text once: 100,000 calls open at once.
 */

/** A descriptor from its opening to its close: a number may be another's later. */
export interface Life {
  fd: number;
  /** its last name; a replay knows it from the beginning */
  name: string;
  /** its peer's address, where the story calls it by the port alone */
  address?: string;
  kind: LifeKind;
  /** the calls that open and close it: -1 for before the first, null for never */
  from: number;
  to: number | null;
  /** the call from which it had a name that a user chose */
  namedBy?: number;
}

export type LifeKind = 'listener' | 'conn' | 'stdin' | 'output' | 'stop' | 'other';

/** The columns of the calls, in this order; texts are places in `texts`, times microseconds. */
export const CALL_COLUMNS = [
  'name',
  'gap', // from the call before
  'took',
  'life', // the descriptor it is made on; -1 for none
  'other', // the descriptor that it makes, or puts on a list; -1 for none
  'result',
  'errno', // 0 for none
  'length',
  'text', // its data as text, or the whole call as strace shows it
  'wait', // its place among the waits; -1 for none
] as const;

/** The columns of the waits; sets are places in `sets` plus 1, and 0 for none. */
export const WAIT_COLUMNS = [
  'kind',
  'timeout', // microseconds; -1 for ever
  'nfds',
  'readAsked',
  'writeAsked',
  'exceptAsked',
  'readReady',
  'writeReady',
  'exceptReady',
  'reasons',
  'isUnfinished',
] as const;

export type CallColumn = (typeof CALL_COLUMNS)[number];
export type WaitColumn = (typeof WAIT_COLUMNS)[number];

/** How a wait asks: with sets or an array of descriptors, by a list that the kernel keeps, about one descriptor alone. */
export const WAIT_KINDS = ['sets', 'list', 'one'] as const;
export type WaitKind = (typeof WAIT_KINDS)[number];

export interface StoryData {
  /** `select-server 3490` */
  program: string;
  /** when and where it was recorded, and what is missing in it */
  notes: string[];
  /** the recording has no times, the order alone */
  isUntimed: boolean;
  /** the program runs on: this is what has come of it up to now */
  isLive?: boolean;
  texts: string[];
  lives: Life[];
  sets: number[][];
  calls: number[][];
  waits: number[][];
  /** of each wait: its lives (-1 for none), the sets (0 read, 1 write, 2 except), the texts */
  reasons: [life: number, set: number, text: number][][];
  /** a teacher's words beside a wait, by its number */
  comments?: Record<number, string>;
}

/** Lives by set; null for a set that was not given. */
export interface LifeSets {
  read: number[] | null;
  write: number[] | null;
  except: number[] | null;
}

export const SET_NAMES = ['read', 'write', 'except'] as const;
/** The names of the sets in C. */
export const FD_SETS = { read: 'readfds', write: 'writefds', except: 'exceptfds' } as const;
export type SetName = (typeof SET_NAMES)[number];

export interface StoryReason {
  /** -1 for none */
  life: number;
  set: SetName | null;
  text: string;
}

export interface StoryWait {
  /** `select`, `epoll_wait`, `accept` … */
  call: string;
  kind: WaitKind;
  /** seconds */
  at: number;
  took: number;
  /** seconds; null waits for ever */
  timeout: number | null;
  nfds: number;
  result: number;
  errno: string;
  isUnfinished: boolean;
  asked: LifeSets;
  ready: LifeSets;
  reasons: StoryReason[];
}

export interface StoryCall {
  name: string;
  /** seconds */
  at: number;
  took: number;
  life: number;
  other: number;
  result: number;
  errno: string;
  length: number;
  text: string;
}

/** A wait with the calls that follow it, up to the next wait. Step 0 is what comes before the first wait. */
export interface StoryStep {
  number: number;
  wait: StoryWait | null;
  calls: StoryCall[];
}

/** An address with its port, and no name that a user has chosen. */
export const ADDRESS = /^(\[[\d.:a-f]+\]|[\d.:a-f]+):(\d+)$/;

const EMPTY: LifeSets = { read: null, write: null, except: null };

export class Story {
  readonly data: StoryData;
  /** The call of each step's wait; that of step 0 is the first call. */
  readonly #begins: number[] = [0];
  /** Seconds, by call. */
  readonly #at: Float64Array;
  /** The steps in which something happens on a life. */
  readonly #happens: number[][];
  /** The hosts of the peers, by port. */
  readonly #hosts = new Map<string, Set<string>>();
  #asleep: number | undefined;

  constructor(data: StoryData) {
    this.data = data;
    const gaps = this.#column('gap');
    const waits = this.#column('wait');
    this.#at = new Float64Array(gaps.length);
    this.#happens = data.lives.map(() => []);
    for (const life of data.lives) {
      const [, host, port] = addressOf(life);
      if (host && port) this.#hosts.set(port, (this.#hosts.get(port) ?? new Set()).add(host));
    }
    let micros = 0;
    for (let i = 0; i < gaps.length; i++) {
      micros += gaps[i] ?? 0;
      this.#at[i] = micros / 1e6;
      if ((waits[i] ?? -1) >= 0) this.#begins.push(i);
      this.#note(i, this.#begins.length - 1);
    }
  }

  /** How many waits there are. */
  get length(): number {
    return this.#begins.length - 1;
  }

  /** The step that it opens on: the first wait; the set-up where the program never waits. */
  get first(): number {
    return Math.min(1, this.length);
  }

  /** Seconds from the first call to the end of the last one. */
  get seconds(): number {
    const last = this.#at.length - 1;
    return Math.max(0, (this.#at[last] ?? 0) + this.#cell('took', last) / 1e6 - (this.#at[0] ?? 0));
  }

  get beginsAt(): number {
    return this.#at[0] ?? 0;
  }

  step(number: number): StoryStep {
    const begin = this.#begins[number] ?? 0;
    const end = this.#begins[number + 1] ?? this.#at.length;
    const from = number === 0 ? begin : begin + 1;
    const calls: StoryCall[] = [];
    for (let i = from; i < end; i++) calls.push(this.call(i));
    return { number, wait: this.wait(number), calls };
  }

  /** The first and the last call of a step: places among the calls. */
  range(number: number): [first: number, end: number] {
    return [this.#begins[number] ?? 0, this.#begins[number + 1] ?? this.#at.length];
  }

  /** The step that a call is in. */
  stepOf(call: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#begins[middle] ?? 0) <= call) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** How many calls there are, the waits among them. */
  get calls(): number {
    return this.#at.length;
  }

  wait(number: number): StoryWait | null {
    if (number < 1 || number > this.length) return null;
    const i = this.#begins[number] ?? 0;
    const w = this.#cell('wait', i);
    const cell = (column: WaitColumn) => this.data.waits[WAIT_COLUMNS.indexOf(column)]?.[w] ?? 0;
    const set = (column: WaitColumn) => {
      const place = cell(column);
      return place === 0 ? null : (this.data.sets[place - 1] ?? []);
    };
    const call = this.call(i);
    const timeout = cell('timeout');
    const hasFailed = call.errno !== '' || cell('isUnfinished') === 1;
    return {
      call: call.name,
      kind: WAIT_KINDS[cell('kind')] ?? 'sets',
      at: call.at,
      took: call.took,
      timeout: timeout < 0 ? null : timeout / 1e6,
      nfds: cell('nfds'),
      result: call.result,
      errno: call.errno,
      isUnfinished: cell('isUnfinished') === 1,
      asked: { read: set('readAsked'), write: set('writeAsked'), except: set('exceptAsked') },
      ready: hasFailed
        ? EMPTY
        : { read: set('readReady'), write: set('writeReady'), except: set('exceptReady') },
      reasons: (this.data.reasons[cell('reasons')] ?? []).map(([life, place, text]) => ({
        life,
        set: SET_NAMES[place] ?? null,
        text: this.data.texts[text] ?? '',
      })),
    };
  }

  call(i: number): StoryCall {
    const text = (column: CallColumn) => this.data.texts[this.#cell(column, i)] ?? '';
    return {
      name: text('name'),
      at: this.#at[i] ?? 0,
      took: this.#cell('took', i) / 1e6,
      life: this.#cell('life', i),
      other: this.#cell('other', i),
      result: this.#cell('result', i),
      errno: text('errno'),
      length: this.#cell('length', i),
      text: text('text'),
    };
  }

  /** When a wait began, in seconds; the end of the story for one that is past the last. */
  at(number: number): number {
    const begin = this.#begins[number];
    return begin === undefined ? this.beginsAt + this.seconds : (this.#at[begin] ?? 0);
  }

  /** Seconds that a wait took. */
  took(number: number): number {
    return this.#cell('took', this.#begins[number] ?? 0) / 1e6;
  }

  /** A descriptor by its name. A peer without one is `port 43848`, unless another host's peer has the same port. */
  life(life: number): Life {
    const found = this.data.lives[life];
    if (!found) return { fd: -1, name: '?', kind: 'other', from: -1, to: null };
    const [address, , port] = addressOf(found);
    if (!address || !port || this.#hosts.get(port)?.size !== 1) return found;
    return { ...found, name: `port\u00a0${port}`, address };
  }

  /** The next step, or the one before, in which something happens on a life; undefined for none. */
  next(life: number, number: number, direction: 1 | -1): number | undefined {
    const steps = this.#happens[life] ?? [];
    return direction === 1 ? steps.find((step) => step > number) : steps.findLast((step) => step < number);
  }

  /** Whether a life is open in a step, not yet, or no more. */
  state(life: number, number: number): 'open' | 'not yet' | 'gone' {
    const { from, to } = this.life(life);
    const [first, end] = this.range(number);
    if (from >= end) return 'not yet';
    return to !== null && to < first ? 'gone' : 'open';
  }

  /** Share of the time that the program sleeps in its waits, from 0 to 1. */
  get asleep(): number {
    if (this.#asleep !== undefined) return this.#asleep;
    let took = 0;
    for (let number = 1; number <= this.length; number++) took += this.took(number);
    this.#asleep = this.seconds > 0 ? Math.min(1, took / this.seconds) : 0;
    return this.#asleep;
  }

  #note(i: number, step: number): void {
    const add = (life: number) => {
      const steps = this.#happens[life];
      if (steps && steps.at(-1) !== step) steps.push(step);
    };
    const wait = this.#cell('wait', i);
    if (wait < 0) {
      add(this.#cell('life', i));
      add(this.#cell('other', i));
      return;
    }
    const reasons = this.data.waits[WAIT_COLUMNS.indexOf('reasons')]?.[wait] ?? 0;
    for (const [life] of this.data.reasons[reasons] ?? []) add(life);
  }

  #column(column: CallColumn): number[] {
    return this.data.calls[CALL_COLUMNS.indexOf(column)] ?? [];
  }

  #cell(column: CallColumn, i: number): number {
    return this.data.calls[CALL_COLUMNS.indexOf(column)]?.[i] ?? 0;
  }
}

/** The address that is a descriptor's name, its host and its port; empty where the name is none. */
function addressOf({ name, namedBy }: Life): string[] {
  return (namedBy === undefined && ADDRESS.exec(name)) || [];
}
