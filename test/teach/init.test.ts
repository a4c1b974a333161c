import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLI, Process } from '../peers.js';
import { close, workshop } from './zoo.js';

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

async function init(...args: string[]) {
  const command = new Process(process.execPath, [CLI, 'init', ...args], { cwd: folder });
  return { exit: await command.exit, stdout: command.stdout, stderr: command.stderr };
}

const ASSIGNMENTS = ['select-server', 'talk-server', 'srv', 'chatclient', 'multiconn'];
const LAID_OUT = ASSIGNMENTS.flatMap((name) => ['python', 'typescript'].map((language) => [name, language]));

test.each(LAID_OUT)('%s in %s: the skeleton is graded, and scores 0', async (name, language) => {
  const directory = `${name}-${language}`;
  const { exit, stderr } = await init(name, directory, '--language', language);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const path = join(folder, directory);
  const readme = readFileSync(join(path, 'README.md'), 'utf8');
  const commands = [...readme.matchAll(/```sh\n(.*)\n```/g)].map(([, command]) => command);
  expect(commands).toHaveLength(2);

  let line = commands[1];
  if (language === 'typescript') {
    execFileSync(process.execPath, [TSC], { cwd: path, stdio: 'inherit' });
    expect(commands[1]).toBe('npm run grade');
    const { scripts } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    line = scripts.grade.replace('tsc && ', 'npx ');
  }
  const [npx, command, ...args] = line.split(' ');
  expect([npx, command]).toEqual(['npx', 'posix-select']);
  const grader = new Process(process.execPath, [CLI, ...args], { cwd: path });
  expect(await grader.exit).toBe(1);
  expect(grader.stderr).toBe('');
  expect(grader.stdout).toMatch(new RegExp(`^${name}: 0 of \\d+ points\n`));
  expect(grader.stdout).toMatch(/^ +seen +it ended before.*: (exit code 0|.*'?-p\b.*)$/m);
});

test('the directory is named as the assignment, if it has no other name', async () => {
  const { stdout } = await init('srv');
  expect(stdout).toBe(`srv is ready: begin with ${join('srv', 'README.md')}\n`);
  expect(readdirSync(join(folder, 'srv')).toSorted()).toEqual([
    'README.md',
    'package.json',
    'srv.ts',
    'tsconfig.json',
  ]);
});

test('a directory that is not empty is left alone', async () => {
  const directory = mkdtempSync(join(folder, 'mine-'));
  writeFileSync(join(directory, 'work'), 'mine');
  const { exit, stderr } = await init('srv', directory);
  expect({ exit, stderr }).toEqual({ exit: 1, stderr: `${directory} is not empty\n` });
  expect(readdirSync(directory)).toEqual(['work']);
});

test('an empty directory will do, and a file will not', async () => {
  mkdirSync(join(folder, 'empty'));
  expect((await init('srv', 'empty')).exit).toBe(0);
  const { exit, stderr } = await init('srv', 'package.json');
  expect(exit).toBe(1);
  expect(stderr).toMatch(/^EEXIST: .*\n$/);
});

test('an assignment that there is not: usage', async () => {
  const { exit, stderr } = await init('no-such');
  expect(exit).toBe(2);
  expect(stderr).toMatch(
    /^usage: posix-select init .*\nerror: .*Allowed choices are select-server, talk-server/,
  );
});
