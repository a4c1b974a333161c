/** The page on checks: its example is an assignment that can be graded, laid out as it says. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as language from '../../dist/teach/grade/index.js';
import { CLI, Process } from '../support/process.js';
import { close, workshop } from '../support/zoo.js';

const page = readFileSync(new URL('../../docs/checks.md', import.meta.url), 'utf8');

const TIME_SERVER = `import select, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
conns = []
while True:
    for s in select.select([listener, *conns], [], [])[0]:
        if s is listener:
            conns.append(s.accept()[0])
            print("a client has connected")
        elif s.recv(1024):
            s.sendall(time.strftime("%H:%M:%S\\n").encode())
        else:
            conns.remove(s)
            s.close()
`;

let folder: string;
beforeAll(() => {
  folder = workshop();
  const [, checks = ''] = page.match(/^```js checks\.js\n(.*?)^```$/ms) ?? [];
  mkdirSync(join(folder, 'time-server/python'), { recursive: true });
  writeFileSync(join(folder, 'time-server/checks.js'), checks);
  writeFileSync(join(folder, 'time-server/TASK.md'), 'Answer each line with the time.\n');
  writeFileSync(join(folder, 'time-server/python/time_server.py'), 'pass\n');
  writeFileSync(join(folder, 'right.py'), TIME_SERVER);
  writeFileSync(join(folder, 'once.py'), TIME_SERVER.replace('elif s.recv', 'elif s.recv(1) and s.recv'));
  writeFileSync(join(folder, 'wrong.py'), TIME_SERVER.replace('%H:%M:%S', '%H.%M'));
});
afterAll(() => close(folder));

const posixSelect = (...args: string[]) => new Process(process.execPath, [CLI, ...args], { cwd: folder });

test.each([
  ['right.py', 0, /^time-server: 12 of 12 points$/m],
  ['wrong.py', 1, /^time-server: 7 of 12 points$.*seen +it answered ".*hint +which call gives the time/ms],
])('%s is graded', async (program, exit, report) => {
  const grader = posixSelect('grade', './time-server', '--', 'python3', '-B', program, '{port}');
  expect(await grader.exit).toBe(exit);
  expect(grader.stderr).toBe('');
  expect(grader.stdout).toMatch(report);
});

test('it is laid out', async () => {
  const laidOut = posixSelect('init', './time-server', 'mine');
  expect(await laidOut.exit).toBe(0);
  expect(readFileSync(join(folder, 'mine/README.md'), 'utf8')).toMatch(
    /^# time-server\n\nAnswer each line.*python3 time_server\.py 4000.*npx posix-select grade \.\.\/time-server -- python3 time_server/s,
  );
  const args = ['grade', '../time-server', '--', 'python3', '-B', '../right.py', '{port}'];
  const grader = new Process(process.execPath, [CLI, ...args], { cwd: join(folder, 'mine') });
  expect(await grader.exit, grader.stderr).toBe(0);
});

test('a folder that is none', async () => {
  const grader = posixSelect('grade', './no-such', '--', 'true', '{port}');
  expect(await grader.exit).toBe(3);
  expect(grader.stderr).toBe('./no-such is no assignment: it has no checks.js\n');
});

test.each(Object.keys(language))('%s has a row with its arguments', (name) => {
  const [, args] = page.match(new RegExp(`^\\| \`${name}(\\([^)]*\\))?\` \\|`, 'm')) ?? [];
  expect(page).toMatch(new RegExp(`^\\| \`${name}[(\`]`, 'm'));
  expect(args === undefined).toBe(name === 'endsOnCtrlC');
});
