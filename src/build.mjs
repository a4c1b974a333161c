#!/usr/bin/env node
/**
 * Builds what has changed since the last build: the addon into build/, the TypeScript into dist/.
 *
 *     node src/build.mjs            both
 *     node src/build.mjs typescript dist/ alone
 *     node src/build.mjs prepare    both, when the package is installed from its git address
 *     node src/build.mjs watch ARG… both, and again after each change, beside vitest; ARG… goes to vitest
 *
 * Plain JavaScript, because it runs before anything is compiled. When nothing has changed it starts no other
 * process: `npm start` then takes no longer than the program itself.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch as watchFolder,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = 'src/teach/replay/page';
/** What the page imports. */
const STORY = 'src/teach/story';
/** Beside what they describe: both go together. */
const BUILD_INFO = 'dist/.tsbuildinfo';
const PAGE_BUILD_INFO = 'dist/.page.tsbuildinfo';
const PAGE_SCRIPT = 'dist/teach/replay/page/script.js';
const COMMAND = 'dist/cli/main.js';
const ADDON = 'build/Release/posix_select.node';
/** A change is built when nothing more has changed for so long. */
const SETTLE_MS = 100;
const require = createRequire(import.meta.url);

/** What has to be installed for the addon to be compiled, and the commands that would do. */
const TOOLS = [
  { name: 'python3', commands: [process.env.PYTHON, 'python3', 'python'] },
  { name: 'make', commands: [process.env.MAKE, 'make', 'gmake'] },
  {
    name: process.platform === 'darwin' ? 'clang++' : 'g++',
    commands: [process.env.CXX, 'g++', 'clang++', 'c++'],
  },
];

class BuildError extends Error {}

/** The files of a folder, and of the folders in it, by their paths from the root. */
function filesIn(folder, pattern) {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length));
}

/** A digest of files' names and contents: the times of a copy, or of a checkout, may differ. */
function digestOf(files) {
  const hash = createHash('sha256');
  for (const file of files.toSorted()) {
    const path = join(ROOT, file);
    const content = existsSync(path) ? readFileSync(path) : '';
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** Runs a build step unless its inputs are those of the last time, and notes them down once it has succeeded. */
async function step(name, inputs, output, build) {
  const note = join(ROOT, `build/.${name}`);
  const digest = digestOf(inputs);
  const [lastDigest, lastFiles] = existsSync(note) ? readFileSync(note, 'utf8').split('\n\n') : [];
  if (lastDigest === digest && existsSync(join(ROOT, output))) return;
  rmSync(note, { force: true }); // a build that fails has written some of its output
  await build((lastFiles?.split('\n') ?? []).filter((file) => !inputs.includes(file)));
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  writeFileSync(note, `${digest}\n\n${inputs.join('\n')}`);
}

/** Runs a script by this Node. @returns its exit code and what it printed, also where it has failed */
function run(file, args) {
  const options = { cwd: ROOT, maxBuffer: Number.POSITIVE_INFINITY };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], options, (err, stdout, stderr) =>
      resolve({ status: err ? (err.code ?? err.signal) : 0, stdout, stderr }),
    );
  });
}

const works = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

async function buildNative() {
  const missing = TOOLS.filter(({ commands }) => !commands.some((command) => command && works(command)));
  if (missing.length > 0) throw new BuildError(adviceFor(missing.map(({ name }) => name)));
  const gyp = installed('node-gyp', 'bin/node-gyp.js');
  const isConfigured = existsSync(join(ROOT, 'build/Makefile'));
  const commands = isConfigured ? ['configure', 'build'] : ['rebuild'];
  for (const command of commands) {
    const { status, stdout, stderr } = await run(gyp, [command, '-j', 'max', ...headers()]);
    if (status !== 0) throw new BuildError(reasonIn(`${stdout}${stderr}`));
  }
}

/**
 * Where Node's headers are: those that came with this Node, as most installations have them, so that node-gyp downloads
 * none; or where npm was told that they are.
 */
function headers() {
  const told = process.env.npm_config_nodedir?.replace(/^~/, homedir()); // as node-gyp does
  const own = join(process.execPath, '../..');
  if (!told) return existsSync(join(own, 'include/node/node_api.h')) ? [`--nodedir=${own}`] : [];
  // Of an installation, or of Node's sources.
  if (['include/node', '.'].some((folder) => existsSync(join(told, folder, 'common.gypi')))) return [];
  throw new BuildError(
    `npm is told that Node's headers are in ${told}, and they are not there.\n` +
      'To take those of this Node: npm config delete nodedir',
  );
}

