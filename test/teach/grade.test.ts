import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { concurrently, until } from '../support/process.js';
import {
  close,
  command,
  expectGolden,
  freePort,
  GRADING_LIMIT_MS,
  NOT_ISOLATED,
  SHORT_WAITS,
  startGrader,
  workshop,
} from '../support/zoo.js';

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

/** The points of each line, what was seen where some were lost, the hints, and the notes. */
function report(stdout: string) {
  return {
    points: [...stdout.matchAll(/^ +([\d.]+)\/\d+ {2}/gm)].map(([, points]) => Number(points)),
    seen: [...new Set([...stdout.matchAll(/^ +seen {6}(.*)$/gm)].map(([, seen]) => seen))],
    hints: [...stdout.matchAll(/^ +hint {6}(.*)$/gm)].map(([, hint]) => hint),
    notes: [...stdout.replace(NOT_ISOLATED, '').matchAll(/^note: (.*)$/gm)].map(([, note]) => note),
  };
}

const LISTENER = 'listener 127\\.0\\.0\\.1:\\d+ \\(LISTEN\\)';
const CONN = 'connected to 127\\.0\\.0\\.1:\\d+';
const BUSY = 'it never waits: it is running in each sample \\(busy loop\\)';

const FULL = [5, 5, 5, 5, 5];
const NO_SELECT = [5, 5, 5, 0, 0];

/** What some of them are told to look for. */
const HINTS: Record<string, RegExp> = {
  'poll.py': /^this assignment is about select\(2\): poll\(2\)/,
  'busy.py': /^select\(\) does not wait with a timeout of 0/,
  'ends_well.py': /^it ended as if all were done/,
  'never_accepts.py': /blocked in one call \(read\)/,
  'selects_twice.py': /^one call can wait for all of them/,
};

