/** The cost of one call: selectFdSets beside C's select(2), select() beside CPython's, side by side in one run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TRIALS = Number(process.argv[2] ?? 7);
const SECONDS = '0.3';

const source = (name: string) => fileURLToPath(new URL(`../../src/bench/${name}`, import.meta.url));
const trial = fileURLToPath(new URL('call-trial.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
const c = join(folder, 'call');
execFileSync('cc', ['-O2', '-pthread', '-o', c, source('call.c')]);

type Peer = (n: number, place: number) => [command: string, ...args: string[]];
const literal: Peer = (n, place) => [process.execPath, trial, 'selectFdSets', `${n}`, `${place}`, SECONDS];
const shaped: Peer = (n, place) => [process.execPath, trial, 'select', `${n}`, `${place}`, SECONDS];
const inC: Peer = (n, place) => [c, `${n}`, `${place}`, SECONDS];
const inPython: Peer = (n, place) => ['python3', source('call.py'), `${n}`, `${place}`, SECONDS, '1'];
const inPython2: Peer = (n, place) => ['python3', source('call.py'), `${n}`, `${place}`, SECONDS, '2'];

const COMPARISONS: [name: string, ours: Peer, theirs: Peer, ns: number[]][] = [
  ['selectFdSets : C select, two threads', literal, inC, [4, 64, 256, 500, 980]],
  ['select() : CPython select.select', shaped, inPython, [4, 64, 480]],
  ['select() : CPython select.select, two threads', shaped, inPython2, [4, 64, 480]],
];

function measure(peer: Peer, n: number, place: number): number {
  const [command, ...args] = peer(n, place);
  return Number(execFileSync(command, args, { encoding: 'utf8' }));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function compare(name: string, ours: Peer, theirs: Peer, n: number, ready: 'first' | 'last') {
  const place = ready === 'first' ? 0 : n - 1;
  const trials = Array.from({ length: TRIALS }, () => [measure(ours, n, place), measure(theirs, n, place)]);
  const [us, them] = [median(trials.map(([a]) => a)), median(trials.map(([, b]) => b))];
  const ratios = trials.map(([a, b]) => a / b);
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  const ratio = Number((us / them).toFixed(2));
  return { name, fds: n, ready, 'ours ns': Math.round(us), 'theirs ns': Math.round(them), ratio, spread };
}

const rows = COMPARISONS.flatMap(([name, ours, theirs, ns]) =>
  ns.flatMap((n) => (['first', 'last'] as const).map((ready) => compare(name, ours, theirs, n, ready))),
);
console.table(rows);
rmSync(folder, { recursive: true });
