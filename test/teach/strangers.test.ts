/** Programs as strangers write them, in C, Perl and TypeScript: each with one thing that it does otherwise. */
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { concurrently } from '../support/process.js';
import { close, command, GRADING_LIMIT_MS, startGrader, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

async function graded(assignment: string, name: string, args: string[], context: TestContext) {
  const grader = startGrader([assignment, '--', ...command(folder, `strangers/${name}`), ...args], context);
  await grader.exit;
  expect(grader.stderr).toBe('');
  const points = [...grader.stdout.matchAll(/^ +([\d.]+)\/\d+ {2}/gm)].map(([, points]) => Number(points));
  return { points, report: grader.stdout };
}

type Row = [kind: string, points: number[], says?: RegExp];

const FULL = [5, 5, 5, 5, 5];
const SELECT_SERVER: Row[] = [
  ['none', FULL],
  ['trail', FULL],
  ['crlf', FULL],
  ['ansi', FULL],
  ['v6', FULL],
  ['reset', FULL, /^note: after a client had reset its connection: the program ended/m],
  ['stamp', [4, 5, 5, 5, 5], /costs +1 point: text before it\n +expected .*\n +seen .*\n +\^$/m],
  ['extracolon', [5, 5, 4, 5, 5], /costs +1 point: signs\n +expected .*\n +seen .*\n +\^$/m],
  ['crashdata', [5, 5, 0, 5, 5], /then not reached: it ended as above/],
  ['busy', [5, 5, 5, 5, 3], /hint +select\(\) returns at once/],
];

describe.each(['select_server.pl', 'select_server.c', 'select_server.ts'])('select-server, %s', (name) => {
  test.concurrent.for(SELECT_SERVER)('%s', ([kind, points, says = /./], context) =>
    concurrently(context, async () => {
      const found = await graded('select-server', name, ['{port}', kind], context);
      expect(found.points, found.report).toEqual(points);
      expect(found.report).toMatch(says);
    }),
  );
});

const ECHO = [2, 4, 4, 2, 4, 2, 2];
const MULTICONN: [name: string, ...Row][] = [
  ['multiconn.pl', 'none', ECHO],
  ['multiconn.c', 'none', ECHO],
  ['multiconn.js', 'none', ECHO],
  ['multiconn.pl', 'reset', [2, 4, 4, 2, 4, 2, 1], /sysread: Connection reset by peer/],
  ['multiconn.c', 'reset', [2, 4, 4, 2, 4, 2, 1], /recv: Connection reset by peer/],
  ['multiconn.js', 'reset', [2, 4, 4, 2, 4, 2, 1], /read ECONNRESET/],
  ['multiconn.pl', 'leaves', [2, 4, 4, 2, 4, 2, 1], /the program ended: exit code 0/],
  ['multiconn.c', 'leaves', [2, 4, 4, 2, 4, 2, 1], /the program ended: exit code 0/],
  ['multiconn.js', 'leaves', [2, 4, 4, 2, 4, 2, 1], /the program ended: exit code 0/],
  ['multiconn.pl', 'slow', ECHO],
  ['multiconn.pl', 'forks', [2, 4, 4, 2, 0, 2, 2], /it waits in read: \d+ connected .*for one client/],
  ['multiconn.c', 'threads', [2, 4, 4, 2, 2, 2, 2], /it waits in recv: \d+ connected .*for one client/],
];

describe('multiconn', () => {
  test.concurrent.for(MULTICONN)('%s: %s', ([name, kind, points, says = /./], context) =>
    concurrently(context, async () => {
      const found = await graded('multiconn', name, ['127.0.0.1', '{port}', kind], context);
      expect(found.points, found.report).toEqual(points);
      expect(found.report).toMatch(says);
    }),
  );
});

const CHATCLIENT: Row[] = [
  ['none', [2, 4, 4, 6, 4]],
  ['hello', [2, 4, 4, 6, 4]],
  [
    'typo',
    [2, 4, 4, 6, 3],
    /costs +1 point: \w+\n +expected +Disconnected from server!\n +seen +[Dd]iscon+ected {1,2}from server/m,
  ],
];

describe.each(['chatclient.pl', 'chatclient.c', 'chatclient.ts'])('chatclient, %s', (name) => {
  test.concurrent.for(CHATCLIENT)('%s', ([kind, points, says = /./], context) =>
    concurrently(context, async () => {
      const found = await graded('chatclient', name, ['localhost', '{port}', kind], context);
      expect(found.points.slice(0, 5), found.report).toEqual(points);
      expect(found.report).toMatch(says);
    }),
  );
});
