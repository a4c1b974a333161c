import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { bin, dependencies, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A folder with the packed package installed from its tarball alone: no compiler, no script. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  execFileSync(process.execPath, ['native/compile.mjs', 'pack'], { cwd: root, stdio: 'ignore' }); // as prepack does
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const tarball = execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }).trim();
  execFileSync('tar', ['xzf', join(folder, tarball), '-C', folder]);
  execFileSync('mv', [join(folder, 'package'), join(modules, 'posix-select')]);
  for (const name of Object.keys(dependencies))
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
});

afterAll(() => rmSync(folder, { recursive: true }));

function node(...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }).trim();
}

const USE = `console.log(ps.select([], [], [], 0).length, ps.socket.AF_INET, typeof ps.runInWorker)`;

test('the tarball works by import', () => {
  writeFileSync(join(folder, 'use.mjs'), `import * as ps from 'posix-select';\n${USE}`);
  expect(node('use.mjs')).toBe('3 2 function');
});

test('the tarball works by require()', () => {
  expect(node('-e', `const ps = require('posix-select');\n${USE}`)).toBe('3 2 function');
});

test('each of its entry points loads', () => {
  const paths = Object.keys(exports).filter((path) => !/[*]|json/.test(path));
  expect(paths.length).toBeGreaterThan(3);
  for (const path of paths) node('-e', `require('posix-select${path.slice(1)}')`);
});

test('its command runs, and its programs', () => {
  const command = join('node_modules/posix-select', bin);
  expect(node(command, '--help')).toMatch(/select-server/);
  const client = ['select-client', 'a', '127.0.0.1', '1'];
  expect(() => node(command, ...client)).toThrow(/connect 127.0.0.1:1: Connection refused/);
});

test('it carries neither the benchmark nor tests', () => {
  const files = execFileSync('find', ['.'], {
    cwd: join(folder, 'node_modules/posix-select'),
    encoding: 'utf8',
  });
  expect(files).not.toMatch(/\/(src|dist)\/bench\/|\/test\/.*\.(ts|py|mjs)$|\.test\./m);
  expect(files).toMatch(/\/prebuilds\/linux-x64\//);
});
