/** Where we want to be: ratios of ours to theirs, in one run. */
import { max, median, min } from 'simple-statistics';
import type { Cell, Sample } from './benchmarks.js';

export interface Ratio {
  ratio: number;
  /** of the trials, each with its neighbour */
  least: number;
  most: number;
}

export interface Goal {
  ours: string;
  theirs: string;
  benchmark: string;
  value: string;
  /** What the value is, in words. */
  of: string;
  /** Where it is measured, by a short name. */
  cells: [name: string, cell: Cell][];
  /** The ratio is to be at most, or at least, this; with neither it is only reported. */
  atMost?: number;
  atLeast?: number;
}

const READY = ['first', 'random', 'last'];

const calls = (ours: string, theirs: string, goals: Record<number, number>): Goal[] =>
  Object.entries(goals).map(([fds, atMost]) => ({
    ours,
    theirs,
    benchmark: 'call',
    value: 'ns',
    of: `time, ${fds} fds, ready one`,
    cells: READY.map((ready) => [ready, { fds: Number(fds), ready }]),
    atMost,
  }));

const echoes = (
  ours: string,
  theirs: string,
  goal: Pick<Goal, 'atMost' | 'atLeast'>,
  value = 'rate',
): Goal => ({
  ours,
  theirs,
  benchmark: 'echo',
  value,
  of: value === 'rate' ? 'throughput, connections' : 'CPU a message, connections',
  cells: [10, 100, 500, 900].map((connections) => [`${connections}`, { connections, size: 64 }]),
  ...goal,
});

export const GOALS: Goal[] = [
  ...calls('selectFdSets', 'C select', { 4: 1.4, 256: 1.05, 480: 1.05, 1000: 1.05 }),
  ...calls('select()', 'CPython select', { 4: 0.7, 64: 1, 480: 1.15 }),
  ...calls('select()', 'CPython select, 2 threads', { 4: 0.85, 64: 0.85, 480: 0.85 }),
  ...calls('select()', 'koffi', { 4: 1, 64: 1, 480: 1 }),
  ...calls('select()', 'node:ffi', { 4: 0.5, 64: 0.5, 480: 0.5 }),
  echoes('literal loop', 'node:net', { atLeast: 2.5 }),
  echoes('literal loop', 'node:net', { atMost: 0.4 }, 'cpu'),
  echoes('literal loop', 'C select', { atLeast: 0.95 }),
  echoes('Python-shaped loop', 'node:net', { atLeast: 2 }),
  echoes('Python-shaped loop', 'CPython select', { atLeast: 1.2 }),
  // What the kernel leaves to be won: nobody's loop is faster than this.
  echoes('C epoll', 'node:net', {}),
  {
    ours: 'EpollSelector',
    theirs: 'node:net',
    benchmark: 'many',
    value: 'rate',
    of: 'throughput, connections',
    cells: [['5000', { connections: 5000 }]],
    atLeast: 2,
  },
  {
    ours: 'Python-shaped loop',
    theirs: 'node:net',
    benchmark: 'idle',
    value: 'rate',
    of: 'throughput of one, idle ones',
    cells: [
      ['100', { idle: 100 }],
      ['900', { idle: 900 }],
    ],
  },
  {
    ours: 'Python-shaped loop',
    theirs: 'node:net',
    benchmark: 'memory',
    value: 'bytes',
    of: 'memory, connections',
    cells: [['900', { connections: 900 }]],
    atMost: 0.25,
  },
];

const sameCell = (a: Cell, b: Cell) => Object.entries(a).every(([name, value]) => b[name] === value);

/** What a trial measured; CPU is the sum of two. */
export function measured({ values }: Sample, value: string): number {
  return value === 'cpu' ? values.user + values.sys : values[value];
}

export function samplesOf(samples: Sample[], benchmark: string, peer: string, cell: Cell): Sample[] {
  return samples.filter((s) => s.benchmark === benchmark && s.peer === peer && sameCell(cell, s.cell));
}

/** The ratio of the medians, with the spread of the trials; null where one side is missing. */
function ratioOf(samples: Sample[], goal: Goal, cell: Cell): Ratio | null {
  const of = (peer: string) => samplesOf(samples, goal.benchmark, peer, cell);
  const [ours, theirs] = [of(goal.ours), of(goal.theirs)];
  if (ours.length === 0 || theirs.length === 0) return null;
  const medianOf = (side: Sample[]) => median(side.map((sample) => measured(sample, goal.value)));
  const pairs = ours.flatMap((a) => {
    const b = theirs.find(({ trial }) => trial === a.trial);
    return b ? [measured(a, goal.value) / measured(b, goal.value)] : [];
  });
  return { ratio: medianOf(ours) / medianOf(theirs), least: min(pairs), most: max(pairs) };
}

function isReached({ atMost = Infinity, atLeast = 0 }: Goal, { ratio }: Ratio): boolean {
  // As it is shown, so that table and verdict agree.
  const shown = Number(ratio.toFixed(2));
  return shown <= atMost && shown >= atLeast;
}

export interface GoalRow {
  pair: string;
  of: string;
  wanted: string;
  /** with the spread of the trials */
  ratios: string[];
  reached: string;
}

/** The goals' table, as far as it was measured. */
export function goalRows(samples: Sample[]): GoalRow[] {
  return GOALS.flatMap((goal) => {
    const ratios = goal.cells.flatMap(([name, cell]) => {
      const ratio = ratioOf(samples, goal, cell);
      return ratio ? [{ name, ratio }] : [];
    });
    if (ratios.length === 0) return [];
    const pair = `${goal.ours} : ${goal.theirs}`;
    const shown = ratios.map(
      ({ name, ratio: { ratio, least, most } }) =>
        `${name}: ${ratio.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`,
    );
    const reached = ratios.filter(({ ratio }) => isReached(goal, ratio)).length;
    const wanted = goal.atMost ? `≤ ${goal.atMost}` : goal.atLeast ? `≥ ${goal.atLeast}` : '';
    const verdict =
      reached === ratios.length ? 'yes' : reached === 0 ? 'no' : `${reached} of ${ratios.length}`;
    return [{ pair, of: goal.of, wanted, ratios: shown, reached: wanted === '' ? '' : verdict }];
  });
}