function adviceFor(names) {
  const list = names.join(', ').replace(/, ([^,]*)$/, ' and $1');
  const install =
    process.platform === 'darwin'
      ? 'xcode-select --install'
      : `apt-get install ${names.join(' ')} (Debian, Ubuntu), or your system's packages of these names`;
  return `the addon is compiled here, and that needs ${list}, which this machine does not have.\nTo install: ${install}`;
}

/** Why node-gyp has failed, without its log: the compiler's own errors, or that there are no headers. */
function reasonIn(log) {
  if (/^.*error:|^make: \*\*\*/m.test(log))
    return `the addon does not compile:\n${log.replace(/^gyp .*\n/gm, '')}`;
  const [, cause = ''] =
    log.match(
      /gyp ERR! (?:stack )?(?:\w*Error: )?(.*(?:ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|response|tunneling).*)/,
    ) ?? [];
  if (cause || /headers/.test(log)) {
    return (
      `the addon is compiled against Node's headers, which could not be downloaded${cause && ` (${cause})`}.\n` +
      'With a network, try again; without one, unpack node-v…-headers.tar.gz of nodejs.org and\n' +
      `say where: npm config set nodedir <folder>   (this is Node ${process.version})`
    );
  }
  return `node-gyp failed:\n${log}`;
}

/** A file of a development dependency; of some, package.json is the only file that `require` finds. */
function installed(name, file) {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), file);
  } catch {
    throw new BuildError(`${name} is not installed: run npm ci first`);
  }
}

/** TypeScript 7 takes an eighth of the time of 6, which typedoc and the tests still need: 7 has no API. */
async function tsc(...args) {
  const { status, stdout, stderr } = await run(installed('@typescript/native', 'bin/tsc'), args);
  if (status !== 0) throw new BuildError(`the TypeScript does not compile:\n${stdout}${stderr}`);
}

/** tsc writes what its notes say has changed, and does not look whether the rest is there. */
async function compile(output, info, ...args) {
  if (!existsSync(join(ROOT, output))) rmSync(join(ROOT, info), { force: true });
  await tsc(...args, '--incremental', '--tsBuildInfoFile', info);
}

/** @param gone sources that were renamed or removed: what was compiled from them goes too */
function removeCompiled(gone) {
  for (const file of gone) {
    const compiled = file.replace(/^src/, 'dist').replace(/\.ts$/, '');
    for (const ending of ['.js', '.js.map', '.d.ts', '.d.ts.map'])
      rmSync(join(ROOT, compiled + ending), { force: true });
  }
}

async function buildTypeScript(gone) {
  removeCompiled(gone);
  await compile(COMMAND, BUILD_INFO);
  // Only a build needs it: when nothing has changed, its packages are not even looked for.
  const { bundle } = await import('./bundle.mjs');
  await bundle(ROOT, filesIn('src', /\.ts$/));
  writeRequireEntries();
}

/** The page's script, with what it imports of the stories; and its other files. */
async function buildPage(gone) {
  removeCompiled(gone);
  await compile(PAGE_SCRIPT, PAGE_BUILD_INFO, '-p', PAGE);
  for (const file of ['page.html', 'page.css'])
    cpSync(join(ROOT, PAGE, file), join(ROOT, 'dist/teach/replay/page', file));
  for (const name of ['next', 'mono']) {
    const font = `node_modules/@fontsource-variable/atkinson-hyperlegible-${name}/files/atkinson-hyperlegible-${name}-latin-wght-normal.woff2`;
    cpSync(join(ROOT, font), join(ROOT, 'dist/teach/replay/page', `${name}.woff2`));
  }
}

/**
 * The entries for `require()`: each a CommonJS file that requires the ES module, so that both ways give the same
 * classes; and the declarations once more as CommonJS, because TypeScript's `node16` takes no others there.
 */
