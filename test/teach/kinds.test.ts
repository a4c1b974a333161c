/** Kinds of programs, machines and attacks that were once judged wrong: each kind by three programs, in other languages. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { cpuUsage } from 'node:process';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { lastError } from '../../dist/teach/grade/complaint.js';
import { type NeedName, needs } from '../support/needs.js';
import { CLI, concurrently, Process, until } from '../support/process.js';
import { close, command, freePort, GRADING_LIMIT_MS, startGrader, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

interface Row {
  assignment: string;
  /** a program of the zoo, and what comes after its port */
  program: string;
  kind: string;
  /** the line of the rubric that matters; all without it */
  only?: number;
  points: number[];
  says?: RegExp;
}

const ARGS: Record<string, string[]> = { 'select-server': ['{port}'] };

/** What a program needs beside python3, node and cc. */
const needOf = (program: string): NeedName[] => {
  if (program.endsWith('.java')) return ['javac'];
  if (program.endsWith('32.c')) return ['32-bit programs'];
  return program === 'srv.pl' ? ['perl with threads'] : [];
};

const THREAD = /it waits in (read|recv|poll): \d+ connected .*for one client/;
const DIES = (error: string) => new RegExp(`^ +seen .*${error}`, 'm');

const ROWS: Row[] = [
  // The end of a text: a newline more.
  ...['srv.c', 'srv.pl', 'srv.js'].map(
    (program): Row => ({ assignment: 'srv', program, kind: 'newline', points: [4, 4, 4, 2, 4, 2] }),
  ),
  // A thread for one user dies, and the server goes on: the thread's last words are what was seen.
  ...Object.entries({
    'srv.py': DIES('KeyError'),
    'srv.pl': DIES('no user of that name'),
    'Srv.java': DIES('NullPointerException'),
  }).map(
    ([program, says]): Row => ({ assignment: 'srv', program, kind: 'dies', only: 3, points: [0], says }),
  ),
  // One that makes progress, and answers late.
  ...['multiconn.c', 'multiconn.js'].map(
    (program): Row => ({ assignment: 'multiconn', program, kind: 'slow', only: 3, points: [4] }),
  ),
  // A thread for each client.
  { assignment: 'multiconn', program: 'Multiconn.java', kind: 'none', points: [2, 4, 4, 2, 4, 2, 2] },
  {
    assignment: 'multiconn',
    program: 'Multiconn.java',
    kind: 'threads',
    only: 5,
    points: [0],
    says: THREAD,
  },
  // System calls of another ABI.
  ...['select', 'pselect', 'old'].map(
    (kind): Row => ({
      assignment: 'select-server',
      program: 'select_server32.c',
      kind,
      points: [5, 5, 5, 5, 5],
    }),
  ),
];

describe('programs', () => {
  for (const row of ROWS) {
    const { assignment, program, kind, only, points, says = /./ } = row;
    needs(...needOf(program)).concurrent(`${assignment}, ${program}: ${kind}`, (context) =>
      concurrently(context, async () => {
        const start = [
          ...command(folder, `strangers/${program}`),
          ...(ARGS[assignment] ?? ['127.0.0.1', '{port}']),
        ];
        const grader = startGrader(
          [assignment, ...(only ? ['--only', String(only)] : []), '--', ...start, kind],
          context,
        );
        await grader.exit;
        expect(grader.stderr).toBe('');
        const found = [...grader.stdout.matchAll(/^ +([\d.]+)\/\d+ {2}/gm)].map(([, points]) =>
          Number(points),
        );
        expect(found, grader.stdout).toEqual(points);
        expect(grader.stdout).toMatch(says);
      }),
    );
  }
});

const SERVERS = ['select_server.c', 'select_server.pl', 'select_server.ts'];

/** Where the grader cannot see what a program waits in; of another /proc it takes long to see that. */
const BLIND: [what: string, servers: string[], start: string[]][] = [
  ['/proc is that of another PID namespace', SERVERS.slice(0, 1), ['unshare', '-pf', '--kill-child']],
  [
    'there is no /proc',
    SERVERS,
    ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'],
  ],
];

describe.each(BLIND)('%s', (_, servers, start) => {
  const test = needs('unshare');
  test.concurrent.for(servers)('%s: what cannot be seen is not graded, and the rest is', (name, context) =>
    concurrently(context, async () => {
      const args = [
        ...[...start.slice(1), process.execPath, CLI, 'grade', 'select-server', '--'],
        ...[...command(folder, `strangers/${name}`), '{port}', 'none'],
      ];
      const env = { ...process.env, COLUMNS: '1000' };
      const grader = new Process(start[0] as string, args, { env });
      expect(await grader.exit, grader.stdout).toBe(0);
      expect(grader.stdout).toMatch(/^select-server: 15 of 15 points\n/);
      expect(grader.stdout.match(/^ +-\/5 {2}/gm)).toHaveLength(2);
      expect(grader.stdout).toMatch(/^ +not graded: (there is no \/proc|the \/proc) here/m);
    }),
  );
});

