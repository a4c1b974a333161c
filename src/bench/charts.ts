/** The charts: what is drawn of what was measured. */
import { max, median, min } from 'simple-statistics';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Sample } from './benchmarks.js';
import { measured } from './goals.js';
import { peerNamed } from './peers.js';

export interface Chart {
  file: string;
  benchmark: string;
  title: string;
  x: string;
  xTitle: string;
  value: string;
  yTitle: string;
  /** Only these samples. */
  where?: (sample: Sample) => boolean;
  /** A chart for each value of this. */
  facet?: string;
  scale?: 'linear' | 'log';
  peers?: string[];
}

export const CHARTS: Chart[] = [
  {
    file: 'call',
    benchmark: 'call',
    title: 'The cost of one call, by the ready descriptor’s place',
    x: 'fds',
    xTitle: 'descriptors',
    value: 'ns',
    yTitle: 'ns a call',
    facet: 'ready',
  },
  {
    file: 'wait',
    benchmark: 'wait',
    title: 'The cost of an event, one pair active among many',
    x: 'pairs',
    xTitle: 'pairs that are waited for',
    value: 'us',
    yTitle: 'µs an event',
    where: ({ cell }) => cell.active === 1,
  },
  {
    file: 'echo',
    benchmark: 'echo',
    title: 'Echo at its peak, 64 bytes a message',
    x: 'connections',
    xTitle: 'connections',
    value: 'rate',
    yTitle: 'messages a second',
    where: ({ cell }) => cell.size === 64,
    scale: 'linear',
  },
  {
    file: 'cpu',
    benchmark: 'echo',
    title: 'CPU time of a message, user and system',
    x: 'connections',
    xTitle: 'connections',
    value: 'cpu',
    yTitle: 'µs a message',
    where: ({ cell }) => cell.size === 64,
  },
  {
    file: 'idle',
    benchmark: 'idle',
    title: 'One active connection among idle ones',
    x: 'idle',
    xTitle: 'idle connections',
    value: 'rate',
    yTitle: 'messages a second',
    scale: 'linear',
  },
  {
    file: 'latency-p50',
    benchmark: 'latency',
    title: 'Median latency under an offered load, 100 connections',
    x: 'rate',
    xTitle: 'messages a second',
    value: 'p50',
    yTitle: 'µs',
  },
  {
    file: 'latency-p99',
    benchmark: 'latency',
    title: '99th percentile of latency under an offered load, 100 connections',
    x: 'rate',
    xTitle: 'messages a second',
    value: 'p99',
    yTitle: 'µs',
  },
];

interface Point {
  peer: string;
  isOurs: boolean;
  x: number;
  y: number;
  min: number;
  max: number;
  facet: string;
}

/** The samples of the same peer in the same cell together. */
export function trialsOf(samples: Sample[]): Sample[][] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.peer, sample.cell]);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()];
}

/** The medians of the trials, with the smallest and the largest. */
function pointsOf(samples: Sample[], { benchmark, x, value, where = () => true, facet }: Chart): Point[] {
  const own = samples.filter((sample) => sample.benchmark === benchmark && where(sample));
  return trialsOf(own).map((group) => {
    const [{ peer, cell }] = group as [Sample];
    const ys = group.map((sample) => measured(sample, value));
    const xs = group.map((sample) => Number(cell[x] ?? sample.values[x]));
    return {
      peer,
      isOurs: peerNamed(peer).isOurs ?? false,
      x: median(xs),
      y: median(ys),
      min: min(ys),
      max: max(ys),
      facet: String(facet ? `ready: ${cell[facet]}` : ''),
    };
  });
}

const LOG = { type: 'log' } as const;

/** The axes: counts on a logarithmic one, with a mark at each that was measured. */
function axesOf(chart: Chart, points: Point[]) {
  const isCount = chart.x !== 'rate';
  const x = {
    field: 'x',
    type: 'quantitative',
    title: chart.xTitle,
    scale: isCount && chart.x !== 'idle' ? LOG : { zero: false },
    axis: {
      format: isCount ? 'd' : '~s',
      values: isCount ? [...new Set(points.map((p) => p.x))] : undefined,
      grid: false,
    },
  } as const;
  const y = {
    field: 'y',
    type: 'quantitative',
    title: chart.yTitle,
    scale: chart.scale === 'linear' ? { zero: true } : LOG,
    axis: { format: '~s' },
  } as const;
  return { x, y };
}

/** A line for each peer, with the spread of its trials. Ours are drawn through: they are told apart without colour. */
function linesOf(chart: Chart, points: Point[]) {
  const { x, y } = axesOf(chart, points);
  const peers = [...new Set(points.map(({ peer }) => peer))];
  const color = {
    field: 'peer',
    type: 'nominal',
    sort: peers,
    title: null,
    scale: { domain: peers, range: peers.map((peer) => peerNamed(peer).color) },
    legend: { orient: 'right', symbolType: 'stroke', symbolSize: 300, labelLimit: 260 },
  } as const;
  const shape = { field: 'peer', type: 'nominal', sort: peers, title: null, legend: color.legend } as const;
  const strokeDash = { condition: { test: 'datum.isOurs', value: [1, 0] }, value: [5, 3] } as const;
  return {
    width: chart.facet ? 250 : 560,
    height: chart.facet ? 300 : 340,
    layer: [
      {
        mark: { type: 'rule', opacity: 0.5 },
        encoding: { x, y: { ...y, field: 'min' }, y2: { field: 'max' }, color },
      },
      { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color, strokeDash } },
      { mark: { type: 'point', filled: true, size: 45, opacity: 1 }, encoding: { x, y, color, shape } },
    ],
  } as const;
}

const FACETS = ['ready: first', 'ready: random', 'ready: last'];

function spec(chart: Chart, points: Point[]): TopLevelSpec {
  const lines = linesOf(chart, points);
  const base = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: chart.title, anchor: 'start', fontSize: 15, offset: 12 },
    background: 'white',
    padding: 12,
    data: { values: points },
    config: {
      font: 'system-ui, sans-serif',
      axis: { labelFontSize: 12, titleFontSize: 12 },
      legend: { labelFontSize: 12 },
    },
  };
  const facet = { field: 'facet', type: 'nominal', title: null, sort: FACETS };
  const spec = chart.facet ? { ...base, facet, columns: 3, spec: lines } : { ...base, ...lines };
  return spec as unknown as TopLevelSpec;
}

/** A chart as SVG; null where nothing of it was measured. */
export async function svg(samples: Sample[], chart: Chart): Promise<string | null> {
  const points = pointsOf(samples, chart);
  if (points.length === 0) return null;
  const view = new View(parse(compile(spec(chart, points)).spec), { renderer: 'none' });
  const text = await view.toSVG();
  view.finalize();
  return text;
}
