/** Whether the measurement can be believed: what its own checks have found, a sentence each. */
import { max, median, min } from 'simple-statistics';
import { HANDICAP, type Sample } from './benchmarks.js';
import { measured } from './goals.js';

const thousands = (rate: number) => `${(rate / 1000).toFixed(1)}k messages/s`;
const percent = (part: number) => `${(part * 100).toFixed(0)} %`;

export function findings(samples: Sample[]): string[] {
  const medianOf = (peer: string, load: string, value: string) => {
    const of = samples.filter((s) => s.benchmark === 'soundness' && s.peer === peer && s.cell.load === load);
    return of.length === 0 ? Number.NaN : median(of.map((sample) => measured(sample, value)));
  };
  const closed = (peer: string, value: string) => medianOf(peer, 'closed loop', value);
  const ours = 'Python-shaped loop';
  if (Number.isNaN(closed(ours, 'rate'))) return [];

  const found = 1e6 / closed(`${ours} + 50 µs`, 'rate') - 1e6 / closed(ours, 'rate');
  const peers = ['C, spinning', 'C select', 'C epoll', ours].filter((peer) => closed(peer, 'rate') > 0);
  const needs = min(peers.map((peer) => closed(peer, 'load') / closed(peer, 'rate')));
  const fastest = max(peers.map((peer) => closed(peer, 'rate')));
  const busy = (peer: string) =>
    `${peer}: ${thousands(closed(peer, 'rate'))}, its core ${percent(closed(peer, 'busy'))} busy, the generator's ` +
    `${percent(closed(peer, 'load'))}.`;
  const loads = [
    ...new Set(samples.filter((s) => s.benchmark === 'soundness').map(({ cell }) => String(cell.load))),
  ];
  const over = loads
    .filter((load) => load.startsWith('130 %'))
    .map((load) => `${(medianOf(ours, load, 'p99') / 1000).toFixed(0)} ms at ${load}`);
  return [
    `A handicap of ${HANDICAP * 1e6} µs a message, put into our loop, shows as ${found.toFixed(1)} µs.`,
    `The generator needs ${(needs * 1e6).toFixed(1)} µs of its core a message, so that it could send ` +
      `${thousands(1 / needs)}, ${(1 / needs / fastest).toFixed(2)} times what the fastest server answers.`,
    ...peers.map(busy),
    `A load beyond the peak is not hidden: the 99th percentile is ${over.join(', ')}.`,
  ];
}