/** Each server's points, what was found where it lost some, and the notes. */
const ZOO: [name: string, points: number[], seen: string[], notes?: string[]][] = [
  ['select-server', FULL, []],
  ['literal.py', FULL, []],
  ['wlist.py', FULL, []],
  ['select_selector.py', FULL, []],
  ['select.c', FULL, []],
  ['short_timeout.ts', FULL, []],
  [
    'threads.py',
    NO_SELECT,
    [
      `it waits in accept: \\d+ ${LISTENER}`,
      `it waits in recv: \\d+ ${CONN}; recv: \\d+ ${CONN} \\(a thread for each\\)`,
    ],
  ],
  [
    'forks.py',
    NO_SELECT,
    [
      `it waits in accept: \\d+ ${LISTENER}`,
      `it waits in recv: \\d+ ${CONN}; recv: \\d+ ${CONN} \\(a process for each\\)`,
    ],
  ],
  [
    'select_each.py',
    [5, 5, 5, 5, 0],
    [
      `it waits in select, no timeout: \\d+ ${CONN}; select, no timeout: \\d+ ${CONN} \\(a thread for each\\)`,
    ],
  ],
  [
    'except_only.py',
    NO_SELECT,
    [
      `it waits in select, timeout 0.02 s: \\d+ ${LISTENER} \\[except\\]`,
      `it waits in select, timeout 0.02 s: .*\\d+ ${CONN} \\[except\\]`,
    ],
  ],
  ['busy_thread.c', NO_SELECT, [BUSY]],
  [
    'one_at_a_time.py',
    NO_SELECT,
    [
      `it waits in accept: \\d+ ${LISTENER}`,
      `it waits in recv: \\d+ ${CONN}; nobody waits for the other client`,
    ],
  ],
  [
    'listener_only.py',
    [5, 5, 5, 5, 0],
    [`it waits in recv: \\d+ ${CONN}; nobody waits for the other client`],
  ],
  [
    'asyncio_loop.py',
    NO_SELECT,
    [
      `it waits in epoll_wait, no timeout: \\d+ Unix socket, \\d+ ${LISTENER}`,
      `it waits in epoll_wait, no timeout: \\d+ Unix socket, \\d+ ${LISTENER}, \\d+ ${CONN}, \\d+ ${CONN}`,
    ],
  ],
  [
    'default_selector.py',
    NO_SELECT,
    [
      `it waits in epoll_wait, no timeout: \\d+ ${LISTENER}`,
      `it waits in epoll_wait, no timeout: \\d+ ${LISTENER}, \\d+ ${CONN}, \\d+ ${CONN}`,
    ],
  ],
  [
    'node_net.ts',
    NO_SELECT,
    [
      `it waits in epoll_wait, [^:]+: \\d+ pipe, .*\\d+ ${LISTENER}`,
      `it waits in epoll_wait, [^:]+: \\d+ pipe, .*\\d+ ${LISTENER}, \\d+ ${CONN}, \\d+ ${CONN}`,
    ],
  ],
  [
    'poll.py',
    NO_SELECT,
    [
      `it waits in poll, no timeout: \\d+ ${LISTENER}`,
      `it waits in poll, no timeout: \\d+ ${LISTENER}, \\d+ ${CONN}, \\d+ ${CONN}`,
    ],
  ],
  ['busy.py', NO_SELECT, [BUSY]],
  ['sleeps.py', NO_SELECT, ['it sleeps, in a select\\(\\) that has no descriptors']],
  ['keeps_closed.py', [5, 5, 5, 5, 4], [BUSY]],
  [
    'wrong_texts.py',
    [0, 5, 5, 5, 5],
    ["the last line that it printed: New client: \\('127\\.0\\.0\\.1', \\d+\\)"],
  ],
  ['wrong_count.py', [5, 5, 0, 5, 5], ['it printed: \\(.*\\) 40 bytes: b.*']],
  [
    'dies_on_reset.py',
    FULL,
    [],
    [
      'after a client had reset its connection: the program ended: exit code 1: ConnectionResetError: [Errno 104] Connection reset by peer',
    ],
  ],
  ['no_disconnect.py', [5, 0, 5, 5, 5], ['it printed: \\(.*\\): connected']],
  [
    'buffered.py',
    [0, 5, 5, 5, 5],
    ['it was printed only when the program ended: until then its output was held back in a buffer'],
  ],
  ['wrong_port.py', [4, 5, 5, 5, 5], ['it listens on 127\\.0\\.0\\.1:\\d+']],
  [
    'crash.py',
    [0, 0, 0, 0, 0],
    ["it ended before a client could connect: exit code 1: NameError: name 'port' is not defined"],
  ],
  ['never_listens.py', [0, 0, 0, 0, 0], ['it did not listen: it waits in nanosleep: for time to pass']],
  ['background.py', FULL, [], ['it left a process behind: python3']],
  [
    'selects_twice.py',
    [5, 5, 5, 5, 0],
    [
      `by turns: it waits in select, timeout 0.05 s: \\d+ ${CONN}, \\d+ ${CONN}; then it waits in select, timeout 0.05 s: \\d+ ${LISTENER}`,
    ],
  ],
  ['stderr.py', [4, 5, 5, 5, 5], ['\\(.*\\): connected']],
  [
    'ends_well.py',
    [5, 5, 5, 5, 4],
    ['the program ended: exit code 0'],
    ['it ended when its only client had left: exit code 0'],
  ],
  [
    'never_accepts.py',
    [0, 0, 0, 0, 0],
    [
      'it printed nothing; it accepts no client: it waits in read: 0 pipe',
      'it waits in read: 0 pipe',
      'the listen queue is full; it accepts no client: it waits in read: 0 pipe',
    ],
  ],
  ['ignores_sigint.py', FULL, [], ['Ctrl-C (SIGINT) did not end it: it had to be killed']],
];

/** For faulty programs: what they fail to do is waited for. */
const FAULTY_WAITS = ['--timeout', '0.5'];

/** A busy program takes a processor for itself: beside several others it takes three times as much of it. */
const isBusy = ([, , seen]: (typeof ZOO)[number]) => seen.includes(BUSY);

