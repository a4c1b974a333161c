/** The benchmark's command line: `npm run bench -- [names] [options]`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { Argument, InvalidArgumentError, program } from 'commander';
import { type Benchmark, benchmarks, type Cell, isSlack, type Sample } from './benchmarks.js';
import { environment } from './environment.js';
import { goalRows } from './goals.js';
import { COMPILER, type Peer, useNode26 } from './peers.js';
import { report } from './report.js';
import { findings } from './soundness.js';
import { endTrials } from './trial.js';

/** Tries of a trial in which the server's core was not busy: something else was measured. */
const MAX_TRIES = 3;

const NAMES = benchmarks().map(({ name }) => name);

program
  .name('npm run bench --')
  .description('Measures select(2) from Node beside C, CPython, libuv and others, side by side in one run.')
  .addArgument(new Argument('[names...]', 'which benchmarks; all unless given').choices(NAMES))
  .option('--list', 'lists the benchmarks')
  .option('--trials <n>', 'trials of each, each a process of its own', whole, 5)
  .option('--short', 'a few seconds only: whether all of it runs, not how fast')
  .option('--reverse', 'the peers in the opposite order')
  .option('--out <folder>', 'for the report', 'dist/benchmark')
  .option('--node26 <path>', 'a Node that has node:ffi')
  .parse();

const options = program.opts();
if (options.node26) useNode26(options.node26);
const all = benchmarks();

if (options.list) {
  for (const { name, summary } of all) console.log(`${name.padEnd(10)} ${summary}`);
} else if (!COMPILER.isThere()) {
  console.log(
    `${COMPILER.sentence}: the load, the baselines and the descriptors come from C programs, so nothing is measured`,
  );
} else {
  await run(all.filter(({ name }) => program.args.length === 0 || program.args.includes(name)));
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** The peers that can run here. The others are named, with what they need, and left out. */
function present({ name, peers }: Benchmark): Peer[] {
  return peers.filter(({ name: peer, needs }) => {
    if (needs && !needs.isThere()) console.log(`${name}: without ${peer}: ${needs.sentence}`);
    return !needs || needs.isThere();
  });
}

async function run(chosen: Benchmark[]): Promise<void> {
  const { short = false, reverse = false, out } = options;
  const trials = short ? 1 : options.trials;
  const began = performance.now();
  const plan = chosen.flatMap((benchmark) => {
    const peers = present(benchmark);
    if (reverse) peers.reverse();
    const cells = benchmark.cells(short);
    return cells.flatMap((cell) =>
      Array.from({ length: trials }, (_, trial) =>
        peers.map((peer) => ({ benchmark, cell, trial, peer })),
      ).flat(),
    );
  });

  const format = ' {bar} {percentage} %  {value}/{total}  {what}';
  const bar = new SingleBar({ format, barsize: 24, hideCursor: true, clearOnComplete: true });
  endOnSignal(bar);
  const samples: Sample[] = [];
  const failures: string[] = [];
  bar.start(plan.length, 0, { what: '' });
  for (const { benchmark, cell, trial, peer } of plan) {
    bar.update({ what: `${benchmark.name}: ${peer.name} ${shown(cell)}` });
    try {
      samples.push(...(await measureTrial(benchmark, peer, cell, trial, short)));
    } catch (err) {
      failures.push(`${benchmark.name}: ${peer.name} ${shown(cell)}: ${reasonOf(err)}`);
    }
    bar.increment();
  }
  bar.stop();

  printGoals(samples);
  for (const failure of failures) console.log(failure);
  const args = process.argv.slice(2).map((arg) => (arg === options.node26 ? 'PATH' : arg));
  const command = ['npm run bench --', ...args].join(' ');
  const raw = {
    command,
    trials,
    seconds: Math.round((performance.now() - began) / 1000),
    ...environment(),
    samples,
  };
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'samples.json'), `${JSON.stringify(raw)}\n`);
  const files = await report(raw, chosen, out);
  console.log(`${samples.length} measurements in ${raw.seconds} s; the report: ${files}`);
  if (failures.length > 0) process.exitCode = 1;
}

/** What a command that failed has said on stderr; else what is known of its end. */
function reasonOf(err: unknown): string {
  const [first = '', ...said] = String(err instanceof Error ? err.message : err)
    .trim()
    .split('\n');
  return said.join(' ') || first;
}

/** One trial, repeated while it was not busy; the last try counts, and is marked when it was not either. */
async function measureTrial(
  { name: benchmark, measure }: Benchmark,
  peer: Peer,
  cell: Cell,
  trial: number,
  short: boolean,
): Promise<Sample[]> {
  let samples: Sample[] = [];
  for (let tries = 1; tries <= (short ? 1 : MAX_TRIES); tries++) {
    const results = await measure(peer, cell, short);
    samples = results.map(([at, values]) => ({ benchmark, peer: peer.name, cell: at, trial, values }));
    if (!samples.some(isSlack)) break;
  }
  return samples;
}

/** Ends at once: no trial is left behind, the terminal is as it was. */
function endOnSignal(bar: SingleBar): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endTrials();
      bar.stop();
      process.exit(128 + constants.signals[signal]);
    });
  }
}

function shown(cell: object): string {
  return Object.entries(cell)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** The ratios of the goals, with the spread of the trials. */
function printGoals(samples: Sample[]): void {
  const head = ['ours : theirs', 'ratio (of the trials)', 'reached'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { pair, of, wanted, ratios, reached } of goalRows(samples)) {
    table.push([`${pair}\n${of} ${wanted}`, ratios.join('\n'), reached]);
  }
  if (table.length > 0) console.log(table.toString());
  for (const finding of findings(samples)) console.log(finding);
  const slack = samples.filter(isSlack);
  if (slack.length > 0)
    console.log(`${slack.length} trials where the server's core was not busy, thrice: marked in the report`);
}
