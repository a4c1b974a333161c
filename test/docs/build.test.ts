/** `npm run build` on a copy of the project: what it compiles again, and what it says where it cannot. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Process } from '../support/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { bin, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const SOURCES = ['src', 'native', 'binding.gyp', 'package.json', 'package-lock.json', 'tsconfig.json'];

/** A copy of the project, its build included; in a path that has a space. */
let copy: string;

beforeAll(() => {
  copy = join(mkdtempSync(join(tmpdir(), 'posix-select-')), 'a copy');
  // With the times of its files, by which make knows what is compiled.
  for (const name of [...SOURCES, 'build', 'dist'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true, preserveTimestamps: true });
  // The notes of the compilers name the addon's headers and the packages' types by paths from here.
  const notes = readFileSync(join(ROOT, 'dist/.tsbuildinfo'), 'utf8');
  const noted = [...notes.matchAll(/node_modules\/(@?[^/"]+)/g)].map(([, name]) => name);
  const copied = new Set(['node-addon-api', ...noted]);
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    const [from, to] = [ROOT, copy].map((folder) => join(folder, 'node_modules', name)) as [string, string];
    if (copied.has(name)) cpSync(from, to, { recursive: true, preserveTimestamps: true });
    else symlinkSync(from, to);
  }
}, 180_000);
afterAll(() => rmSync(dirname(copy), { recursive: true }));

/** Builds the copy: the exit code, and all that was printed. */
function build(env: NodeJS.ProcessEnv = {}, node = process.execPath) {
  const { status, stdout, stderr } = spawnSync(node, ['src/build.mjs'], {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, output: stdout + stderr };
}

/** The modification times of the addon's object files. */
function objects(): Map<string, number> {
  const folder = join(copy, 'build/Release/obj.target/posix_select/native');
  const names = readdirSync(folder).filter((name) => name.endsWith('.o'));
  return new Map(names.map((name) => [name, statSync(join(folder, name)).mtimeMs]));
}

test('when nothing has changed, in a copy too, it starts no process: there is none to be found', () => {
  expect(build({ PATH: '/nowhere' })).toEqual({ status: 0, output: '' });
});

/** Where another version of Node has built, all is compiled anew against the headers of this one, once. */
function compileForThisNode(): void {
  const config = readFileSync(join(copy, 'build/config.gypi'), 'utf8');
  const [, version] = /"node_module_version": (\d+)/.exec(config) ?? [];
  if (version === process.versions.modules) return;
  appendFileSync(join(copy, 'native/select.cc'), '// for another Node\n');
  expect(build()).toEqual({ status: 0, output: '' });
}

test('of the addon it compiles only what has changed; the files of dist/ are also put together anew by another bundle.mjs', () => {
  compileForThisNode();
  const before = objects();
  appendFileSync(join(copy, 'native/select.cc'), '// changed\n');
  const core = join(copy, 'dist/core/core.js');
  writeFileSync(core, 'as it was put together before\n');
  expect(build()).toEqual({ status: 0, output: '' });
  expect(readFileSync(core, 'utf8')).toBe('as it was put together before\n');
  appendFileSync(join(copy, 'src/bundle.mjs'), '// changed\n');
  expect(build()).toEqual({ status: 0, output: '' });
  expect(readFileSync(core, 'utf8')).toMatch(/^import /);
  const changed = [...objects()].filter(([name, time]) => before.get(name) !== time).map(([name]) => name);
  expect(changed).toEqual(['select.o']);
  expect(before.size).toBeGreaterThan(1);
});

const EXTRA = 'src/bench/extra.ts';

test('what was compiled from a source that is gone does not stay behind, and all else does', () => {
  // Nobody imports it: it is run.
  const [old, renamed] = ['bench/wait/wait', 'bench/wait/renamed'];
  const compiled = (name: string) => existsSync(join(copy, `dist/${name}.js`));
  expect(compiled(old)).toBe(true);
  renameSync(join(copy, `src/${old}.ts`), join(copy, `src/${renamed}.ts`));
  writeFileSync(join(copy, EXTRA), 'export const extra = 1;\n'); // for the test after the next
  expect(build()).toEqual({ status: 0, output: '' });
  expect([old, renamed, 'bench/goals', 'teach/replay/page/script'].map(compiled)).toEqual([
    ...[false, true],
    ...[true, true],
  ]);
});

test('where nothing is built the command says what to do, and runs once that is done', () => {
  const command = () => spawnSync(join(copy, bin), ['--version'], { encoding: 'utf8' });
  renameSync(join(copy, 'dist'), join(copy, 'elsewhere'));
  const before = command();
  renameSync(join(copy, 'elsewhere'), join(copy, 'dist'));
  expect(before.status).toBe(1);
  expect(before.stderr).toBe(
    'posix-select: this clone is not built yet. To build it: npm ci && npm run build\n',
  );
  expect(command()).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test('npm run dev builds what changes, and runs the tests of it again', async () => {
  mkdirSync(join(copy, 'watched'));
  const asTest = `import { test } from 'vitest';
import { extra } from '../dist/bench/extra.js';
test('it is ' + extra, () => {});
`;
  writeFileSync(join(copy, 'watched/one.test.mjs'), asTest);
  const args = ['src/build.mjs', 'watch', '--dir', 'watched', '--reporter', 'verbose'];
  const dev = new Process(process.execPath, args, { cwd: copy });
  await dev.out(/it is 1/);
  writeFileSync(join(copy, EXTRA), 'export const extra = 2;\n');
  await dev.out(/it is 2/);
  await dev.end('SIGTERM');
});

describe('what is missing is said without node-gyp’s words', () => {
  const changeAddon = () => appendFileSync(join(copy, 'native/fd.cc'), '// changed\n');

  test('compiler, make, python3', () => {
    changeAddon();
    const { status, output } = build({ PATH: '/nowhere' });
    expect(status).toBe(1);
    expect(output).toMatch(/^posix-select: the addon is compiled here, and that needs python3, make and \S+/);
    expect(output).toMatch(/^To install: /m);
    expect(output).not.toMatch(/gyp|^ {4}at /m);
  });

  test('headers', () => {
    changeAddon();
    const bin = join(dirname(copy), 'bin');
    mkdirSync(bin);
    copyFileSync(process.execPath, join(bin, 'node')); // a Node that has no headers beside it
    renameSync(join(copy, 'build'), join(copy, 'build.away'));
    const nowhere = {
      npm_config_disturl: 'http://127.0.0.1:1',
      npm_config_devdir: join(dirname(copy), 'dev'),
    };
    const { status, output } = build(
      { ...nowhere, npm_config_nodedir: undefined, HOME: copy },
      join(bin, 'node'),
    );
    rmSync(join(copy, 'build'), { recursive: true, force: true });
    renameSync(join(copy, 'build.away'), join(copy, 'build'));
    expect(status).toBe(1);
    expect(output).toMatch(/^posix-select: the addon is compiled against Node's headers, which could not be/);
    expect(output).toMatch(/npm config set nodedir/);
    expect(output).not.toMatch(/gyp ERR|^ {4}at /m);
  });

  test('headers where npm was told that they are', () => {
    changeAddon();
    expect(build({ npm_config_nodedir: copy })).toEqual({
      status: 1,
      output:
        `posix-select: npm is told that Node's headers are in ${copy}, and they are not there.\n` +
        'To take those of this Node: npm config delete nodedir\n',
    });
  });

  test('node_modules', () => {
    changeAddon();
    renameSync(join(copy, 'node_modules'), join(copy, 'node_modules.away'));
    const { status, output } = build();
    renameSync(join(copy, 'node_modules.away'), join(copy, 'node_modules'));
    expect({ status, output }).toEqual({
      status: 1,
      output: 'posix-select: node-gyp is not installed: run npm ci first\n',
    });
  });
});

test('an error of the compiler is shown, and node-gyp’s log is not', () => {
  appendFileSync(join(copy, 'native/fd.cc'), 'int broken = ;\n');
  const { status, output } = build();
  expect(status).toBe(1);
  expect(output).toMatch(/^posix-select: the addon does not compile:\n/);
  expect(output).toMatch(/fd\.cc:\d+:\d+: error/);
  expect(output).not.toMatch(/^gyp/m);
  execFileSync('cp', [join(ROOT, 'native/fd.cc'), join(copy, 'native/fd.cc')]);
});

test('so is one of TypeScript; when it is mended, what was compiled of it is, too', () => {
  writeFileSync(join(copy, EXTRA), "export const extra: number = 'text';\n");
  const { status, output } = build();
  expect(status).toBe(1);
  expect(output).toMatch(
    /^posix-select: the TypeScript does not compile:\nsrc\/bench\/extra\.ts\(1,14\): error TS2322/,
  );
  writeFileSync(join(copy, EXTRA), 'export const extra = 2;\n');
  expect(build()).toEqual({ status: 0, output: '' });
  expect(readFileSync(join(copy, 'dist/bench/extra.js'), 'utf8')).toContain('extra = 2');
});
