#!/usr/bin/env node
/**
 * `npm run zoo -- [--times 10] [--spin 6]`: grades all programs of test/teach/zoo again and again. Each must get the
 * same points each time; its grader must end, and leave no process, no zombie, no listener and no file behind.
 * Needs Linux (/proc) and a build.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sys } from '../dist/posix/sys.js';
import { zooCommand } from './support/zoo-command.mjs';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '1' },
    // processes that only use a processor
    spin: { type: 'string', default: '0' },
    // gradings side by side
    jobs: { type: 'string', default: '4' },
    // a file with the points, which is made when it is not there yet: to go on from an earlier run
    points: { type: 'string' },
    // only programs whose name has this in it
    match: { type: 'string', default: '' },
  },
});

/** A grader that has not ended by then never will, on a machine however busy. */
const LIMIT_MS = 600_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const zoo = join(root, 'test/teach/zoo');
const cli = join(root, 'dist/cli/main.js');

/** The assignment of a file, by its name; that of most is select-server. */
function assignmentOf(file) {
  const names = { talk_server: 'talk-server', srv: 'srv', chatclient: 'chatclient', multiconn: 'multiconn' };
  const found = Object.keys(names).find((name) => basename(file).toLowerCase().startsWith(name));
  return found ? names[found] : 'select-server';
}

const ARGS = {
  'select-server': ['{port}'],
  'talk-server': [],
  srv: ['127.0.0.1', '{port}'],
  chatclient: ['localhost', '{port}'],
  multiconn: ['127.0.0.1', '{port}'],
};

/** The kinds that a program has: the names that its text compares with. */
function kindsOf(file) {
  if (!/\/(strangers|students)\//.test(file)) return ['none'];
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /(?:\b(?:kind|how|KIND)\b,? ?(?:===?|!==?|eq|ne|in|strcmp)?,? ?|\bis\(|equals\()["']([a-z0-9]+)["']/g,
  );
  return [...new Set(['none', ...[...found].map(([, kind]) => kind)])];
}

/** All programs of the zoo that can be built here, with what starts each. */
function programs(folder) {
  const names = ['.', 'strangers', 'students'].flatMap((part) =>
    readdirSync(join(zoo, part))
      .filter((name) => /\.(py|pl|js|ts|c|java)$/.test(name) && !/^texts|^__/.test(name))
      .map((name) => join(part, name)),
  );
  return names.flatMap((file) => {
    const assignment = assignmentOf(file);
    let start;
    try {
      start = zooCommand(folder, file);
    } catch (err) {
      console.log(`${file} is left out: ${err.message.split('\n')[0]}`);
      return [];
    }
    return kindsOf(join(zoo, file)).map((kind) => ({
      name: `${file} ${kind}`,
      assignment,
      command: [
        ...['env', `KIND=${kind}`, ...start, ...ARGS[assignment]],
        ...(file.startsWith('strangers') ? [kind] : []),
      ],
    }));
  });
}

function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** What gradings may have left behind: orphans become children of this process, as it asks the kernel for them. */
function traces(folder) {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(read(`/proc/${pid}/status`)));
  const listeners = ['tcp', 'tcp6'].flatMap((table) =>
    read(`/proc/net/${table}`)
      .split('\n')
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , state]) => state === '0A')
      .map(([, local]) => local),
  );
  return [
    ...children.map((pid) => `process ${pid} ${read(`/proc/${pid}/comm`).trim()}`),
    ...listeners.map((local) => `listener ${local}`),
    ...readdirSync(folder).map((name) => `file ${name}`),
  ];
}

/** Those that run: each ends what it has started when it is told to end. */
const graders = new Set();

/** Grades one program. @returns its points, line by line, or why there are none */
function grade({ assignment, command }, cwd) {
  const grader = spawn(process.execPath, [cli, 'grade', assignment, '--', ...command], {
    cwd,
    env: { ...process.env, COLUMNS: '1000', TMPDIR: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  grader.stdout.on('data', (data) => (stdout += data));
  grader.stderr.on('data', (data) => (stderr += data));
  graders.add(grader);
  return new Promise((resolve) => {
    const timer = setTimeout(() => grader.kill('SIGKILL'), LIMIT_MS);
    grader.once('close', (code, signal) => {
      clearTimeout(timer);
      graders.delete(grader);
      const points = [...stdout.matchAll(/^ +(\+?[\d.-]+\/\d+) {2}/gm)].map(([, score]) => score).join(' ');
      const ended =
        [0, 1].includes(code) && stderr === '' ? '' : ` (${signal ?? `exit code ${code}`}: ${stderr.trim()})`;
      resolve({ result: `${points}${ended}`, stdout });
    });
  });
}

async function round(all, points, cwd) {
  const wrong = [];
  const queue = [...all];
  const work = async () => {
    for (let program = queue.shift(); program; program = queue.shift()) {
      const { result, stdout } = await grade(program, cwd);
      points[program.name] ??= result;
      if (points[program.name] === result) continue;
      wrong.push(program.name);
      console.log(`${program.name}: ${result} instead of ${points[program.name]}\n${stdout}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  return wrong;
}

sys.adoptOrphans();
const folder = mkdtempSync(join(tmpdir(), 'posix-select-zoo-'));
mkdirSync(join(folder, 'node_modules'));
symlinkSync(root, join(folder, 'node_modules/posix-select'));
writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
const all = programs(folder).filter(({ name }) => name.includes(values.match));
const points =
  values.points && existsSync(values.points) ? JSON.parse(readFileSync(values.points, 'utf8')) : {};
const spinners = Array.from({ length: Number(values.spin) }, () =>
  spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
process.once('exit', () => {
  for (const spinner of spinners) spinner.kill('SIGKILL');
  for (const grader of graders) grader.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});
let failed = 0;
for (let i = 1; i <= Number(values.times); i++) {
  const before = traces(folder);
  const startMs = performance.now();
  const wrong = await round(all, points, folder);
  const left = traces(folder).filter((trace) => !before.includes(trace));
  failed += wrong.length + left.length;
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(
    `round ${i}: ${all.length} programs in ${seconds} s, ${wrong.length} with other points, ${left.length} left behind`,
  );
  for (const trace of left.slice(0, 20)) console.log(`  left behind: ${trace}`);
  if (values.points) writeFileSync(values.points, `${JSON.stringify(points, null, 1)}\n`);
}
process.exit(failed > 0 ? 1 : 0);
