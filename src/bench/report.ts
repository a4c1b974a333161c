/** The report: a page that holds the charts and the tables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import { type Benchmark, isSlack, type Sample } from './benchmarks.js';
import { CHARTS, svg, trialsOf } from './charts.js';
import type { Environment } from './environment.js';
import { goalRows, measured } from './goals.js';
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

/** Writes charts and page; says where the page is. */
export async function report(raw: Raw, benchmarks: Benchmark[], folder: string): Promise<string> {
  const { samples, machine, versions } = raw;
  const sections: string[] = [];
  for (const { name, summary } of benchmarks) {
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
<h2>goals</h2>${goalTable(samples)}
${sections.join('\n')}
</html>
`;
  const file = join(folder, 'index.html');
  writeFileSync(file, page);
  return file;
}