function writeRequireEntries() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap(({ require: entry, import: module }) =>
    entry ? [[entry.default, module.default]] : [],
  );
  for (const [entry, module] of entries) {
    mkdirSync(dirname(join(ROOT, entry)), { recursive: true });
    writeFileSync(join(ROOT, entry), `module.exports = require('${relative(dirname(entry), module)}');\n`);
    copyDeclarations(module.replace(/\.js$/, '.d.ts'), new Set());
  }
}

/** Copies a declaration file, and those that it imports, from dist/ to dist/cjs/. */
function copyDeclarations(file, done) {
  const source = join(ROOT, file);
  if (done.has(source)) return;
  done.add(source);
  const text = readFileSync(source, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
  const out = join(ROOT, 'dist/cjs', relative(join(ROOT, 'dist'), source)).replace(/\.d\.ts$/, '.d.cts');
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, text.replace(/(?<=['"]\.{1,2}\/[^'"]*)\.js(?=['"])/g, '.cjs'));
  for (const [path] of text.matchAll(/(?<=['"])\.{1,2}\/[^'"]*\.js(?=['"])/g))
    copyDeclarations(relative(ROOT, join(dirname(source), path)).replace(/\.js$/, '.d.ts'), done);
}

/**
 * Whether npm installs the dependencies of a checkout. It runs `prepare` then, as it does to pack a dependency that
 * is given by its git address; only the latter must be built at once.
 */
function isCheckout() {
  const { npm_config_user_agent: agent = '', _PACOTE_NO_PREPARE_: fromGit } = process.env;
  return agent.startsWith('npm/') && fromGit === undefined;
}

/** What all steps depend on. */
const CONFIG = ['package-lock.json', 'package.json', 'src/build.mjs'];

function addon() {
  const sources = filesIn('native', /\.(cc|h)$/);
  return step('addon', [...sources, 'binding.gyp', ...CONFIG], ADDON, buildNative);
}

async function dist() {
  const sources = filesIn('src', /\.(c?ts|html|css)$/).filter(
    (file) => !/\/assignments\/.*\/typescript\//.test(file),
  );
  const isIn = (file, folder) => file.startsWith(`${folder}/`);
  const others = sources.filter((file) => !isIn(file, PAGE));
  const ofTypeScript = [...others, 'tsconfig.json', 'src/bundle.mjs', ...CONFIG];
  await step('typescript', ofTypeScript, COMMAND, buildTypeScript);
  const ofPage = sources.filter((file) => isIn(file, PAGE) || isIn(file, STORY));
  const pageConfig = ['tsconfig.json', `${PAGE}/tsconfig.json`];
  await step('page', [...ofPage, ...pageConfig, ...CONFIG], PAGE_SCRIPT, buildPage);
}

async function build(what = 'all') {
  if (what === 'prepare' && isCheckout()) return;
  // Both at once: node-gyp does much of its work on one processor.
  const ends = await Promise.allSettled(what === 'typescript' ? [dist()] : [addon(), dist()]);
  for (const { reason } of ends) if (reason) throw reason;
  // What npm installs from a git address is what it packs of it, and it runs no prepack then.
  if (what === 'prepare') {
    const { status, stderr } = await run(join(ROOT, 'native/compile.mjs'), ['pack']);
    if (status !== 0) throw new BuildError(`the addon cannot be packed:\n${stderr}`);
  }
}

/** Builds again whenever a source changes, beside vitest, which then runs the tests again. */
function watch(args) {
  // Ctrl-C at a terminal goes to both; these do not.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.once(signal, () => vitest.kill(signal));
  const vitest = spawn(process.execPath, [installed('vitest', 'vitest.mjs'), 'watch', ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  let timer;
  let last = Promise.resolve();
  const rebuild = () => {
    last = last.then(buildOrSay);
  };
  const buildOrSay = async () => {
    try {
      await build();
    } catch (err) {
      if (!(err instanceof BuildError)) throw err;
      console.error(`posix-select: ${err.message}`);
    }
  };
  const watchers = ['src', 'native'].map((folder) =>
    watchFolder(join(ROOT, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(rebuild, SETTLE_MS); // an editor writes a file in several steps
    }),
  );
  vitest.once('exit', () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  });
}

const [what, ...args] = process.argv.slice(2);
try {
  await build(what);
  if (what === 'watch') watch(args);
} catch (err) {
  if (!(err instanceof BuildError)) throw err;
  console.error(`posix-select: ${err.message}`);
  process.exitCode = 1;
}
