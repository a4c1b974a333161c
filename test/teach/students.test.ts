/** Programs with the mistakes of students, each of a kind that was once graded wrong, or told with a hint that misled. */
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { concurrently } from '../support/process.js';
import { close, command, GRADING_LIMIT_MS, SHORT_WAITS, startGrader, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

const ARGS: Record<string, string[]> = {
  'talk-server': [],
  'select-server': ['{port}'],
  srv: ['127.0.0.1', '{port}'],
  chatclient: ['localhost', '{port}'],
  multiconn: ['127.0.0.1', '{port}'],
};

interface Row {
  /** the line that is graded; all if none is named */
  only?: number;
  points: number[];
  says?: RegExp;
  not?: RegExp;
}

/** It is busy once its first wait is over. */
const BUSY = 'timeval';

async function check(assignment: string, name: string, kind: string, row: Row, context: TestContext) {
  const only = row.only === undefined ? [] : ['--only', String(row.only)];
  const waits = kind === BUSY ? SHORT_WAITS : [];
  const started = [
    'env',
    `KIND=${kind}`,
    ...command(folder, `students/${name}`),
    ...(ARGS[assignment] ?? []),
  ];
  const grader = startGrader([assignment, ...only, ...waits, '--', ...started], context);
  await grader.exit;
  expect(grader.stderr).toBe('');
  const scores = [...grader.stdout.matchAll(/^ +\+?([\d.]+)\/\d+ {2}/gm)].map(([, points]) => Number(points));
  expect(scores.slice(0, row.points.length), grader.stdout).toEqual(row.points);
  expect(grader.stdout).toMatch(row.says ?? /./);
  if (row.not) expect(grader.stdout).not.toMatch(row.not);
}

const PARTLY = /hint +send\(\) tells how many bytes it took: what becomes of the others\?/;
/** How much of its first wait is seen depends on the machine. */
const WAITED_ONCE = /\(busy loop\)\n +hint +select\(\) has been called with a timeout that was not 0/;
const BY_TURNS = /by turns: it waits in .*; then it waits in .*\n +hint +one call can wait for all of them/;

const STUDENTS: [assignment: string, name: string, kind: string, row: Row][] = [
  // What a quick client's queues would take, a slow reader's do not: send() takes only a part.
  ['multiconn', 'multiconn_partial.py', 'none', { points: [2, 4, 0, 2, 4, 2, 2], says: PARTLY }],
  ['multiconn', 'multiconn_partial.c', 'none', { points: [2, 4, 0, 2, 4, 2, 2], says: PARTLY }],
  ['talk-server', 'talk_server.js', 'partial', { only: 6, points: [0], says: PARTLY }],
  ['talk-server', 'talk_server.pl', 'partial', { only: 6, points: [0], says: PARTLY }],
  // A busy loop that begins after a timeout; select() for one kind of descriptors and then for the other.
  ['talk-server', 'talk_server.c', 'timeval', { only: 1, points: [4], says: WAITED_ONCE }],
  ['talk-server', 'talk_server.pl', 'timeval', { only: 1, points: [4], says: WAITED_ONCE }],
  ['talk-server', 'talk_server.js', 'timeval', { only: 1, points: [4], says: WAITED_ONCE }],
  ['select-server', 'select_server.c', 'timeval', { points: [5, 5, 5, 0, 0], says: WAITED_ONCE }],
  ['talk-server', 'talk_server.c', 'turns', { only: 1, points: [6], says: BY_TURNS }],
  ['talk-server', 'talk_server.pl', 'turns', { only: 1, points: [6], says: BY_TURNS }],
  ['talk-server', 'talk_server.js', 'turns', { only: 1, points: [6], says: BY_TURNS }],
  ['talk-server', 'talk_server.c', 'timeout', { only: 1, points: [8] }],
  ['talk-server', 'talk_server.pl', 'timeout', { only: 1, points: [8] }],
  ['talk-server', 'talk_server.js', 'timeout', { only: 1, points: [8] }],
  // What is sent while nothing is typed does not come while a line that was typed is still being dealt with.
  ['chatclient', 'chatclient.py', 'none', { points: [2, 4, 4, 6, 4] }],
  [
    'chatclient',
    'chatclient.py',
    'keyboard',
    { points: [2, 4, 4, 0, 0], says: /hint +a call that waits for the keyboard alone/ },
  ],
  [
    'chatclient',
    'chatclient.py',
    'turns',
    {
      only: 5,
      points: [0],
      says: /it went on: it waits in read: 0 pipe\n +hint +a call that waits for the keyboard alone/,
    },
  ],
  [
    'chatclient',
    'chatclient.py',
    'threads',
    {
      only: 4,
      points: [2],
      says: /\(a thread for each\)\n +hint +one call can wait for all/,
      not: /blocked in one call/,
    },
  ],
  [
    'chatclient',
    'chatclient.py',
    'stays',
    { only: 5, points: [2], says: /it went on: it waits in select.*\n +hint +the line was printed/ },
  ],
  // Extra credit that cannot be had: what waits for the keyboard does not get so far, and what is sent to all is no answer.
  [
    'chatclient',
    'chatclient.py',
    'turns',
    { only: 6, points: [0], says: /hint +a call that waits for the keyboard alone/ },
  ],
  [
    'talk-server',
    'talk_server.pl',
    'back',
    {
      only: 5,
      points: [0],
      says: /seen +no answer: what Alice had sent came back to her\n +hint +\/who: is no message/,
    },
  ],
  // Its two long options are not known: each is named.
  ...['talk_server.c', 'talk_server.pl', 'talk_server.js'].map((name): (typeof STUDENTS)[number] => [
    'talk-server',
    name,
    'shortoptions',
    {
      only: 2,
      points: [2],
      says: /expected +with --port (\d+) it listens on port \1\n +seen +it listens on \S+:12345\n(.*\n)*.*with --verbose it prints .*\n.*\n +hint +with -v it does/,
      not: /in use/,
    },
  ]),
  // Only connections or only messages are told with -v; a call on the listener that needs a connection.
  ...['talk_server.c', 'talk_server.pl', 'talk_server.js'].flatMap((name): typeof STUDENTS => [
    ['talk-server', name, 'messages', { points: [8, 4, 3] }],
    [
      'talk-server',
      name,
      'wrongsocket',
      {
        only: 1,
        points: [5],
        says: /hint +a call that needs a connection/,
        not: /errors of recv\(\) and send/,
      },
    ],
  ]),
  // Select on the wrong set; nfds too small; stderr with a time before the line; a port of its own.
  [
    'select-server',
    'select_server.c',
    'master',
    { points: [5, 5, 5, 5, 0], says: /hint +select\(\) had not reported/ },
  ],
  [
    'select-server',
    'select_server.c',
    'nfds',
    { points: [5, 0, 0, 5, 0], says: /nfds is \d+\n +hint +select\(\) looks only at/ },
  ],
  [
    'select-server',
    'select_server.c',
    'logging',
    {
      points: [3, 5, 5, 5, 5],
      says: /costs +1 point: what .*stdout\n +expected .*\n +seen .*\n +costs +1 point: text before it\n +expected .*\n +seen .*\n +\^/,
    },
  ],
  [
    'select-server',
    'select_server.c',
    'fixedport',
    { points: [4, 5, 5, 5, 5], says: /it listens on 0\.0\.0\.0:3490/ },
  ],
];

const isBusy = ([, , kind]: (typeof STUDENTS)[number]) => kind === BUSY;

test.concurrent.for(STUDENTS.filter((row) => !isBusy(row)))('%s, %s: %s', (row, context) =>
  concurrently(context, () => check(...row, context)),
);
// Beside several others a busy program takes more of the processors.
test.for(STUDENTS.filter(isBusy))('%s, %s: %s', (row, context) => check(...row, context));
