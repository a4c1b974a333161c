/** Checks that a teacher has written, with a mistake in them: told with their place, and worth no points. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hintForWait } from '../../dist/teach/grade/hints.js';
import { needs } from '../support/needs.js';
import { CLI, Process } from '../support/process.js';
import { close, GRADING_LIMIT_MS, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

const SERVER = `import signal, socket, sys
if "ignores" in sys.argv: signal.signal(signal.SIGINT, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
conns = []
while True: conns.append(listener.accept()[0])
`;

let folder: string;
beforeAll(() => {
  folder = workshop();
  writeFileSync(join(folder, 'server.py'), SERVER);
});
afterAll(() => close(folder));

/** Grades the server by these lines of a rubric; what stands in `before` begins at line 2 of checks.js. */
async function grade(
  lines: string,
  before = '',
  command = ['python3', '-B', 'server.py', '{port}'],
  options: string[] = [],
) {
  const own = mkdtempSync(join(folder, 'own-'));
  writeFileSync(
    join(own, 'checks.js'),
    `import * as g from 'posix-select/grade'; const { extra, line, note, part, byTeacher } = g;
${before}
export const assignment = { name: 'own', command: 'server {port}', lines: [${lines}] };
`,
  );
  const args = ['grade', own, '--timeout', '0.5', ...options, '--', ...command];
  const grader = new Process(process.execPath, [CLI, ...args], { cwd: folder });
  const exit = await grader.exit;
  return { exit, stdout: grader.stdout, stderr: grader.stderr.replace(`${own}/`, '') };
}

test.each([
  ['a function', 'async () => () => 1', 'it returned a function: such a check must be called'],
  ['a number', 'async () => 5', 'it returned the number 5'],
  ['nothing', 'async (run) => {}', 'it returned nothing, and nothing had been seen'],
  ['survivesReset that was not called', 'g.survivesReset', 'TypeError: survivesReset(serve): '],
  [
    'afterData that was not called',
    'g.afterData',
    "TypeError: afterData(calls): .*part(1, afterData(['select']))",
  ],
  ['no run.fail', '(run) => { throw 5; }', 'it threw 5'],
  ['fail before startServer', "(run) => run.fail({ seen: 'x' })", 'the program has not been started: .*:3)'],
  ['connect before startServer', '(run) => run.connect()', 'the program has not been started: '],
])('what is no evidence is an error: %s', async (_, check, says) => {
  const { exit, stdout, stderr } = await grade(`line('Serves', part(0, async () => ''), part(5, ${check}))`);
  expect({ exit, stdout }).toEqual({ exit: 3, stdout: '' });
  const [sentence = '', ...more] = stderr.trimEnd().split('\n');
  expect(more).toEqual([]);
  expect(sentence).toMatch(/^the check of "Serves", part 2 is wrong: /);
  for (const one of says.split('.*')) expect(sentence).toContain(one);
});

test.each([
  [
    'an error',
    'await run.startServer();\n  nosuch();',
    'ReferenceError: nosuch is not defined (checks.js:4)',
  ],
  [
    'fail is not returned',
    "await run.startServer();\n  run.fail({ expected: 'a', seen: 'b', hint: 'c' });\n  return 'ok';",
    'run.fail() must be returned: return run.fail({ … }) (checks.js:4)',
  ],
  [
    'fail is not returned, and has failed meanwhile',
    "await run.startServer();\n  run.fail({ expected: 'a', seen: 'b', hint: 'c' });\n  await run.settle(); await run.settle(); return 'ok';",
    'run.fail() must be returned: return run.fail({ … }) (checks.js:4)',
  ],
  [
    'a call is not awaited',
    "await run.startServer();\n  run.prints('x', 'y');\n  return 'ok';",
    'run.prints() must be awaited or returned (checks.js:4)',
  ],
  [
    'a second start',
    'await run.startServer();\n  await run.startServer();',
    'the program has been started already: await run.stop() comes before another start (checks.js:4)',
  ],
])('its place is named: %s', async (_, body, says) => {
  const { exit, stderr } = await grade(
    "line('Serves', part(1, check))",
    `async function check(run) {\n  ${body}\n}`,
  );
  expect(stderr).toBe(`the check of "Serves", part 1 is wrong: ${says}\n`);
  expect(exit).toBe(3);
});

test.each([
  [
    'part(2, a, b)',
    "line('x', part(2, g.endsOnCtrlC, g.endsOnCtrlC))",
    'part(2, …) takes one check, and was given 2',
  ],
  [
    'a check that was called',
    "line('x', part(2, g.endsOnCtrlC()))",
    'part(2, check()): the check was called.',
  ],
  ['no check', "line('x', part(2))", 'part(2, check): a check is a function, and this is undefined'],
  ['no points', "line('x', part(g.endsOnCtrlC))", 'points are a number from 0, and this is a function'],
  ['line without part', "line('x', g.endsOnCtrlC)", 'line("x", …): put each check into a part'],
  ['a line without title', 'line(part(1, g.endsOnCtrlC))', 'the title comes first'],
  ['a note with a part', "note('x', part(0, g.endsOnCtrlC))", 'note("x", …) takes one check, without part()'],
  [
    'an unknown call',
    "line('x', part(1, g.waitsInSelect(['epoll'])))",
    "\"epoll\" is no call that can be asked for: 'select', 'poll', 'epoll_wait' are",
  ],
  ['a part alone', 'part(1, g.endsOnCtrlC)', 'lines[0] is no line'],
  ['a syntax error', ']', 'shows the line'],
])('what is wrong is told when checks.js is read: %s', async (_, lines, says) => {
  const { exit, stderr } = await grade(lines);
  expect(stderr).toMatch(/^checks\.js: [^\n]*\n$/);
  expect(stderr).toContain(says);
  expect(exit).toBe(3);
});