describe('select-server: each of the zoo loses just its lines, with the right sentence', () => {
  const check = (row: (typeof ZOO)[number], context: TestContext) =>
    concurrently(context, async () => {
      const [name, points, seen, notes = []] = row;
      const isFaulty = String(points) !== String(FULL);
      const options = isBusy(row) ? SHORT_WAITS : isFaulty ? FAULTY_WAITS : [];
      const server = [...command(folder, name), '{port}'];
      const grader = startGrader(['select-server', ...options, '--', ...server], context);
      expect(await grader.exit, grader.stdout).toBe(points.reduce((sum, n) => sum + n) === 25 ? 0 : 1);
      expect(grader.stderr).toBe('');
      const found = report(grader.stdout);
      expect({ points: found.points, notes: found.notes }, grader.stdout).toEqual({ points, notes });
      if (HINTS[name]) expect(found.hints).toContainEqual(expect.stringMatching(HINTS[name]));
      expect(found.seen).toEqual(seen.map((pattern) => expect.stringMatching(new RegExp(`^${pattern}$`))));
      await expectGolden(context, 'select-server', name, grader.stdout);
    });
  test.concurrent.for(ZOO.filter((row) => !isBusy(row)))('%s', check);
  test.for(ZOO.filter(isBusy))('%s', check);
});

test('endless.py: a loop that hears nobody is no busy loop', async () => {
  const server = command(folder, 'endless.py');
  const grader = startGrader(['select-server', ...SHORT_WAITS, '--', ...server, '{port}']);
  expect(await grader.exit).toBe(1);
  const { points, seen, hints } = report(grader.stdout);
  expect(points).toEqual([5, 0, 0, 5, 0]);
  const running = 'it is running all the time';
  expect(seen).toContainEqual(expect.stringMatching(`; it does not read what it was sent: ${running}`));
  expect(seen).toContain(`${running}, and accepts nobody (endless loop)`);
  expect(hints).toContainEqual(expect.stringMatching(/^a loop goes round for ever/));
});

describe('the command line', () => {
  test.each([
    [['no-such', '--', 'true'], /^usage: posix-select grade .*\nerror: .*There are select-server, /],
    [['no-such'], /^usage: .*\nerror: .*'no-such' is invalid.*There are select-server, /],
    [['select-server'], /^usage: .*\nerror: missing required argument 'command'/],
    [['select-server', '--', 'true'], /^usage: .*\nerror: the command has no \{port\}/],
    [
      ['select-server', '--timeout', '0', '--', 'true', '{port}'],
      /^usage: .*\nerror: .*'0' is invalid\. It must be above 0/,
    ],
    [['select-server', '--json', 'xml', '--', 'true'], /^usage: .*\nerror: .*Allowed choices are gradescope/],
  ])('%j: usage and exit code 2', async (args, stderr) => {
    const grader = startGrader(args);
    expect(await grader.exit).toBe(2);
    expect(grader.stderr).toMatch(stderr);
    expect(grader.stdout).toBe('');
  });

  test('a program that is not there is a finding', async () => {
    const grader = startGrader(['select-server', '--', './no-such-program', '{port}']);
    expect(await grader.exit).toBe(1);
    expect(grader.stdout).toMatch(
      /^ +seen +there is no program \.\/no-such-program$\n +hint +is it there, compiled/m,
    );
  });

  test('an interpreter that is not there is the fault of the machine', async () => {
    const grader = startGrader(['select-server', '--', 'no-such-command', '{port}']);
    expect(await grader.exit).toBe(3);
    expect([grader.stdout, grader.stderr]).toEqual(['', 'no-such-command: command not found\n']);
  });

  test('so is a port that another program holds', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const grader = startGrader(['select-server', '--port', String(port), '--', 'true']);
    expect(await grader.exit).toBe(3);
    expect(grader.stdout).toBe('');
    expect(grader.stderr).toMatch(new RegExp(`^port ${port} is in use by \\S+ \\(pid ${process.pid}\\)`));
    other.close();
  });

  test('Ctrl-C ends the grader and what it has started', async () => {
    const port = await freePort();
    const [file, ...args] = command(folder, 'ignores_sigint.py');
    const server = [file, ...args, String(port)];
    const grader = startGrader(['select-server', '--port', String(port), '--', ...server]);
    await until('the server runs', () => listening(port));
    await grader.end('SIGINT');
    await until('the server has ended', () => !listening(port));
  });
});

function listening(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'utf8').includes(`0100007F:${hex} 00000000:0000 0A`);
}
