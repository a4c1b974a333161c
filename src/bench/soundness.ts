/** Whether the measurement can be believed: what its own checks have found, a sentence each. */
import { max, median, min } from 'simple-statistics';
import type { Sample } from './benchmarks.js';
import { measured } from './goals.js';
import { HANDICAP_S, PEERS, type Peer } from './peers.js';

const thousands = (rate: number) => `${(rate / 1000).toFixed(1)}k messages/s`;
const percent = (part: number) => `${(part * 100).toFixed(0)} %`;

export function findings(samples: Sample[]): string[] {
  const own = samples.filter(({ benchmark }) => benchmark === 'soundness');
  const medianOf = (peer: Peer, load: string, value: string) => {
    const trials = own.filter((sample) => sample.peer === peer.name && sample.cell.load === load);
    return trials.length === 0 ? Number.NaN : median(trials.map((sample) => measured(sample, value)));
  };
  const closed = (peer: Peer, value: string) => medianOf(peer, 'closed loop', value);
  const { shaped, handicapped, spinning, cSelect, cEpoll } = PEERS;
  if (Number.isNaN(closed(shaped, 'rate'))) return [];

  const handicapUs = 1e6 / closed(handicapped, 'rate') - 1e6 / closed(shaped, 'rate');
  const peers = [spinning, cSelect, cEpoll, shaped].filter((peer) => closed(peer, 'rate') > 0);
  const needsS = min(peers.map((peer) => closed(peer, 'load') / closed(peer, 'rate')));
  const fastest = max(peers.map((peer) => closed(peer, 'rate')));
  const busy = (peer: Peer) =>
    `${peer.name}: ${thousands(closed(peer, 'rate'))}, its core ${percent(closed(peer, 'busy'))} busy, the ` +
    `generator's ${percent(closed(peer, 'load'))}.`;
  const overloads = [...new Set(own.map(({ cell }) => String(cell.load)))]
    .filter((load) => load.startsWith('130 %'))
    .map((load) => `${(medianOf(shaped, load, 'p99') / 1000).toFixed(0)} ms at ${load}`);
  return [
    `A handicap of ${HANDICAP_S * 1e6} µs a message, put into our loop, shows as ${handicapUs.toFixed(1)} µs.`,
    `The generator needs ${(needsS * 1e6).toFixed(1)} µs of its core a message, so that it could send ` +
      `${thousands(1 / needsS)}, ${(1 / needsS / fastest).toFixed(2)} times what the fastest server answers.`,
    ...peers.map(busy),
    `A load beyond the peak is not hidden: the 99th percentile is ${overloads.join(', ')}.`,
  ];
}
