/** The benchmark's command line, in its short form: that it runs, says what is missing, and writes its report. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Process } from './peers.js';

const BENCH = fileURLToPath(new URL('../dist/bench/bench.js', import.meta.url));

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** A PATH on which only these commands are. */
function pathOf(...commands: string[]): string {
  const bin = folder();
  for (const command of commands) symlinkSync(`/usr/bin/${command}`, join(bin, command));
  return bin;
}

async function bench(args: string[], PATH = process.env.PATH): Promise<Process & { code: number | string }> {
  const run = new Process(process.execPath, [BENCH, ...args], { env: { ...process.env, PATH } });
  return Object.assign(run, { code: await run.exit });
}

test('--list names each benchmark with what it measures', async () => {
  const { code, lines } = await bench(['--list']);
  expect(code).toBe(0);
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    ...['call', 'wait', 'echo', 'idle', 'latency', 'many', 'memory', 'soundness'],
  ]);
});

test('a name that is none, and trials that are no number, are refused', async () => {
  for (const args of [['cal'], ['--trials', '0']]) {
    const { code, stderr } = await bench(args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^error: .*\n$/);
  }
});

test('a name runs that part: figures, chart and page', async () => {
  const out = folder();
  const { code, stdout } = await bench(['call', '--short', '--out', out]);
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/select\(\) : CPython select .* 4 fds/);
  const { samples, machine, versions, command } = JSON.parse(readFileSync(join(out, 'samples.json'), 'utf8'));
  expect(command).toBe(`npm run bench -- call --short --out ${out}`);
  expect(machine.cores).toBeGreaterThan(0);
  expect(versions.node).toBe(process.version);
  const of = (peer: string) => samples.filter((sample: { peer: string }) => sample.peer === peer);
  for (const peer of ['C select', 'selectFdSets', 'select()', 'CPython select', 'koffi', 'EpollSelector']) {
    expect(of(peer)).toHaveLength(6);
    for (const { values } of of(peer)) expect(values.ns).toBeGreaterThan(0);
  }
  expect(readFileSync(join(out, 'call.svg'), 'utf8')).toMatch(/^<svg .*one call.*<\/svg>\n$/s);
  expect(readFileSync(join(out, 'index.html'), 'utf8')).toContain('<svg');
});

test('a server is measured with its CPU and its latencies', async () => {
  const out = folder();
  const { code, stdout } = await bench(['echo', '--short', '--out', out]);
  expect(code, stdout).toBe(0);
  const { samples } = JSON.parse(readFileSync(join(out, 'samples.json'), 'utf8'));
  expect(samples.map(({ peer }: { peer: string }) => peer)).toEqual([
    ...['literal loop', 'Python-shaped loop', 'EpollSelector', 'node:net'],
    ...['CPython select', 'CPython asyncio', 'C select', 'C epoll'],
  ]);
  for (const { values } of samples) {
    expect(values.rate).toBeGreaterThan(0);
    expect(values.p50).toBeGreaterThan(0);
    expect(values.p999).toBeGreaterThanOrEqual(values.p50);
  }
  // Of each it is counted in ticks of 10 ms, of which a short trial may have none.
  expect(Math.max(...samples.map(({ values }: { values: { sys: number } }) => values.sys))).toBeGreaterThan(
    0,
  );
});

test('a peer that is not there is said, and left out', async () => {
  const out = folder();
  const { code, stdout } = await bench(['wait', '--short', '--out', out], pathOf('cc', 'as', 'ld'));
  expect(stdout).toContain('wait: without CPython select: no python3\n');
  expect(code).toBe(0);
  const { samples } = JSON.parse(readFileSync(join(out, 'samples.json'), 'utf8'));
  expect(samples).toHaveLength(7);
});

test('without a C compiler nothing can be measured, which is no error', async () => {
  const { code, stdout } = await bench([], pathOf());
  expect(stdout).toMatch(/^no C compiler \(cc\): .*\n$/);
  expect(code).toBe(0);
});