test.each([
  ['a timer', 'setTimeout(() => nosuch(), 1);'],
  ['a promise', '(async () => nosuch())();'],
])('an error that no check awaits: %s', async (_, begun) => {
  const check = `async function check(run) {\n  ${begun}\n  await run.startServer(); return 'ok';\n}`;
  const { exit, stderr } = await grade("line('x', part(1, check))", check);
  expect(stderr).toBe(
    'what a check has begun has failed, and no check awaits it: ReferenceError: nosuch is not defined (checks.js:3)\n',
  );
  expect(exit).toBe(3);
});

test('no place of the grader itself is named', async () => {
  const { stderr } = await grade("line('x', part(1, g.afterData))");
  expect(stderr).toMatch(/^the check of "x", part 1 is wrong: .* part\(1, afterData\(\['select'\]\)\)\n$/);
});

needs('strace')('an error in the second run, which is recorded, costs no mark', async () => {
  const check = `let runs = 0;
async function check(run) {
  await run.startServer();
  if (++runs > 1) nosuch();
  return run.fail({ expected: 'a', seen: 'b', hint: 'c' });
}`;
  const { exit, stderr, stdout } = await grade("line('x', part(1, check))", check, undefined, [
    '--page',
    'page.html',
  ]);
  expect([exit, stderr]).toEqual([1, '']);
  expect(stdout).toContain('own: 0 of 1 points');
  expect(readFileSync(join(folder, 'page.html'), 'utf8')).toContain('x: what happened');
});

test('checks that are read as CommonJS', async () => {
  const own = mkdtempSync(join(folder, 'common-'));
  writeFileSync(join(own, 'package.json'), '{"type": "commonjs"}');
  writeFileSync(join(own, 'checks.js'), "import { line } from 'posix-select/grade';\n");
  const grader = new Process(process.execPath, [CLI, 'grade', own, '--', 'true', '{port}'], { cwd: folder });
  expect(await grader.exit).toBe(3);
  expect(grader.stderr).toMatch(
    /checks\.js is read as CommonJS: put \{"type": "module"\} into a package\.json beside it\n$/,
  );
});

test('the grader ends, whatever the checks have left', async () => {
  const { exit, stdout } = await grade(
    "line('x', part(1, async () => 'seen'))",
    'setInterval(() => {}, 1000);',
  );
  expect(stdout).toContain('own: 1 of 1 points');
  expect(exit).toBe(0);
});

test('of a class, the others are graded', async () => {
  const own = mkdtempSync(join(folder, 'class-'));
  for (const [name, text] of [
    ['ada', SERVER],
    ['bob', `${SERVER}#`.replace('conns = []', 'print("{", flush=True); conns = []')],
  ]) {
    mkdirSync(join(own, 'class', name ?? ''), { recursive: true });
    writeFileSync(join(own, 'class', name ?? '', 'server.py'), text ?? '');
  }
  writeFileSync(join(own, 'package.json'), '{"type": "module"}');
  writeFileSync(
    join(own, 'checks.js'),
    `import { line, part } from 'posix-select/grade';
const parses = async (run) => {
  await run.startServer();
  await run.until(() => run.program.stdout !== '');
  return \`it printed \${JSON.parse(run.program.stdout || '1')}\`;
};
export const assignment = { name: 'own', command: 'server {port}', lines: [line('Prints JSON', part(1, parses))] };
`,
  );
  const args = ['grade', '.', '--class', 'class', '--jobs', '1', '--timeout', '0.5', '--'];
  const grader = new Process(process.execPath, [CLI, ...args, 'python3', '-B', 'server.py', '{port}'], {
    cwd: own,
  });
  expect(await grader.exit).toBe(3);
  expect(grader.stdout).toMatch(
    /^ada: 1 of 1 points\nbob: no mark: the check of "Prints JSON", part 1 is wrong: SyntaxError: .* \(checks\.js:5\)\n1 of 2 graded\n/,
  );
});

test.each([
  [
    'goes on',
    'ignores',
    /seen +it went on: it waits in accept: .*hint +Ctrl-C sends SIGINT, which ends a program that/s,
  ],
  [
    'dies of it',
    'dies',
    /seen +a stack trace: KeyboardInterrupt\n +hint +Ctrl-C comes while it is blocked in a call: as/,
  ],
])('at Ctrl-C a server %s', async (_, how, report) => {
  const command = ['python3', '-B', 'server.py', '{port}', how];
  const { exit, stdout } = await grade("line('x', part(1, g.endsOnCtrlC))", '', command);
  expect(stdout.replace(/\n {18}/g, ' ')).toMatch(report);
  expect(exit).toBe(1);
});

test.each([
  ['poll', ['select'], /^this assignment is about select\(2\): poll\(2\) is another system call$/],
  ['poll', ['select', 'epoll_wait'], /^this assignment is about select\(2\) and epoll_wait\(2\): poll/],
  ['select', ['poll'], /^this assignment is about poll\(2\): select\(2\) is another/],
  ['poll', ['select', 'poll'], /^which descriptors does it wait for/],
  ['select', ['select'], /read set/],
  ['accept', ['select'], /blocked in accept\(\)/],
])('a hint for one that waits in %s where %j are allowed', (call, allowed, hint) => {
  expect(hintForWait(call, allowed)).toMatch(hint);
});
