/** A teacher's own points: what YAML allows is read, and what is wrong is told with its line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { assignment } from '../../dist/teach/assignments/multiconn/checks.js';
import { readPoints, withPoints } from '../../dist/teach/grade/points.js';

const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  const file = join(folder, 'points.yaml');
  writeFileSync(file, text);
  return readPoints(file);
}

const [first, second, third] = assignment.lines.map(({ title }) => title) as [string, string, string];

test.each([
  ['titles', `${first}: 5\n${second}: 0\n`],
  ['numbers', `1: 5\n2: 0\n`],
  ['quotes, a comment, a document of its own', `--- # ours\n"${first}": 5 # more\n'${second}': 0\n...\n`],
  ['one line', `{"${first}": 5, "${second}": 0}`],
  ['an anchor and a long key', `? ${first}\n: &five 5.0\n${second}: 0x0\n`],
])('%s', async (_, text) => {
  const { lines } = withPoints(assignment, await read(text));
  expect(lines.length).toBe(assignment.lines.length - 1);
  expect(lines[0]).toMatchObject({ title: first, points: 5 });
  expect(lines[1]).toMatchObject({ title: third, points: 4 });
});

test('the parts of a line keep their shares', async () => {
  const { lines } = withPoints(assignment, await read('5: 1\n'));
  expect(lines[4]?.parts.map(({ points }) => points)).toEqual([0.5, 0.5]);
});

test('an empty file changes nothing', async () => {
  expect(withPoints(assignment, await read('# later\n'))).toEqual(assignment);
});

const EXAMPLE = /it must be like "Prints where it listens: 2"/;

test.each([
  ['no number', `${first}: 5\n${second}: many\n`, 2, EXAMPLE],
  ['less than nothing', `${first}: -5\n`, 1, EXAMPLE],
  ['a list', `- ${first}\n`, 1, EXAMPLE],
  ['lines within a line', `${first}:\n  ${second}: 5\n`, 1, EXAMPLE],
  ['no end of a quote', `${first}: 5\n"${second}: 5\n`, 2, /on a single line/],
  ['a line twice', `${first}: 5\n${first}: 6\n`, 2, /unique/],
])('told with its line: %s', async (_, text, line, why) => {
  const err = await read(text).catch((err) => err);
  expect(err.message).toMatch(new RegExp(`points\\.yaml, line ${line}: `));
  expect(err.message).toMatch(why);
});

test('a line that there is not is told, with those that there are', async () => {
  const points = await read('# ours\nPrints nothing: 5\n');
  expect(() => withPoints(assignment, points)).toThrow(
    /points\.yaml, line 2: multiconn has no line "Prints nothing"(.*\n)*.*1: Prints where/,
  );
});

test('a file that is not there is told', async () => {
  await expect(readPoints(join(folder, 'none.yaml'))).rejects.toThrow(/none\.yaml cannot be read: ENOENT/);
});
