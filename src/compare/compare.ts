/**
 * `posix-select bench`: echo servers on select(2) beside one on node:net, which is libuv, on the machine of whoever
 * asks. It needs no compiler. For exact figures the project has a benchmark whose load is written in C.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { OSError } from 'posix-select';
import { chart } from './chart.js';
import type { Seen } from './load.js';
import { CELLS, type Cell, NET, PEERS, type Peer, type Result } from './peers.js';

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface Options {
  /** how often each server is measured in each cell; the table has the medians */
  trials: number;
  /** milliseconds of a trial */
  trialMs: number;
  /** where a chart is written, as SVG */
  svg?: string;
}

/** Measures all servers by turns, and prints the table. */
export async function compare({ trials, trialMs, svg }: Options): Promise<number> {
  if (svg) write(svg, ''); // what cannot be written is said before anything is measured
  const [busy = 0] = loadavg();
  if (busy > availableParallelism() / 2)
    console.error(
      `other programs are busy on this machine (load ${busy.toFixed(1)} on ${availableParallelism()} processors): expect rough figures`,
    );
  const measured: Result[] = [];
  const total = trials * CELLS.length * PEERS.length;
  for (let trial = 0; trial < trials; trial++) {
    for (const cell of CELLS) {
      // Each trial begins with another one: none is always the first after the others have warmed the machine.
      for (const [i] of PEERS.entries()) {
        progress(`${measured.length + 1} of ${total}: ${cell.title}`);
        measured.push(await measure(PEERS[(i + trial) % PEERS.length] as Peer, cell, trialMs / 1000));
      }
    }
  }
  progress('');
  const results = CELLS.flatMap((cell) =>
    PEERS.map((peer) => medians(measured.filter((one) => one.cell === cell && one.peer === peer))),
  );
  console.log(table(results));
  if (svg) write(svg, chart(results, NET.name));
  return 0;
}

/** @throws OSError */
function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (err) {
    const { errno, syscall = 'open' } = err as NodeJS.ErrnoException;
    throw errno === undefined ? err : new OSError(errno, syscall, file);
  }
}

/** What is being done, on a terminal: the line is written anew each time. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** One trial: a server of its own, a short load first that does not count. */
async function measure(peer: Peer, cell: Cell, seconds: number): Promise<Result> {
  const [file = '', ...args] = peer.args;
  const server = spawn(process.execPath, [fileOf(`servers/${file}`), ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(server, 'exit').then(([code]) => {
    throw new Error(`${peer.name} ended before its time (${code})`);
  });
  ended.catch(() => {}); // it does when the trial is over
  try {
    const port = once(createInterface(server.stdout as Readable), 'line').then(([line]) => Number(line));
    const work = async () => {
      await load(await port, cell, seconds / 4);
      const before = await cpuUs(server);
      const { messages, seconds: took, p99Us } = await load(await port, cell, seconds);
      const after = await cpuUs(server);
      return { peer, cell, cpuUs: (after - before) / messages, rate: messages / took, p99Us };
    };
    return await Promise.race([work(), ended]);
  } finally {
    server.kill('SIGKILL');
  }
}

async function load(port: number, { connections, idle, size }: Cell, seconds: number): Promise<Seen> {
  const args = [fileOf('load.js'), port, connections, idle, size, seconds].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

/** CPU time that a server has used so far, all its threads together, microseconds. */
async function cpuUs(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [{ user, system }] = await once(server, 'message');
  return user + system;
}

function medians(trials: Result[]): Result {
  const median = (of: (trial: Result) => number) => {
    const sorted = trials.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] as number;
  };
  const [{ peer, cell }] = trials as [Result];
  return {
    peer,
    cell,
    cpuUs: median((trial) => trial.cpuUs),
    rate: median((trial) => trial.rate),
    p99Us: median((trial) => trial.p99Us),
  };
}

/** The columns of the table: what each says of a result, beside node:net's. */
const COLUMNS: [title: string, of: (one: Result, net: Result) => string][] = [
  ['CPU a message', ({ cpuUs }) => `${cpuUs.toFixed(1)} µs`],
  ['CPU × libuv', ({ cpuUs }, net) => (cpuUs / net.cpuUs).toFixed(2)],
  ['messages/s', ({ rate }) => Math.round(rate).toLocaleString('en')],
  ['rate × libuv', ({ rate }, net) => (rate / net.rate).toFixed(2)],
  ['99 % within', ({ p99Us }) => `${(p99Us / 1000).toFixed(2)} ms`],
];

/** The table: for each cell, a line a server. */
export function table(results: Result[]): string {
  const nameWidth = Math.max(...results.map(({ peer }) => peer.name.length)) + 4;
  const line = (first: string, rest: string[]) =>
    first.padEnd(nameWidth) + rest.map((text) => text.padStart(14)).join('');
  const cells = [...new Set(results.map(({ cell }) => cell))];
  const parts = cells.map((cell) => {
    const rows = results.filter((one) => one.cell === cell);
    const net = rows.find(({ peer }) => peer.name === NET.name) as Result;
    const lines = rows.map((one) =>
      line(
        `  ${one.peer.name}`,
        COLUMNS.map(([, of]) => of(one, net)),
      ),
    );
    return [
      line(
        cell.title,
        COLUMNS.map(([title]) => title),
      ),
      ...lines,
    ].join('\n');
  });
  return [
    'Echo servers over TCP on this machine, one process each, 64-byte messages unless it says otherwise.',
    'CPU time is what a message costs the server, in all its threads and the kernel: the less, the better.',
    '',
    parts.join('\n\n'),
    '',
    'The load comes from a select loop in JavaScript, which takes a processor of its own: the rate is what both',
    'together reach on this machine, CPU time is the server’s own.',
  ].join('\n');
}
