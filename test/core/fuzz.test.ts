/** The fuzzer in its short form; `npm run fuzz` is the long one. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Process } from '../support/process.js';

const FUZZ = fileURLToPath(new URL('../fuzz.mjs', import.meta.url));

test('10,000 random calls: each returns, or throws a TypeError or RangeError', async () => {
  const fuzz = new Process(process.execPath, [FUZZ, '--calls', '10000']);
  expect(await fuzz.exit, fuzz.stdout + fuzz.stderr).toBe(0);
  expect(fuzz.stdout).toMatch(/^10000 calls: \d+ returned, \d+ threw; 0 finds, seed \d+\n$/);
});
