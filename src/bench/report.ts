/** The report: a page that holds the charts and the tables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import { type Benchmark, type Cell, isSlack, type Sample } from './benchmarks.js';
import { CHARTS, svg, trialsOf } from './charts.js';
import type { Environment } from './environment.js';
import { goalRows, measured, samplesOf } from './goals.js';
import { PEERS, type Peer } from './peers.js';
import { findings } from './soundness.js';

interface Raw extends Environment {
  command: string;
  trials: number;
  seconds: number;
  samples: Sample[];
}

const escaped = (text: unknown) => String(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

function table(head: string[], rows: unknown[][]): string {
  const row = (cells: unknown[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body = rows.map((cells) => row(cells, 'td')).join('\n');
  return `<div class="wide"><table>${row(head, 'th')}${body}</table></div>`;
}

const cellText = (cell: object) =>
  Object.entries(cell)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Medians of all that was measured. */
function benchmarkTable(samples: Sample[], name: string): string {
  const own = samples.filter(({ benchmark }) => benchmark === name);
  const values = [...new Set(own.flatMap(({ values }) => Object.keys(values)))];
  const rows = trialsOf(own).map((group) => {
    const [{ cell, peer }] = group as [Sample];
    const medians = values.map((value) => median(group.map((sample) => measured(sample, value))));
    return [
      cellText(cell),
      peer + (group.some(isSlack) ? ' *' : ''),
      ...medians.map((value) => Number(value.toPrecision(4)).toLocaleString('en')),
    ];
  });
  return table(['where', 'peer', ...values], rows);
}

/** What belongs together stays in one line. */
const lines = (texts: string[]) => texts.map((text) => `<span>${escaped(text)}</span>`).join(' ');

function goalTable(samples: Sample[]): string {
  const rows = goalRows(samples).map(
    ({ pair, of, wanted, ratios, reached }) =>
      `<tr><td>${lines([pair, `${of} ${wanted}`])}<td>${lines(ratios)}<td>${escaped(reached)}`,
  );
  return `<table><tr><th>ours : theirs<th>ratio (of the trials)<th>reached${rows.join('\n')}</table>`;
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
td,th{padding:.15rem .6rem .15rem 0;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
span{display:inline-block;margin-right:.6rem}td+td span{white-space:nowrap}.wide{overflow-x:auto}.wide td{white-space:nowrap}`;

/** The ratio of the medians of two peers in a cell, with two digits; null where one was not measured. */
function ratioIn(samples: Sample[], ours: Peer, theirs: Peer, benchmark: string, cell: Cell, value: string) {
  const of = (peer: Peer) =>
    samplesOf(samples, benchmark, peer, cell).map((sample) => measured(sample, value));
  const [a, b] = [of(ours), of(theirs)];
  return a.length > 0 && b.length > 0 ? median(a) / median(b) : null;
}

/** What it comes to, in two sentences: all speak, and one speaks among many. */
function conclusion(samples: Sample[]): string {
  const all = { connections: 100, size: 64 };
  const { literal, shaped, cSelect, net } = PEERS;
  const cpu = ratioIn(samples, literal, cSelect, 'echo', all, 'cpu');
  const shapedCpu = ratioIn(samples, shaped, cSelect, 'echo', all, 'cpu');
  const rate = ratioIn(samples, literal, net, 'echo', all, 'rate');
  const idle = ratioIn(samples, shaped, net, 'idle', { idle: 900 }, 'rate');
  const sentences: string[] = [];
  if (cpu && shapedCpu && rate)
    sentences.push(
      `Where all 100 connections speak, our loops take ${cpu.toFixed(2)} (as in C) and ${shapedCpu.toFixed(2)} (as in Python) ` +
        `times the CPU time of the same loop in C, and answer ${rate.toFixed(2)} times as many messages as node:net.`,
    );
  if (idle)
    sentences.push(
      `Where one speaks among 900, select(2) looks at all of them for each message: ${idle.toFixed(2)} times the rate of ` +
        'node:net, which is on epoll.',
    );
  return sentences.map((sentence) => `<p><strong>${escaped(sentence)}</strong></p>`).join('\n');
}

/** The two that the conclusion is about come first. */
const FIRST = ['echo', 'idle'];
const inOrder = (benchmarks: Benchmark[]) => [
  ...benchmarks.filter(({ name }) => FIRST.includes(name)),
  ...benchmarks.filter(({ name }) => !FIRST.includes(name)),
];

/** Writes charts and page; says where the page is. */
export async function report(raw: Raw, benchmarks: Benchmark[], folder: string): Promise<string> {
  const { samples, machine, versions } = raw;
  const sections: string[] = [];
  for (const { name, summary } of inOrder(benchmarks)) {
    if (!samples.some(({ benchmark }) => benchmark === name)) continue;
    sections.push(`<h2>${escaped(name)}</h2><p>${escaped(summary)}</p>`);
    for (const chart of CHARTS.filter(({ benchmark }) => benchmark === name)) {
      const text = await svg(samples, chart);
      if (text === null) continue;
      writeFileSync(join(folder, `${chart.file}.svg`), `${text}\n`);
      sections.push(`<div class="wide">${text}</div>`);
    }
    if (name === 'soundness') sections.push(...findings(samples).map((text) => `<p>${escaped(text)}</p>`));
    sections.push(
      `<details><summary>figures (medians; *: the server’s core was not busy)</summary>${benchmarkTable(samples, name)}</details>`,
    );
  }
  const facts = [...Object.entries(machine), ...Object.entries(versions)].map((pair) => pair.join(': '));
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>posix-select: benchmark</title><style>${STYLE}</style>
<h1>select(2) against libuv</h1>
<p><code>${escaped(raw.command)}</code>, ${escaped(raw.date.slice(0, 10))}; ${raw.trials} trials of each, medians, with the smallest and the largest.
${escaped(facts.join('; '))}.</p>
${conclusion(samples)}
${sections.join('\n')}
<h2>goals</h2>${goalTable(samples)}
</html>
`;
  const file = join(folder, 'index.html');
  writeFileSync(file, page);
  return file;
}