/** A connection, once somebody listens. */
function connected(port: number): Promise<Socket> {
  return until('it listens', () => {
    return new Promise<Socket | undefined>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket));
      socket.on('error', () => resolve(undefined));
    });
  });
}

/** Servers with a thread for each client. */
const THREADED: [program: string, args: string[]][] = [
  ['threads.py', []],
  ['strangers/multiconn.c', ['threads']],
  ['strangers/Multiconn.java', ['threads']],
];

describe("observe with a thread's id", () => {
  for (const [program, kind] of THREADED)
    needs('Linux', ...needOf(program))(`${program}: what that thread waits in`, async () => {
      const port = await freePort();
      const [file = '', ...args] = command(folder, program);
      const host = kind.length > 0 ? ['127.0.0.1'] : [];
      const server = new Process(file, [...args, ...host, String(port), ...kind]);
      const client = await connected(port);
      onTestFinished(() => void client.destroy());
      const itself = new Process(process.execPath, [CLI, 'observe', String(server.pid)]);
      const waits = `(?:recv|read|poll)\\b.*: \\d+ connected to 127\\.0\\.0\\.1:${client.localPort}`;
      const [, tid = ''] = await itself.out(new RegExp(`thread (\\d+): ${waits}`));
      const thread = new Process(process.execPath, [CLI, 'observe', tid]);
      await thread.out(new RegExp(`^\\S.*, thread ${tid}: ${waits}`));
      expect(thread.lines).toHaveLength(1);
      server.child.kill('SIGKILL');
      expect(await thread.exit).toBe(0);
    });
});

describe('a port that somebody else holds', () => {
  test.for<[string, string]>([
    ['select-server', 'strangers/select_server.c'],
    ['chatclient', 'strangers/chatclient.pl'],
    ['multiconn', 'strangers/multiconn.js'],
  ])('%s, %s: nothing is graded, and it says who has it', async ([assignment, program]) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const start = [...command(folder, program), ...(assignment === 'select-server' ? [] : ['127.0.0.1'])];
    const grader = startGrader([assignment, '--port', String(port), '--', ...start, '{port}', 'none']);
    expect(await grader.exit).toBe(3);
    expect(grader.stdout).toBe('');
    expect(grader.stderr).toMatch(new RegExp(`^port ${port} is in use by \\S+ \\(pid ${process.pid}\\)`));
  });
});

describe('an attack on the grader', () => {
  const test = needs('bwrap');
  test.concurrent.for(['attack.c', 'attack.pl', 'attack.js'])('%s reaches nothing', (name, context) =>
    concurrently(context, async () => {
      const cwd = join(folder, name.replace('.', '-'));
      mkdirSync(cwd);
      const start = command(folder, `forge/${name}`);
      const options = ['--output', 'result.txt', '--only', '1', '--timeout', '0.5'];
      const env = { ...process.env, GITHUB_OUTPUT: '/tmp/SECRET', MY_TOKEN: 'SECRET' };
      const args = [CLI, 'grade', 'select-server', ...options, '--', ...start, '{port}'];
      const grader = new Process(process.execPath, args, { cwd, env });
      expect(await grader.exit).toBe(1);
      expect(grader.stderr).toBe('');
      expect(readFileSync(join(cwd, 'result.txt'), 'utf8')).toMatch(/^select-server: 0 of 5 points\n/);
      expect(readFileSync(join(cwd, 'found'), 'utf8')).toBe('');
      expect(readdirSync(cwd).toSorted()).toEqual(['found', 'result.txt']);
    }),
  );
});

/** Lines that an expression would go over again and again. */
const LONG_LINES: [what: string, line: string][] = [
  ['of Node', `    at ${' (/'.repeat(300_000)}`],
  ['of Java', `\tat ${'a.'.repeat(500_000)}(`],
  ['of Python', `${'a.'.repeat(500_000)}x`],
];

test.each(LONG_LINES)('a long line like a stack trace %s takes no longer than another', (_, line) => {
  const usedUs = (text: string) => {
    const before = cpuUsage();
    lastError(text);
    return cpuUsage(before).user;
  };
  expect(usedUs(line)).toBeLessThan(1_000_000);
  expect(lastError(line).length).toBeLessThan(1000);
});
