/** The workflows for GitHub: they are valid, and what they run is there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.github/workflows');
const WORKFLOWS = readdirSync(FOLDER).map((name) => join(FOLDER, name));
const VALIDATOR = join(ROOT, 'node_modules/.bin/action-validator');

test.each(WORKFLOWS)('%s is valid', (file) => {
  execFileSync(VALIDATOR, [file], { cwd: ROOT });
});

test('one that is not valid is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'broken.yml');
  writeFileSync(file, 'name: broken\non: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    stepz: []\n');
  expect(spawnSync(VALIDATOR, [file]).status).not.toBe(0);
});

test('each npm script that they run is one of package.json', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const commands = WORKFLOWS.flatMap((file) => {
    const jobs = Object.values(parse(readFileSync(file, 'utf8')).jobs) as { steps: { run?: string }[] }[];
    return jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  });
  const used = commands.flatMap((run) =>
    [...run.matchAll(/npm (?:run )?(test|(?<=run )[\w:]+)/g)].map(([, name]) => name),
  );
  expect(used.length).toBeGreaterThan(4);
  expect(used.filter((name) => !((name as string) in scripts))).toEqual([]);
});
