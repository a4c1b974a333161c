/** Where we want to be: ratios of ours to theirs, in one run. */
import { max, median, min } from 'simple-statistics';
import type { Cell, Sample } from './benchmarks.js';
import { PEERS, type Peer } from './peers.js';

export interface Ratio {
  ratio: number;
  /** of the trials, each with its neighbour */
  min: number;
  max: number;
}

export interface Goal {
  ours: Peer;
  theirs: Peer;
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

const calls = (ours: Peer, theirs: Peer, goals: Record<number, number>): Goal[] =>
  Object.entries(goals).map(([fds, atMost]) => ({
    ours,
    theirs,
    benchmark: 'call',
    value: 'ns',
    of: `time, ${fds} fds, ready one`,
    cells: READY.map((ready) => [ready, { fds: Number(fds), ready }]),
    atMost,
  }));

const echoes = (ours: Peer, theirs: Peer, goal: Pick<Goal, 'atMost' | 'atLeast'>, value = 'rate'): Goal => ({
  ours,
  theirs,
  benchmark: 'echo',
  value,
  of: value === 'rate' ? 'throughput, connections' : 'CPU a message, connections',
  cells: [10, 100, 500, 900].map((connections) => [`${connections}`, { connections, size: 64 }]),
  ...goal,
});

export const GOALS: Goal[] = [
  ...calls(PEERS.selectFdSets, PEERS.cSelect, { 4: 1.4, 256: 1.05, 480: 1.05, 1000: 1.05 }),
  ...calls(PEERS.select, PEERS.pythonSelect, { 4: 0.7, 64: 1, 480: 1.15 }),
  ...calls(PEERS.select, PEERS.pythonSelect2, { 4: 0.85, 64: 0.85, 480: 0.85 }),
  ...calls(PEERS.select, PEERS.koffi, { 4: 1, 64: 1, 480: 1 }),
  ...calls(PEERS.select, PEERS.nodeFfi, { 4: 0.5, 64: 0.5, 480: 0.5 }),
  echoes(PEERS.literal, PEERS.net, { atLeast: 2.5 }),
  echoes(PEERS.literal, PEERS.net, { atMost: 0.4 }, 'cpu'),
  echoes(PEERS.literal, PEERS.cSelect, { atLeast: 0.95 }),
  echoes(PEERS.shaped, PEERS.net, { atLeast: 2 }),
  echoes(PEERS.shaped, PEERS.pythonSelect, { atLeast: 1.2 }),
  // What the kernel leaves to be won: nobody's loop is faster than this.
  echoes(PEERS.cEpoll, PEERS.net, {}),
  {
    ours: PEERS.epoll,
    theirs: PEERS.net,
    benchmark: 'many',
    value: 'rate',
    of: 'throughput, connections',
    cells: [['5000', { connections: 5000 }]],
    atLeast: 2,
  },
  {
    ours: PEERS.shaped,
    theirs: PEERS.net,
    benchmark: 'idle',
    value: 'rate',
    of: 'throughput of one, idle ones',
    cells: [
      ['100', { idle: 100 }],
      ['900', { idle: 900 }],
    ],
  },
  {
    ours: PEERS.shaped,
    theirs: PEERS.net,
    benchmark: 'memory',
    value: 'bytes',
    of: 'memory, connections',
    cells: [['900', { connections: 900 }]],
    atMost: 0.25,
  },
];

const sameCell = (a: Cell, b: Cell) => Object.entries(a).every(([name, value]) => b[name] === value);

/** What a trial measured; CPU is the sum of two. */
export function measured({ values }: Pick<Sample, 'values'>, value: string): number {
  if (value === 'cpu') return measured({ values }, 'user') + measured({ values }, 'sys');
  return values[value] ?? Number.NaN;
}

export function samplesOf(samples: Sample[], benchmark: string, peer: Peer, cell: Cell): Sample[] {
  return samples.filter((s) => s.benchmark === benchmark && s.peer === peer.name && sameCell(cell, s.cell));
}

/** The ratio of the medians, with the spread of the trials; null where one side is missing. */
function ratioOf(samples: Sample[], goal: Goal, cell: Cell): Ratio | null {
  const of = (peer: Peer) => samplesOf(samples, goal.benchmark, peer, cell);
  const [ours, theirs] = [of(goal.ours), of(goal.theirs)];
  if (ours.length === 0 || theirs.length === 0) return null;
  const medianOf = (side: Sample[]) => median(side.map((sample) => measured(sample, goal.value)));
  const pairs = ours.flatMap((a) => {
    const b = theirs.find(({ trial }) => trial === a.trial);
    return b ? [measured(a, goal.value) / measured(b, goal.value)] : [];
  });
  return { ratio: medianOf(ours) / medianOf(theirs), min: min(pairs), max: max(pairs) };
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
    const pair = `${goal.ours.name} : ${goal.theirs.name}`;
    const shown = ratios.map(
      ({ name, ratio: { ratio, min, max } }) =>
        `${name}: ${ratio.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`,
    );
    const reached = ratios.filter(({ ratio }) => isReached(goal, ratio)).length;
    const wanted = goal.atMost ? `≤ ${goal.atMost}` : goal.atLeast ? `≥ ${goal.atLeast}` : '';
    const verdict =
      reached === ratios.length ? 'yes' : reached === 0 ? 'no' : `${reached} of ${ratios.length}`;
    return [{ pair, of: goal.of, wanted, ratios: shown, reached: wanted === '' ? '' : verdict }];
  });
}
