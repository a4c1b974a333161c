/** Programs as strangers write them, in C, Perl and TypeScript: each with one thing that it does otherwise. */
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { concurrently } from '../support/process.js';
import { close, command, GRADING_LIMIT_MS, SHORT_WAITS, startGrader, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

/** @param only the line that is graded; all without it */
async function check(
  assignment: string,
  name: string,
  args: string[],
  points: number[],
  says: RegExp | undefined,
  context: TestContext,
  only?: number,
) {
  const options = [
    ...(only === undefined ? [] : ['--only', String(only)]),
    ...(args.at(-1) === 'busy' ? SHORT_WAITS : []),
  ];
  const start = [...command(folder, `strangers/${name}`), ...args];
  const grader = startGrader([assignment, ...options, '--', ...start], context);
  await grader.exit;
  expect(grader.stderr).toBe('');
  const found = [...grader.stdout.matchAll(/^ +([\d.]+)\/\d+ {2}/gm)].map(([, points]) => Number(points));
  expect(found.slice(0, points.length), grader.stdout).toEqual(points);
  if (says) expect(grader.stdout).toMatch(says);
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

/** The line of the rubric that a kind is seen in; those of the others are graded whole, in each language. */
const LINE_OF_KIND: Record<string, number> = {
  ...{ trail: 3, crlf: 2, ansi: 1, v6: 3, stamp: 1, extracolon: 3, busy: 5 },
};

test.concurrent.for(SELECT_SERVER)('select-server, select_server.pl: %s', ([kind, points, says], context) =>
  concurrently(context, () =>
    check('select-server', 'select_server.pl', ['{port}', kind], points, says, context),
  ),
);

describe.each(['select_server.c', 'select_server.ts'])('select-server, %s', (name) => {
  test.concurrent.for(SELECT_SERVER)('%s', ([kind, points, says], context) =>
    concurrently(context, () => {
      const line = LINE_OF_KIND[kind];
      const wanted = line === undefined ? points : [points[line - 1]];
      return check('select-server', name, ['{port}', kind], wanted, says, context, line);
    }),
  );
});

const ECHO = [2, 4, 4, 2, 4, 2, 2];
const DIES_ON_RESET = [2, 4, 4, 2, 4, 2, 1];
const MULTICONN: [name: string, kind: string, points: number[], says?: RegExp, only?: number][] = [
  ['multiconn.pl', 'none', ECHO],
  ['multiconn.c', 'none', ECHO],
  ['multiconn.js', 'none', ECHO],
  ['multiconn.pl', 'reset', DIES_ON_RESET, /sysread: Connection reset by peer/],
  ['multiconn.c', 'reset', [1], /recv: Connection reset by peer/, 7],
  ['multiconn.js', 'reset', [1], /read ECONNRESET/, 7],
  ['multiconn.pl', 'leaves', DIES_ON_RESET, /the program ended: exit code 0/],
  ['multiconn.c', 'leaves', [1], /the program ended: exit code 0/, 7],
  ['multiconn.js', 'leaves', [1], /the program ended: exit code 0/, 7],
  ['multiconn.pl', 'slow', ECHO],
  ['multiconn.pl', 'forks', [0], /it waits in read: \d+ connected .*for one client/, 5],
  ['multiconn_mixin.py', 'none', [2, 4, 4, 2, 2, 2, 2], /it waits in recv: \d+ connected .*for one client/],
  ['multiconn.c', 'threads', [2], /it waits in recv: \d+ connected .*for one client/, 5],
];

test.concurrent.for(MULTICONN)('multiconn, %s: %s', ([name, kind, points, says, only], context) =>
  concurrently(context, () =>
    check('multiconn', name, ['127.0.0.1', '{port}', kind], points, says, context, only),
  ),
);

const TYPO =
  /costs +1 point: \w+\n +expected +Disconnected from server!\n +seen +[Dd]iscon+ected {1,2}from server/m;
const CHATCLIENT: [name: string, kind: string, points: number[], says?: RegExp, only?: number][] = [
  ['chatclient.pl', 'none', [2, 4, 4, 6, 4]],
  ['chatclient.pl', 'typo', [2, 4, 4, 6, 3], TYPO],
  ...['chatclient.pl', 'chatclient.c', 'chatclient.ts'].map((name): (typeof CHATCLIENT)[number] => [
    name,
    'hello',
    [2, 4, 4, 6, 4],
  ]),
  ...['chatclient.c', 'chatclient.ts'].map((name): (typeof CHATCLIENT)[number] => [
    name,
    'typo',
    [3],
    TYPO,
    5,
  ]),
];

test.concurrent.for(CHATCLIENT)('chatclient, %s: %s', ([name, kind, points, says, only], context) =>
  concurrently(context, () =>
    check('chatclient', name, ['localhost', '{port}', kind], points, says, context, only),
  ),
);
