/** The arrows between the parts of the source: who may import whom. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import * as api from 'posix-select';
import { preProcessFile } from 'typescript';
import { describe, expect, test } from 'vitest';
import * as selectConstants from '../../dist/posix/select-constants.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const list = (folder: string) =>
  readdirSync(new URL(`../../${folder}`, import.meta.url), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .toSorted();

const FILES = list('src').filter((file) => file.endsWith('.ts'));
const { exports } = JSON.parse(read('package.json'));
const PUBLIC = Object.keys(exports)
  .filter((path) => !/\*|json/.test(path))
  .map((path) => posix.join('posix-select', path));

/** What a file imports: files of src by their path from the root, all else by its name. */
function imports(file: string, text = read(file)): string[] {
  return preProcessFile(text, true, true).importedFiles.map(({ fileName: name }) =>
    name.startsWith('.') ? posix.join(posix.dirname(file), name).replace(/\.js$/, '.ts') : name,
  );
}

interface Rule {
  part: string;
  files: RegExp;
  mayImport: (RegExp | string)[];
  /** Imports of such a file that break the rule: it would be none if it let them pass. */
  not: string[];
}

const NODE = /^node:/;
const POSIX = /^src\/posix\//;
const API = /^src\/(?!index)(selectors\/)?[\w-]+\.ts$/;
const LOOP = /^src\/loop\//;
const WORKER = /^src\/worker\//;
const BENCH = /^src\/bench\//;
const COMPARE = /^src\/compare\//;
/** What all teaching tools may use. */
const TEACH = /^src\/teach\/[\w-]+\.ts$/;
const room = (name: string) => new RegExp(`^src/teach/${name}/`);
const [RECORDING, STORY, TRACE, STRACE, RECORD, OBSERVE, REPLAY, GRADE] = [
  ...['recording', 'story', 'trace', 'strace', 'record', 'observe', 'replay', 'grade'],
].map(room);
const SKELETONS = /^src\/teach\/assignments\/[\w-]+\/typescript\//;
const ASSIGNMENTS = /^src\/teach\/assignments\/([\w-]+\/)?[\w-]+\.ts$/;

const BELOW_TEACH = [TEACH, LOOP, API, POSIX, NODE];

