import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLI, Process, start, startServer, tsc } from '../support/process.js';
import { close, workshop } from '../support/zoo.js';

let folder: string;
beforeAll(() => {
  folder = workshop();
  const directories = LAID_OUT.map(([name, language]) => `${name}-${language}`);
  for (const [i, [name = '', language = '']] of LAID_OUT.entries())
    expect(init(name, directories[i] as string, '--language', language)).toMatchObject({
      exit: 0,
      stderr: '',
    });
  // All at once: the compiler reads Node's types a single time.
  const typescript = directories.filter((directory) => directory.endsWith('typescript'));
  tsc(folder, '--build', ...typescript);
});
afterAll(() => close(folder));

function init(...args: string[]) {
  const options = { cwd: folder, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'init', ...args], options);
  return { exit: status, stdout, stderr };
}

const ASSIGNMENTS = ['select-server', 'talk-server', 'srv', 'chatclient', 'multiconn'];
const LAID_OUT = ASSIGNMENTS.flatMap((name) =>
  ['python', 'typescript', 'c'].map((language) => [name, language]),
);

test.each(LAID_OUT)('%s in %s: the skeleton is graded, and scores 0', async (name, language) => {
  const path = join(folder, `${name}-${language}`);
  const readme = readFileSync(join(path, 'README.md'), 'utf8');
  const commands = [...readme.matchAll(/```sh\n(.*)\n```/g)].map(([, command]) => command);
  expect(commands).toHaveLength(2);

  let line = commands[1];
  if (language === 'typescript') {
    expect(commands[1]).toBe('npm run grade');
    const { scripts } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    line = scripts.grade.replace('tsc && ', 'npx ');
  }
  if (language === 'c') {
    execFileSync('make', { cwd: path, stdio: 'inherit' });
    line = line.replace('make && ', '');
  }
  const [npx, command, ...args] = line.split(' ');
  expect([npx, command]).toEqual(['npx', 'posix-select']);
  const env = { ...process.env, COLUMNS: '500' }; // no sentence is folded
  const grader = new Process(process.execPath, [CLI, ...args], { cwd: path, env });
  expect(await grader.exit).toBe(1);
  expect(grader.stderr).toBe('');
  expect(grader.stdout).toMatch(new RegExp(`^${name}: 0 of \\d+ points\n`));
  expect(grader.stdout).toMatch(/^ +seen +it ended before.*: (exit code 0|.*'?-p\b.*)$/m);

  const [, given] = readme.match(/ is given\..*: `(.*?)`/) ?? [];
  await TRY_GIVEN[name]((...args) => {
    const [program = '', ...file] = (/^((python3|node) )?\S+/.exec(given ?? '')?.[0] ?? '').split(' ');
    return new Process(program, [...file, ...args.map(String)], { cwd: path });
  });
});

/** What is given works with our own program, which is what the student is to write. */
const TRY_GIVEN: Record<string, (given: (...args: (string | number)[]) => Process) => Promise<void>> = {
  async 'select-server'(given) {
    const server = await startServer('select-server');
    const client = given('alice', 'localhost', server.port);
    await server.out(/^\('127\.0\.0\.1', \d+\) \d\d bytes: b'alice: [a-z]{10,19}'$/m);
    await server.end('SIGINT');
    expect(await client.exit).toBe(1);
    expect(client.stderr).toBe('server closed the connection\n');
  },
  async 'talk-server'(given) {
    const server = await startServer('talk-server', ['-p', 0]);
    const alice = given('-n', 'Alice', '-p', server.port);
    const bob = given('-n', 'Bob', '-p', server.port);
    for (const client of [alice, bob]) await client.out(/^Thank you for connecting\n/);
    alice.type('hi\n');
    await bob.out(/^Alice says: hi\n/m);
    bob.endInput();
    expect(await bob.exit).toBe(0);
    await server.end('SIGINT');
    expect(await alice.exit).toBe(1);
    expect(alice.stderr).toBe('The server terminated the connection.\n');
  },
  async srv(given) {
    const server = await startServer('srv', ['127.0.0.1', 0]);
    const first = given('localhost', server.port);
    await first.out(/^> Connected to the chat server/m);
    const second = given('localhost', server.port);
    await second.out(/^> Connected to the chat server/m);
    await first.out(/^> New user .* entered/m);
    first.type('hello\n');
    await first.out(/^\[You\] hello\n/m);
    await second.out(/^\[127\.0\.0\.1:\d+\] hello\n/m);
    second.type('\n');
    expect(await second.exit).toBe(0);
    expect(second.stdout).toMatch(/^You have been disconnected\.\n$/m);
    await server.end('SIGINT');
    expect(await first.exit).toBe(0);
    expect(first.stdout).toMatch(/^Server closed the connection\.\n$/m);
  },
  async chatclient(given) {
    const server = given(0);
    const [, port] = await server.out(/^Listening on :(\d+)\n/);
    const [foo, bar] = [start('chatclient', ['localhost', port]), start('chatclient', ['localhost', port])];
    for (const client of [foo, bar]) await client.out(/^Please enter your screen name:\n/m);
    foo.type('Foo\n');
    await foo.out(/^Foo logged in\n/m);
    bar.type('Bar\nhello\n');
    await foo.out(/^Bar logged in\n\[Bar\] hello\n/m);
    await bar.out(/^\[Bar\] hello\n/m);
    bar.type('/quit\n');
    await foo.out(/^Bar disconnected\n/m);
  },
  async multiconn(given) {
    const server = await startServer('multiconn-server', ['127.0.0.1', 0]);
    const client = given('localhost', server.port, 2);
    expect(await client.exit).toBe(0);
    const of = (connid: number, what: string) =>
      client.lines
        .flatMap((line) => line.match(`^${what} b'(.*)'.* connection ${connid}$`)?.[1] ?? [])
        .join('');
    for (const connid of [1, 2]) {
      expect(of(connid, 'Received')).toBe('Message 1 from client.Message 2 from client.');
      expect(client.lines).toContain(`Closing connection ${connid}`);
    }
  },
};

test('the directory is named as the assignment, if it has no other name', () => {
  const { stdout } = init('srv');
  expect(stdout).toBe(`srv is ready: begin with ${join('srv', 'README.md')}\n`);
  expect(readdirSync(join(folder, 'srv')).toSorted()).toEqual([
    'README.md',
    'cli.ts',
    'package.json',
    'srv.ts',
    'tsconfig.json',
  ]);
});

test('a directory that is not empty is left alone', () => {
  const directory = mkdtempSync(join(folder, 'mine-'));
  writeFileSync(join(directory, 'work'), 'mine');
  const { exit, stderr } = init('srv', directory);
  expect({ exit, stderr }).toEqual({
    exit: 1,
    stderr: `${directory} is not empty (work): give a directory that is, or a new one\n`,
  });
  expect(readdirSync(directory)).toEqual(['work']);
});

test.each([[], ['.git', '.github']])('an empty directory will do, also one with %j', (...there) => {
  const directory = mkdtempSync(join(folder, 'empty-'));
  for (const name of there) mkdirSync(join(directory, name));
  expect(init('srv', directory).exit).toBe(0);
});

test.each([
  ['package.json', 'package.json is a file: give a directory, or a new name'],
  ['package.json/srv', 'mkdir package.json/srv: Not a directory (ENOTDIR)'],
])('%s will not do', (directory, message) => {
  expect(init('srv', directory)).toEqual({ exit: 1, stdout: '', stderr: `${message}\n` });
});

test('an assignment that there is not: usage', () => {
  const { exit, stderr } = init('no-such');
  expect(exit).toBe(2);
  expect(stderr).toMatch(/^usage: posix-select init .*\nerror: .*There are select-server, talk-server/);
});
