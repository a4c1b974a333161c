/** A file that is read while another process writes it. */
import { mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs';
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

/** Writes lines with their numbers, each by itself. It waits for a word after some of them, and at the end. */
const WRITER = `
import sys
_, path, count, pause = sys.argv
with open(path, 'wb', buffering=0) as file:
    for i in range(int(count)):
        if i == int(pause): sys.stdin.readline()
        file.write(b'%07d\\xe9' % i)
sys.stdin.readline()
`;
const LINE_BYTES = 8;
const MIB = 2 ** 20;

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
  const growing = new GrowingFile(file, MIB);
  const writer = Python.program(WRITER, [file, 10_000, 5000]);
  let text = '';
  let lastMs = Infinity;
  const said: string[] = [];
  const all = growing.read(writer.exit, {
    ...READER,
    onText: (more) => {
      text += more;
      lastMs = performance.now();
    },
    onAllRead: () => said.push(`${text.length} read`),
    onQuiet: () => said.push(performance.now() - lastMs > 190 ? 'quiet' : 'quiet too early'),
  });
  const half = `${5000 * LINE_BYTES} read`;
  await until('the first half has come', () => said.includes(half));
  utimesSync(file, 1, 1); // a change without a byte
  await until('nothing more comes', () => said.at(-1) === 'quiet');
  // Once is enough: it is said again when more has come.
  expect(said.slice(said.indexOf(half))).toEqual([half, 'quiet']);
  writer.type('\n\n');
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
  const all = growing.read(writer.exit, { ...READER, onText: (more) => (text += more), hold });
  await until('all has come', () => text.length === 200_000 * LINE_BYTES);
  writer.type('\n');
  await all;
  expect(numbersIn(text)).toEqual(upTo(200_000));
  expect([held[0], held.at(-1)]).toEqual([true, false]);
});

test('a writer that waits goes on when the reading fails', async () => {
  const file = path();
  const growing = new GrowingFile(file, 1000);
  const writer = Python.program(WRITER, [file, 200_000, -1]);
  await until('it is far ahead', () => statSync(file).size > 700_000);
  const held: boolean[] = [];
  let parts = 0;
  const reading = growing.read(writer.exit, {
    ...READER,
    onText: () => {
      if (++parts === 2) throw new Error('the second part');
    },
    hold: (isToWait) => held.push(isToWait),
  });
  await expect(reading).rejects.toThrow('the second part');
  expect(held).toEqual([true, false]);
});

test('what comes next can be looked at before it is read; the reading can be ended', async () => {
  const file = path();
  const growing = new GrowingFile(file, MIB);
  const writer = Python.program(WRITER, [file, 100, 50]);
  await until('half is there', () => statSync(file).size === 50 * LINE_BYTES);
  const seen: (string | undefined)[] = [growing.ahead()];
  const all = growing.read(writer.exit, {
    ...READER,
    onAllRead: () => seen.push(growing.ahead()),
    onQuiet: () => growing.stop(),
  });
  await all;
  seen.push(growing.ahead()); // it is closed
  expect(seen.map((text) => text?.length)).toEqual([50 * LINE_BYTES, 0, undefined]);
});

needs('fallocate')('what has been read takes no room on the disk', async () => {
  const file = path();
  const growing = new GrowingFile(file, MIB);
  const count = 2 ** 20; // 8 MiB
  const writer = Python.program(WRITER, [file, count, -1]);
  let bytes = 0;
  const hold = (isToWait: boolean) => void writer.child.kill(isToWait ? 'SIGSTOP' : 'SIGCONT');
  writer.type('\n');
  await growing.read(writer.exit, { ...READER, onText: (more) => (bytes += more.length), hold });
  expect(bytes).toBe(count * LINE_BYTES);
  await until('only the last part has room', () => statSync(file).blocks * 512 < 3 * MIB);
  expect(statSync(file).size).toBe(bytes);
});