const RULES: Rule[] = [
  {
    part: 'posix',
    files: POSIX,
    mayImport: [POSIX, NODE],
    not: ['../fdset.js', '../loop/lines.js', 'posix-select'],
  },
  {
    part: 'the API',
    files: API,
    mayImport: [API, POSIX, NODE],
    not: ['./worker/run.js', './index.js', './loop/peer.js', './programs/select-server.js', 'posix-select'],
  },
  {
    part: 'loop',
    files: LOOP,
    mayImport: [LOOP, API, POSIX, NODE],
    not: ['../worker/run.js', '../programs/srv.js', '../teach/text.js', '../index.js', 'posix-select'],
  },
  {
    part: 'worker',
    files: WORKER,
    mayImport: [WORKER, POSIX, NODE],
    not: ['../select.js', '../socket.js', '../loop/terminal.js', '../index.js', 'posix-select', 'commander'],
  },
  {
    part: 'programs',
    files: /^src\/programs\//,
    mayImport: [...PUBLIC, NODE],
    not: [
      './select-client.js',
      '../select.js',
      '../loop/listener.js',
      '../posix/sys.js',
      '../worker/run.js',
      '../teach/trace/trace.js',
      'posix-select/programs/select-client',
      'posix-select/dist/posix/sys.js',
      'commander',
    ],
  },
  {
    part: 'index',
    files: /^src\/index\.ts$/,
    mayImport: [API, 'src/posix/errors.ts', 'src/posix/select-constants.ts', 'src/worker/run.ts'],
    not: ['./cli/main.js', './posix/sys.js', './loop/listener.js', './programs/select-server.js'],
  },
  {
    part: 'cli',
    files: /^src\/cli\//,
    mayImport: [/^src\/cli\//, LOOP, API, POSIX, /^src\/teach\//, COMPARE, WORKER, NODE, 'commander'],
    not: ['../programs/select-server.js', '../bench/bench.js', '../index.js'],
  },
  {
    part: 'teach',
    files: TEACH,
    mayImport: [TEACH, NODE],
    not: ['../select.js', './trace/trace.js', 'commander'],
  },
  {
    part: 'recording',
    files: RECORDING,
    mayImport: [RECORDING, ...BELOW_TEACH],
    not: ['../trace/trace.js', '../replay/page.js', '../observe/proc.js', '../../cli/main.js'],
  },
  {
    part: 'story', // in the page, too: it has nothing of Node
    files: STORY,
    mayImport: [STORY],
    not: ['../replay/page.js', '../recording/format.js', '../text.js', 'node:fs'],
  },
  {
    part: 'trace',
    files: TRACE,
    mayImport: [TRACE, STORY, RECORDING, ...BELOW_TEACH],
    not: ['../replay/page.js', '../observe/proc.js', '../grade/run.js', '../../index.js'],
  },
  {
    part: 'strace',
    files: STRACE,
    mayImport: [STRACE, TRACE, RECORDING, ...BELOW_TEACH],
    not: ['../replay/page.js', '../record/record.js', '../observe/proc.js', '../../index.js'],
  },
  {
    part: 'record',
    files: RECORD,
    mayImport: [RECORD, STRACE, TRACE, RECORDING, OBSERVE, ...BELOW_TEACH], // the addresses of an accepted socket
    not: ['../replay/page.js', '../story/story.js', '../grade/run.js', '../../cli/main.js'],
  },
  {
    part: 'observe',
    files: OBSERVE,
    mayImport: [OBSERVE, ...BELOW_TEACH],
    not: ['../trace/fd-names.js', '../recording/format.js', '../grade/run.js', 'commander'],
  },
  {
    part: 'replay',
    files: REPLAY,
    mayImport: [REPLAY, STRACE, TRACE, STORY, RECORDING, ...BELOW_TEACH],
    not: ['../observe/proc.js', '../grade/run.js', '../../programs/srv.js'],
  },
  {
    part: 'grade',
    files: GRADE,
    mayImport: [GRADE, OBSERVE, RECORD, REPLAY, STORY, ...BELOW_TEACH, 'yaml'], // a lost line is recorded
    not: ['../trace/trace.js', '../assignments/index.js', '../assignments/srv/checks.js', '../../index.js'],
  },
  {
    part: 'lessons',
    files: room('lessons'),
    mayImport: BELOW_TEACH,
    not: ['../trace/trace.js', '../assignments/index.js', '../../programs/srv.js', '../../cli/main.js'],
  },
  {
    part: 'assignments',
    files: ASSIGNMENTS,
    mayImport: [ASSIGNMENTS, GRADE, OBSERVE, ...BELOW_TEACH],
    not: ['../../trace/trace.js', '../../replay/page.js', '../../../programs/srv.js', '../../../cli/main.js'],
  },
  {
    part: 'skeletons',
    files: SKELETONS,
    mayImport: [...PUBLIC, NODE],
    not: ['../checks.js', '../../../../../select.js', '../../../recording/format.js', 'commander'],
  },
  {
    part: 'compare', // its servers are measured by the benchmark, too
    files: COMPARE,
    mayImport: [COMPARE, ...PUBLIC, NODE],
    not: ['../select.js', '../posix/sys.js', '../loop/outbox.js', '../bench/trial.js', 'commander'],
  },
  {
    part: 'bench',
    files: BENCH,
    mayImport: [
      BENCH,
      'src/teach/record/strace-process.ts', // strace alone is asked for the same calls
      ...PUBLIC,
      NODE,
      ...['cli-progress', 'cli-table3', 'commander', 'koffi', 'simple-statistics', 'vega', 'vega-lite'],
    ],
    not: ['../select.js', '../posix/sys.js', '../loop/outbox.js'],
  },
];

/** The imports of a file that a rule does not allow. */
function forbidden({ mayImport }: Rule, file: string, text?: string): string[] {
  const isAllowed = (name: string) =>
    mayImport.some((allowed) => (typeof allowed === 'string' ? allowed === name : allowed.test(name)));
  return imports(file, text).filter((name) => !isAllowed(name));
}

describe.each(RULES)('$part', (rule) => {
  const files = FILES.filter((file) => rule.files.test(file));

  test('imports only what it may', () => {
    expect(files).not.toEqual([]);
    expect(files.flatMap((file) => forbidden(rule, file).map((name) => [file, name]))).toEqual([]);
  });

  test.each(rule.not)('may not import %s', (name) => {
    const ways = [`import x from '${name}'`, `export * from '${name}'`, `import type { X } from '${name}'`];
    for (const text of [...ways, `import '${name}'`, `await import('${name}')`, `require('${name}')`]) {
      expect(forbidden(rule, files[0], text)).toHaveLength(1);
    }
  });
});

test('each file of src is under one rule', () => {
  const rules = (file: string) => RULES.filter(({ files }) => files.test(file)).map(({ part }) => part);
  expect(FILES.filter((file) => rules(file).length !== 1)).toEqual([]);
});

test('only posix/addon.cts loads the addon, and only posix/sys.ts imports that', () => {
  const isLoader = (file: string) => /node-gyp-build|createRequire|\.node'|process\.dlopen/.test(read(file));
  expect(list('src').filter((file) => /\.c?ts$/.test(file) && isLoader(file))).toEqual([
    'src/posix/addon.cts',
  ]);
  expect(FILES.filter((file) => /addon\.cjs/.test(read(file)))).toEqual(['src/posix/sys.ts']);
});

/** The files that are on a cycle of imports. */
function onCycle(graph: Map<string, string[]>): string[] {
  const rest = new Map(graph);
  const isLeaf = (file: string) => !rest.get(file)?.some((name) => rest.has(name));
  for (let leaves = ['']; leaves.length > 0; ) {
    leaves = [...rest.keys()].filter(isLeaf);
    for (const leaf of leaves) rest.delete(leaf);
  }
  return [...rest.keys()];
}

test('no file imports itself in a roundabout way', () => {
  expect(onCycle(new Map(FILES.map((file) => [file, imports(file)])))).toEqual([]);
  const planted = { a: ['b', 'd'], b: ['c'], c: ['a'], d: [] };
  expect(onCycle(new Map(Object.entries(planted)))).toEqual(['a', 'b', 'c']);
});

test('the package exports what its reference says', () => {
  expect(Object.keys(api).toSorted()).toEqual(
    [
      'select',
      'selectFdSets',
      'FdSet',
      'FD_SETSIZE',
      'FD_ZERO',
      'FD_SET',
      'FD_CLR',
      'FD_ISSET',
      'selectors',
      'socket',
      'Kqueue',
      'kqueue',
      'Kevent',
      'kevent',
      'OSError',
      'errno',
      'strerror',
      'repr',
      'runInWorker',
      ...['Poll', 'poll', 'Epoll', 'epoll'],
      ...Object.keys(selectConstants),
    ].toSorted(),
  );
});

describe('native', () => {
  const files = list('native');
  const sources = files.filter((file) => file.endsWith('.cc'));

  test('each source is compiled once, whatever builds the addon', () => {
    const units: string[] = JSON.parse(read('binding.gyp')).targets[0].sources;
    const included = [...read('native/addon.cc').matchAll(/^#include "(.*\.cc)"$/gm)].map(
      ([, name]) => `native/${name}`,
    );
    expect([...units, ...included].toSorted()).toEqual(sources);
    const [, ofCMake] =
      read('CMakeLists.txt').match(/add_library\(posix_select SHARED (.*) \$\{CMAKE_JS_SRC\}\)/) ?? [];
    expect(ofCMake?.split(' ')).toEqual(units);
    const [, ofCompiler] = read('native/compile.mjs').match(/^const UNITS = \[(.*)\];$/m) ?? [];
    expect(ofCompiler?.split(', ').map((name) => `native/${name.slice(1, -1)}`)).toEqual(units);
  });

  test('each header is included', () => {
    const headers = files.filter((file) => file.endsWith('.h')).map((file) => posix.basename(file));
    expect(headers).not.toEqual([]);
    const included = sources.flatMap((file) => read(file).match(/(?<=^#include ").*(?=")/gm) ?? []);
    expect(headers.filter((name) => !included.includes(name))).toEqual([]);
  });
});
