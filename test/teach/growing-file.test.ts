/** A file that is read while another process writes it. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { GrowingFile } from '../../dist/teach/record/growing-file.js';
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

const numbersIn = (text: string) => text.split('\xe9').slice(0, -1).map(Number);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test('all comes in order: what was there, what comes later, and what comes last', async () => {
  const file = path();
  const growing = new GrowingFile(file);
  const writer = Python.program(WRITER, [file, 10_000, 5000]);
  let text = '';
  let idle = 0;
  const all = growing.read(
    writer.exit,
    (more) => (text += more),
    () => idle++,
    () => expect.fail(),
  );
  await until(
    'the first half has come, and it is waited for more',
    () => text.length === 5000 * LINE_BYTES && idle,
  );
  writer.type('\n');
  await all;
  expect(numbersIn(text)).toEqual(upTo(10_000));
});

test('a writer that is too far ahead is made to wait, and loses nothing', async () => {
  const file = path();
  const growing = new GrowingFile(file, 100_000);
  const writer = Python.program(WRITER, [file, 200_000, 0]);
  let text = '';
  const held: boolean[] = [];
  const hold = (isToWait: boolean) => {
    held.push(isToWait);
    writer.child.kill(isToWait ? 'SIGSTOP' : 'SIGCONT');
  };
  // It reads nothing before so much is there.
  await until('it is about to write', () => statSync(file, { throwIfNoEntry: false }));
  writer.type('\n');
  await until('it is far ahead', () => statSync(file).size > 700_000);
  await growing.read(
    writer.exit,
    (more) => (text += more),
    () => {},
    hold,
  );
  expect(numbersIn(text)).toEqual(upTo(200_000));
  expect(held.length).toBeGreaterThanOrEqual(2);
  expect(held).toEqual(held.map((_, i) => i % 2 === 0));
});

test('what has been read takes no room on the disk', async () => {
  const file = path();
  const growing = new GrowingFile(file, 2 ** 20);
  const count = 2 ** 20; // 8 MiB
  const writer = Python.program(WRITER, [file, count, -1]);
  let bytes = 0;
  const hold = (isToWait: boolean) => void writer.child.kill(isToWait ? 'SIGSTOP' : 'SIGCONT');
  await growing.read(
    writer.exit,
    (more) => (bytes += more.length),
    () => {},
    hold,
  );
  expect(bytes).toBe(count * LINE_BYTES);
  await until('only the last part has room', () => statSync(file).blocks * 512 < 3 * 2 ** 20);
  expect(statSync(file).size).toBe(bytes);
});
