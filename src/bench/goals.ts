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

const VALUES: Record<string, string> = {
  cpu: 'CPU a message, connections',
  rate: 'throughput, connections',
};

type Bound = Pick<Goal, 'atMost' | 'atLeast'>;

const SMALL: Goal['cells'] = [10, 100, 500, 900].map((connections) => [
  `${connections}`,
  { connections, size: 64 },
]);
const LARGE: Goal['cells'] = [['100 of 16 KiB', { connections: 100, size: 16_384 }]];

const echoes = (ours: Peer, theirs: Peer, bound: Bound, value: 'cpu' | 'rate', cells = SMALL): Goal => ({
  ours,
  theirs,
  benchmark: 'echo',
  value,
  of: VALUES[value] as string,
  cells,
  ...bound,
});

const besideIdle = (ours: Peer, bound: Bound): Goal => ({
  ours,
  theirs: PEERS.cSelect,
  benchmark: 'idle',
  value: 'time',
  of: 'time of a message, idle ones',
  cells: [['900', { idle: 900 }]],
  ...bound,
});

const RECORDED: Goal['cells'] = [20, 100].map((connections) => [`${connections}`, { connections }]);

const { recorded, record, strace } = PEERS;
const { literal, shaped, selectFdSets, select, epoll, net, cSelect, cEpoll, pythonSelect, koffi, nodeFfi } =
  PEERS;

/** First CPU time, which a busy neighbour disturbs least. */
export const GOALS: Goal[] = [
  // Ours : C with two threads, which makes the same calls: nothing is left to be won below 1.
  echoes(literal, cSelect, { atMost: 1.05 }, 'cpu'),
  echoes(shaped, cSelect, { atMost: 1.08 }, 'cpu'),
  echoes(literal, cSelect, { atMost: 1.05 }, 'cpu', LARGE),
  echoes(shaped, cSelect, { atMost: 1.05 }, 'cpu', LARGE),
  besideIdle(literal, { atMost: 1.02 }),
  besideIdle(shaped, { atMost: 1.08 }),
  ...calls(selectFdSets, cSelect, { 4: 1.15, 64: 1.03, 256: 1.03, 480: 1.03, 1000: 1.03 }),
  ...calls(select, cSelect, { 4: 1.2, 64: 1.05, 256: 1.05, 480: 1.05, 1000: 1.05 }),
  // Ours : what a user would pick instead.
  echoes(literal, net, {}, 'rate'),
  // The kernel leaves no more than C on epoll wins of node:net.
  echoes(literal, cEpoll, { atLeast: 0.95 }, 'rate'),
  echoes(shaped, pythonSelect, { atLeast: 1.1 }, 'rate'),
  {
    ours: epoll,
    theirs: net,
    benchmark: 'many',
    value: 'rate',
    of: 'throughput, connections',
    cells: [['5000', { connections: 5000 }]],
    atLeast: 1.35,
  },
  ...calls(select, koffi, { 4: 0.95, 64: 0.95, 480: 0.95 }),
  ...calls(select, nodeFfi, { 4: 0.9, 64: 0.9, 480: 0.9 }),
  {
    ours: shaped,
    theirs: net,
    benchmark: 'memory',
    value: 'bytes',
    of: 'memory, connections',
    cells: [['900', { connections: 900 }]],
    atMost: 0.1,
  },
  // What it costs to be recorded.
  {
    ours: recorded,
    theirs: shaped,
    benchmark: 'record',
    value: 'rate',
    of: 'throughput, connections',
    cells: RECORDED,
    atLeast: 0.7,
  },
  {
    ours: record,
    theirs: strace,
    benchmark: 'record',
    value: 'time',
    of: 'time of a message, connections',
    cells: RECORDED,
    atMost: 1.1,
  },
];

const sameCell = (a: Cell, b: Cell) => Object.entries(a).every(([name, value]) => b[name] === value);

/** What a trial measured. CPU is the sum of two; the time of a message is what the rate leaves for it, µs. */
export function measured({ values }: Pick<Sample, 'values'>, value: string): number {
  if (value === 'cpu') return measured({ values }, 'user') + measured({ values }, 'sys');
  if (value === 'time') return 1e6 / measured({ values }, 'rate');
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
