/** `posix-select lessons`: the pages of docs/lessons in the terminal. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLI } from '../support/process.js';

const LESSONS = new URL('../../docs/lessons/', import.meta.url);
const lessons = (...args: string[]) =>
  execFileSync(process.execPath, [CLI, 'lessons', ...args], {
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '72' },
  });

test('without a number it lists them all, and says where their programs are', () => {
  const titles = readdirSync(LESSONS)
    .filter((name) => /^\d/.test(name) && name.endsWith('.md'))
    .map((name) => [
      name.split('-')[0],
      readFileSync(new URL(name, LESSONS), 'utf8').match(/^# (?:\d+\. )?(.*)/)?.[1],
    ]);
  const text = lessons();
  expect(titles.length).toBeGreaterThan(8);
  for (const [number, title] of titles) expect(text).toContain(` ${number}  ${title}\n`);
  expect(text).toMatch(/^ *teachers {2}For teachers$/m);
  expect(text).toMatch(/Their programs are in .*docs\/lessons$/m);
});

test('each is shown within the width, its commands as they are', () => {
  for (const [number] of lessons().matchAll(/(?<=^ +)\d+/gm)) {
    const page = readFileSync(
      new URL(readdirSync(LESSONS).find((name) => name.startsWith(`${number}-`)) as string, LESSONS),
      'utf8',
    );
    const shown = lessons(number);
    for (const [, command] of page.matchAll(/^\$ (.*)$/gm)) expect(shown).toContain(`    $ ${command}\n`);
    expect(shown.split('\n').filter((line) => line.length > 72 && !/^ {4}|^\||\S{60}/.test(line))).toEqual(
      [],
    );
    expect(shown).not.toMatch(/^```|<!--/m);
  }
});

test('one that is not there is said in a line', () => {
  const { status, stderr } = spawnSync(process.execPath, [CLI, 'lessons', '42'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: 'there is no lesson 42: posix-select lessons lists them\n',
  });
});
