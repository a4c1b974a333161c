/** Submissions that attack their grader, and a class in which some do. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { needs } from '../support/needs.js';
import { atEnd, CLI, Process, until } from '../support/process.js';
import { close, GRADING_LIMIT_MS, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

const ZOO = fileURLToPath(new URL('zoo/', import.meta.url));

/** Finds the grader among its ancestors. */
const GRADER = `import os, signal, sys, time
pid = os.getpid()
while pid > 1 and b"grade" not in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0"):
    pid = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
`;

const ATTACKS: Record<string, string> = {
  'kills the grader': `${GRADER}os.kill(pid, signal.SIGKILL)\ntime.sleep(1000)`,
  'stops the grader': `${GRADER}os.kill(pid, signal.SIGSTOP)\ntime.sleep(1000)`,
  'opens the inspector': `${GRADER}os.kill(pid, signal.SIGUSR1)\ntime.sleep(1000)`,
  'floods stdout': 'while True: print("x" * 10000)',
  'sends to its clients without end': `import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    conn, address = listener.accept()
    try:
        while True: conn.sendall(65536 * b"x")
    except OSError: pass`,
  'forks for ever': 'import os\nwhile True:\n    if os.fork(): os._exit(0)',
  'starts processes without end':
    'import os, time\nfor _ in range(2000): os.fork() == 0 and time.sleep(1000)',
  hangs: 'import time\ntime.sleep(1000)',
};

/** Writes a submission, and the command that starts it. */
function submit(path: string, code: string): string {
  const own = join(folder, path);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'select_server.py'), code);
  return own;
}

function processesIn(cwd: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === cwd;
    } catch {
      return false;
    }
  });
}

const COMMAND = ['--', 'python3', '-B', 'select_server.py', '{port}'];

const grade = (cwd: string, ...args: string[]) =>
  new Process(process.execPath, [CLI, 'grade', 'select-server', ...args, ...COMMAND], { cwd });

describe('apart from the grader', () => {
  const test = needs('bwrap');
  test.each(Object.entries(ATTACKS))(
    'one that %s has no points, and leaves nothing behind',
    async (what, code) => {
      const cwd = submit(what.replaceAll(' ', '-'), code);
      const grader = grade(cwd, '--output', 'result.txt');
      expect(await grader.exit).toBe(1);
      expect(grader.stdout).toBe('');
      expect(readFileSync(join(cwd, 'result.txt'), 'utf8')).toMatch(/^select-server: 0 of 25 points\n/);
      expect(processesIn(cwd)).toEqual([]);
    },
  );

  test('it can replace neither the result nor a file of the system', async () => {
    const forge = [
      'import os',
      'def attempt(call):',
      '    try: call(); print("done")',
      '    except OSError as error: print(error.strerror)',
      'attempt(lambda: os.unlink("result.txt"))',
      'attempt(lambda: os.rename("select_server.py", "result.txt"))',
      'attempt(lambda: open("result.txt", "w"))',
      'attempt(lambda: open("/etc/posix-select", "w"))',
      'attempt(lambda: open("/tmp/own", "w"))',
      'print(sorted(name for name in os.environ if "TOKEN" in name or "GITHUB" in name))',
      'open("seen", "w").write(os.popen("ls /proc | grep -c ^[0-9]").read())',
    ];
    const cwd = submit('forges', `import sys\nsys.stdout = open("log", "w")\n${forge.join('\n')}\n`);
    const args = [CLI, 'grade', 'select-server', '--output', 'result.txt', ...COMMAND];
    const env = { ...process.env, GITHUB_OUTPUT: '/tmp/secret', MY_TOKEN: '1' };
    const grader = new Process(process.execPath, args, { cwd, env });
    expect(await grader.exit).toBe(1);
    expect(readFileSync(join(cwd, 'result.txt'), 'utf8')).toMatch(/^select-server: 0 of 25 points\n/);
    const lines = readFileSync(join(cwd, 'log'), 'utf8').trim().split('\n');
    expect(lines.map((line) => line === 'done')).toEqual([false, false, false, false, true, false]);
    expect(lines.at(-1)).toBe('[]');
    expect(Number(readFileSync(join(cwd, 'seen'), 'utf8'))).toBeLessThan(10);
    expect(existsSync('/tmp/own')).toBe(false);
  });

  test('it has the packages of a virtual environment, wherever that is', async () => {
    const own = mkdtempSync(join(tmpdir(), 'posix-select-')); // not in a folder above the submission's
    atEnd(() => rmSync(own, { recursive: true }));
    execFileSync('python3', ['-m', 'venv', '--without-pip', own]);
    const [version = ''] = readdirSync(join(own, 'lib'));
    writeFileSync(join(own, 'lib', version, 'site-packages/own_package.py'), 'NAME = "a package of its own"');
    const cwd = submit('imports', 'import own_package, sys; sys.exit(own_package.NAME)');
    const args = [CLI, 'grade', 'select-server', ...COMMAND];
    const env = { ...process.env, PATH: `${join(own, 'bin')}:${process.env.PATH}`, COLUMNS: '1000' };
    const grader = new Process(process.execPath, args, { cwd, env });
    expect(await grader.exit).toBe(1);
    expect(grader.stdout).toMatch(/it ended before a client could connect: .*: a package of its own$/m);
  });

  test('a class with some of them: a mark for each, and each the right one', async () => {
    const right = `import sys\nsys.path.append(${JSON.stringify(ZOO)})\n${readFileSync(join(ZOO, 'literal.py'), 'utf8')}`;
    for (const [what, code] of Object.entries(ATTACKS)) submit(`class/${what}`, code);
    for (const name of ['ada', 'zoe']) submit(`class/${name}`, right);
    const grader = grade(folder, '--class', 'class', '--csv', 'marks.csv');
    expect(await grader.exit).toBe(0);
    const marks = readFileSync(join(folder, 'marks.csv'), 'utf8').trim().split('\n').slice(1);
    expect(marks.map((mark) => mark.split(',').slice(0, 2).join(' ')).toSorted()).toEqual(
      [...Object.keys(ATTACKS).map((what) => `${what} 0`), 'ada 25', 'zoe 25'].toSorted(),
    );
    expect(readFileSync(join(folder, 'class/ada/report.txt'), 'utf8')).toMatch(/^select-server: 25 of 25/);
  });
});

test('until there is a result, the file says so', async () => {
  const cwd = submit('killed', 'import time\ntime.sleep(1000)');
  const grader = grade(cwd, '--output', 'result.txt');
  await until(
    'the file is there',
    () => existsSync(join(cwd, 'result.txt')) && readFileSync(join(cwd, 'result.txt'), 'utf8'),
  );
  expect(readFileSync(join(cwd, 'result.txt'), 'utf8')).toBe('no result\n');
  await grader.end('SIGTERM');
});

test('a class whose grading is ended leaves nothing behind', async () => {
  const cwd = submit('ended/ada', 'while True: pass');
  const TMPDIR = join(folder, 'ended-tmp');
  mkdirSync(TMPDIR);
  const args = [CLI, 'grade', 'select-server', '--class', 'ended', ...COMMAND];
  const grader = new Process(process.execPath, args, { cwd: folder, env: { ...process.env, TMPDIR } });
  await until('it runs', () => processesIn(cwd).length > 1); // its own grader, and it
  expect(readdirSync(TMPDIR)).not.toEqual([]);
  expect((await grader.end('SIGTERM')).exit).toBe('SIGTERM');
  expect(readdirSync(TMPDIR)).toEqual([]);
  await until('its processes end', () => processesIn(cwd).length === 0);
});
