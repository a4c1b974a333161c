/** `grade --page`: each line that lost points has the recording of a run, opened where it shows why. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withBrowser } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { CLI, Process, until } from '../support/process.js';
import { close, command, GRADING_LIMIT_MS, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

const browser = withBrowser();

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

/** Grades a program of the zoo. @returns what is in the page */
async function pageOf(name: string, cwd: string, env = process.env, ...options: string[]): Promise<string> {
  const args = [CLI, 'grade', 'select-server', '--page', 'report.html', ...options];
  const grader = new Process(process.execPath, [...args, '--', ...command(folder, name), '{port}'], {
    cwd,
    env,
  });
  await grader.exit;
  expect(grader.stderr).toBe('');
  return readFileSync(join(cwd, 'report.html'), 'utf8');
}

function own(name: string): string {
  const cwd = join(folder, name);
  mkdirSync(cwd);
  return cwd;
}

needs('strace', 'chromium')('a line that was lost opens on the wait that shows why', async () => {
  const cwd = own('lost');
  const html = await pageOf('no_disconnect.py', cwd, process.env, '--only', '2');
  expect(html).toMatch(/^ +0\/5 {2}Prints the right line when a client disconnects$/m);
  const page = await browser().newPage();
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => void errors.push(message));
  await page.goto(`file://${join(cwd, 'report.html')}`);
  const frame = page.frameLocator('iframe');
  await frame.locator('#picture svg').waitFor();
  // A client has connected, and has left: then it waits for the listener again.
  expect(await frame.locator('body').innerText()).toMatch(/listener/);
  const [wait] = /(?<=data-wait=")\d+/.exec(html) ?? [];
  expect(Number(wait)).toBeGreaterThan(2);
  expect(page.frames()[1]?.url()).toMatch(new RegExp(`^blob:.*#${wait}$`));
  expect(errors).toEqual([]);
});

needs('strace')('one fault is recorded once, and nothing where all points were reached', async () => {
  const crash = await pageOf('crash.py', own('crash'));
  expect(crash.match(/<details>/g)).toHaveLength(1);
  expect(
    crash.match(/no recording: it is that of &quot;Prints the right line when a client connects&quot;/g),
  ).toHaveLength(4);
  const right = await pageOf('literal.py', own('right'));
  expect(right).toMatch(/select-server: 25 of 25 points/);
  expect(right).not.toMatch(/<details>|no recording/);
});

needs('strace')('a grader that is ended while it records leaves no file behind', async () => {
  const cwd = own('ended');
  // It ends at once; under strace it does not.
  const traced = `import re
while re.search(r'TracerPid:\\s*[1-9]', open('/proc/self/status').read()): pass`;
  const options = ['--page', 'report.html', '--timeout', '60', '--only', '2'];
  const args = [CLI, 'grade', 'select-server', ...options, '--', 'python3', '-c', traced, '{port}'];
  const grader = new Process(process.execPath, args, { cwd });
  await until('it records', () => readdirSync(cwd).some((name) => name.endsWith('.strace')));
  expect((await grader.end('SIGTERM')).exit).toBe('SIGTERM');
  expect(readdirSync(cwd)).toEqual([]);
});

test('without strace the report says so, and is whole', async () => {
  const cwd = own('without');
  const bin = own('bin');
  for (const name of ['python3', 'sh', 'env']) {
    const [path] = (process.env.PATH ?? '')
      .split(':')
      .map((one) => join(one, name))
      .filter((path) => existsSync(path));
    if (path) symlinkSync(path, join(bin, name));
  }
  const html = await pageOf('crash.py', cwd, { ...process.env, PATH: bin });
  expect(html).toMatch(/select-server: 0 of 25 points(.*\n)*.*NameError/);
  expect(html).toMatch(/no recording: strace is not installed/);
  expect(html).not.toMatch(/<details>/);
});
