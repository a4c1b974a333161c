/**
 * Whole reports, as a student reads them: `npx vitest run test/teach/golden.test.ts -u` writes them anew when a hint
 * has been made better.
 */
import { fileURLToPath } from 'node:url';
import { test, vi } from 'vitest';
import { concurrently } from '../support/process.js';
import { GRADING_LIMIT_MS, NOT_ISOLATED, startGrader } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

const zoo = (name: string) => fileURLToPath(new URL(`zoo/${name}`, import.meta.url));

/** The assignment, the program with its arguments. */
const REPORTS: [assignment: string, program: string, args?: string[]][] = [
  ['select-server', 'literal.py', ['{port}']],
  ['select-server', 'threads.py', ['{port}']],
  ['select-server', 'poll.py', ['{port}']],
  ['select-server', 'busy.py', ['{port}']],
  ['select-server', 'crash.py', ['{port}']],
  ['select-server', 'wrong_texts.py', ['{port}']],
  ['select-server', 'buffered.py', ['{port}']],
  ['select-server', 'never_accepts.py', ['{port}']],
  ['srv', 'srv.py', ['127.0.0.1', '{port}']],
  ['chatclient', 'chatclient.py', ['localhost', '{port}']],
  ['multiconn', 'multiconn_server.py', ['127.0.0.1', '{port}']],
];

/** What is another each time, or on another machine: ports, descriptors, how much came before a client got stuck. */
const settled = (report: string) =>
  report
    .replace(NOT_ISOLATED, '')
    .replace(/(127\.0\.0\.1(:|', ))\d+/g, '$1PORT')
    .replace(/\bport \d+/g, 'port PORT')
    .replace(/\b\d+ (?=listener|connected to|pipe|Unix socket)/g, 'N ')
    .replace(/received \d+(?=;)/g, 'received N')
    .replace(/uses \d+ %/g, 'uses N %');

test.concurrent.for(REPORTS)('%s: %s', ([assignment, program, args = []], context) =>
  concurrently(context, async () => {
    const grader = startGrader([assignment, '--', 'python3', '-B', zoo(program), ...args], context);
    await grader.exit;
    await context.expect(settled(grader.stdout)).toMatchFileSnapshot(`golden/${assignment}.${program}.txt`);
  }),
);
