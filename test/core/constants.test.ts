/**
 * The constants: native/constants.cc is the only list. This test writes src/posix/*-constants.ts from it, with
 * `npx vitest run test/core/constants.test.ts -u`, and fails where the two differ.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sys } from '../../dist/posix/sys.js';

const source = readFileSync(new URL('../../native/constants.cc', import.meta.url), 'utf8');

/** The names in each section of the list: a comment `name: what` begins one. */
const sections = source
  .split(/^ +\/\/ (?=\w+: )/m)
  .slice(1)
  .map((section) => ({
    name: section.slice(0, section.indexOf(':')),
    constants: [...section.matchAll(/CONSTANT\((\w+)\)/g)].map(([, constant]) => constant as string),
  }));

test.each(sections)('$name', async ({ name, constants }) => {
  const text = [
    '// Written from native/constants.cc: see test/core/constants.test.ts.',
    "import { sys } from './sys.js';",
    '',
    ...constants.map((constant) => `export const ${constant} = sys.constants.${constant} as number;`),
    '',
  ].join('\n');
  await expect(text).toMatchFileSnapshot(`../../src/posix/${name}-constants.ts`);
});

test('each constant of this platform has a value, and none is listed twice', () => {
  const names = sections.flatMap(({ constants }) => constants);
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(sys.constants).filter((name) => !names.includes(name))).toEqual([]);
  for (const value of Object.values(sys.constants)) expect(Number.isInteger(value)).toBe(true);
});
