/** Whether the measurement can be believed: what its own checks have found, a sentence each. */
import { median } from 'simple-statistics';
import { HANDICAP, type Sample } from './benchmarks.js';
import { measured } from './goals.js';

const thousands = (rate: number) => `${(rate / 1000).toFixed(1)}k messages/s`;

export function findings(samples: Sample[]): string[] {
  const medianOf = (peer: string, load: string, value: string) => {
    const of = samples.filter((s) => s.benchmark === 'soundness' && s.peer === peer && s.cell.load === load);
    return of.length === 0 ? Number.NaN : median(of.map((sample) => measured(sample, value)));
  };
  const closed = (peer: string, value: string) => medianOf(peer, 'closed loop', value);
  const ours = 'Python-shaped loop';
  if (Number.isNaN(closed(ours, 'rate'))) return [];

  const found = 1e6 / closed(`${ours} + 50 µs`, 'rate') - 1e6 / closed(ours, 'rate');
  const spinning = closed('C, spinning', 'rate');
  const loads = [
    ...new Set(samples.filter((s) => s.benchmark === 'soundness').map(({ cell }) => String(cell.load))),
  ];
  const over = loads
    .filter((load) => load.startsWith('130 %'))
    .map((load) => `${(medianOf(ours, load, 'p99') / 1000).toFixed(0)} ms at ${load}`);
  return [
    `A handicap of ${HANDICAP * 1e6} µs a message, put into our loop, shows as ${found.toFixed(1)} µs.`,
    `A C server that never waits, and so costs least, answers ${thousands(spinning)}, the generator's core ` +
      `${(closed('C, spinning', 'load') * 100).toFixed(0)} % busy; ours ${thousands(closed(ours, 'rate'))}, ` +
      `the generator's core ${(closed(ours, 'load') * 100).toFixed(0)} % busy.`,
    `A load beyond the peak is not hidden: the 99th percentile is ${over.join(', ')}.`,
  ];
}
