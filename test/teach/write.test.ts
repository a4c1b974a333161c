import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { sys } from '../../dist/posix/sys.js';
import type { Call } from '../../dist/teach/recording/format.js';
import { writeCall } from '../../dist/teach/recording/write.js';
import { TracedCall } from '../../dist/teach/trace/traced-call.js';
import { TraceWriter } from '../../dist/teach/trace/writer.js';
import { Process } from '../support/process.js';
import { temporaryPaths } from '../support/sockets.js';

const TRANSFERS = fileURLToPath(new URL('../support/fixtures/transfers.mjs', import.meta.url));
const withoutTimes = (line: string) => line.replace(/"(at|took)":\d+\.\d{6},/g, '');

const path = temporaryPaths();
const made = { n: 7, at: 61.000012, took: 0.5, result: 3 };
const sets = { readfds: [3, 5], writefds: [], exceptfds: null };

const CALLS: [what: string, call: Call][] = [
  ['nothing but what all have', { ...made, call: 'kqueue' }],
  [
    'all that a call can have',
    {
      ...made,
      call: 'sendto',
      errno: 'EAGAIN',
      fd: 0,
      address: ['::1"\\', 0, 0, 2],
      length: 0,
      flags: 0,
      data: '',
      rest: ['[{fd=3}]', '"\\x00"'],
      asked: 'eA==',
      note: 'flags "O_RDWR"',
      waits: sets,
      timeout: null,
      after: { readfds: null, writefds: null, exceptfds: [1023] },
      why: [{ fd: 3, set: 'read', sentence: 'the end: read returns 0 bytes' }],
      names: { 5: 'Žofie "the\n<b>" 🐟', 6: null },
    },
  ],
  [
    'a select() that has been interrupted',
    {
      ...made,
      call: 'select',
      result: -1,
      errno: 'EINTR',
      nfds: 6,
      ...sets,
      timeout: 1.5,
      after: sets,
      left: 0,
      why: [{ fd: null, set: null, sentence: 'a "signal"\n' }],
    },
  ],
  ['the smallest times', { ...made, at: 0, took: 0.000001, call: 'close', fd: 4 }],
  ['a long time', { ...made, at: 86_400.999999, took: 3599.9, call: 'close', fd: 4 }],
];

/** The text that a writer leaves in a file, and the bytes of each write(2). */
function written(write: (writer: TraceWriter) => void): { text: string; pieces: Buffer[] } {
  const file = path();
  const fd = openSync(file, 'w');
  const pieces: Buffer[] = [];
  const seen = (fd: number, bytes: Uint8Array) => {
    pieces.push(Buffer.from(bytes));
    return sys.write(fd, bytes);
  };
  const writer = new TraceWriter({ ...sys, write: seen }, fd, file);
  write(writer);
  writer.flush();
  closeSync(fd);
  const text = readFileSync(file, 'utf8');
  expect(writer.size).toBe(Buffer.byteLength(text));
  return { text, pieces };
}

const textOf = (write: (writer: TraceWriter) => void) => written(write).text;

test.each(CALLS)('%s: as JSON.stringify has it', (_, call) => {
  const text = textOf((writer) => writeCall(writer, call));
  expect(text).toMatch(/^.+\n$/);
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(call)));
  // No field twice.
  const shortTimes = text.replace(/"(at|took)":([\d.]+)/g, (_, name, time) => `"${name}":${Number(time)}`);
  expect(shortTimes).toBe(`${JSON.stringify(JSON.parse(text))}\n`);
});

const BYTES = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 89) & 255));

test('bytes of every length, short and long: the base64 that Node makes of them', () => {
  for (const count of [...Array(400).keys(), 4095, 4096]) {
    const call = Object.assign(new TracedCall(1, 'recv'), { bytes: BYTES, byteCount: count });
    const text = textOf((writer) => writeCall(writer, call));
    expect(JSON.parse(text).data).toBe(BYTES.subarray(0, count).toString('base64'));
  }
});

test.each([0, 9, 10, 99_999, 100_000, 2 ** 31 - 1, 2 ** 31, 2 ** 53, -1, -(2 ** 31), 0.5, 1e21])(
  'the number %d',
  (n) => {
    expect(textOf((writer) => writer.number(n))).toBe(String(n));
  },
);

test.each([
  [0, '0.000000'],
  [0.000001, '0.000001'],
  [0.999999, '0.999999'],
  [1, '1.000000'],
  [86_400.000012, '86400.000012'],
  [2 ** 31, '2147483648.000000'],
  [-0.2, '-0.200000'],
])('%d seconds', (seconds, text) => {
  expect(textOf((writer) => writer.seconds(seconds))).toBe(text);
});

test('more than the memory of a writer: nothing is lost, and each write(2) ends where a line ends', () => {
  const words = Array.from({ length: 30_000 }, (_, i) => `é${i}🐟`);
  const long = 'x€🐟'.repeat(50_000);
  const { text, pieces } = written((writer) => {
    for (const [i, word] of words.entries()) {
      writer.text(word);
      if (i === 20_000) writer.text(long);
      writer.ascii('plain ');
      writer.number(i);
      writer.seconds(i / 1000);
      writer.base64(BYTES, i % 300);
      writer.endLine();
    }
    writer.write(`${long}\n`);
    writer.write('end\n');
  });
  const lines = words.map(
    (word, i) =>
      `${word}${i === 20_000 ? long : ''}plain ${i}${(i / 1000).toFixed(6)}${BYTES.toString('base64', 0, i % 300)}\n`,
  );
  expect(text === `${lines.join('')}${long}\nend\n`).toBe(true);
  expect(pieces.length).toBeGreaterThan(10);
  expect(pieces.filter((piece) => piece.at(-1) !== 10)).toEqual([]);
});

test('recv and send that are recorded alone: the addon writes the lines that JavaScript writes', async () => {
  const lines = async (...both: string[]) => {
    const files = [path(), path()] as const;
    const child = new Process(process.execPath, [TRANSFERS, ...files, ...both]);
    expect(await child.exit, child.stderr).toBe(0);
    return files.map((file) => readFileSync(file, 'utf8').trimEnd().split('\n').slice(1, -1));
  };
  const [fast = []] = await lines();
  const [slow = [], asJson] = await lines('both');
  expect(slow).toEqual(asJson);
  expect(fast.length).toBeGreaterThan(300);
  expect(fast.map(withoutTimes)).toEqual(slow.map(withoutTimes));

  const calls = fast.map((line): Call => JSON.parse(line));
  expect(calls.map(({ n }) => n)).toEqual(calls.map((_, i) => i + 1));
  const times = calls.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});
