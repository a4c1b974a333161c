/** A file that is read while another process writes it. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { GrowingFile, type Reader } from '../../dist/teach/record/growing-file.js';
import { needs } from '../support/needs.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';

function path(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'growing');
}

/** Writes lines with their numbers, each by itself, and waits for a word after some of them. */
const WRITER = `
import sys
_, path, count, pause = sys.argv
with open(path, 'wb', buffering=0) as file:
    for i in range(int(count)):
        if i == int(pause): sys.stdin.readline()
        file.write(b'%07d\\xe9' % i)
`;
const LINE_BYTES = 8;

const READER: Reader = {
  onText: () => {},
  onAllRead: () => {},
  onQuiet: () => {},
  hold: () => expect.fail(),
};

const numbersIn = (text: string) => text.split('\xe9').slice(0, -1).map(Number);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test('all comes in order: what was there, what comes later, and what comes last', async () => {
  const file = path();
  const growing = new GrowingFile(file);
  const writer = Python.program(WRITER, [file, 10_000, 5000]);
  let text = '';
  const said: string[] = [];
  const all = growing.read(writer.exit, {
    ...READER,
    onText: (more) => (text += more),
    onAllRead: () => said.push(`${text.length} read`),
    onQuiet: () => said.push('quiet'),
  });
  const half = `${5000 * LINE_BYTES} read`;
  await until(
    'the first half has come, and nothing more does',
    () => said.at(-1) === 'quiet' && said.includes(half),
  );
  // Once is enough: it is said again when more has come.
  expect(said.slice(said.indexOf(half))).toEqual([half, 'quiet']);
  writer.type('\n');
  await all;
  expect(numbersIn(text)).toEqual(upTo(10_000));
});

test('a writer that is too far ahead is made to wait, and loses nothing', async () => {
  const file = path();
  const growing = new GrowingFile(file, 100_000);
  const writer = Python.program(WRITER, [file, 200_000, -1]);
  let text = '';
  const held: boolean[] = [];
  const hold = (isToWait: boolean) => {
    held.push(isToWait);
    writer.child.kill(isToWait ? 'SIGSTOP' : 'SIGCONT');
  };
  await until('it is far ahead', () => statSync(file).size > 700_000);
  await growing.read(writer.exit, { ...READER, onText: (more) => (text += more), hold });
  expect(numbersIn(text)).toEqual(upTo(200_000));
  expect(held.length).toBeGreaterThanOrEqual(2);
  expect(held).toEqual(held.map((_, i) => i % 2 === 0));
});

needs('fallocate')('what has been read takes no room on the disk', async () => {
  const file = path();
  const growing = new GrowingFile(file, 2 ** 20);
  const count = 2 ** 20; // 8 MiB
  const writer = Python.program(WRITER, [file, count, -1]);
  let bytes = 0;
  const hold = (isToWait: boolean) => void writer.child.kill(isToWait ? 'SIGSTOP' : 'SIGCONT');
  await growing.read(writer.exit, { ...READER, onText: (more) => (bytes += more.length), hold });
  expect(bytes).toBe(count * LINE_BYTES);
  await until('only the last part has room', () => statSync(file).blocks * 512 < 3 * 2 ** 20);
  expect(statSync(file).size).toBe(bytes);
});
