/** Tracing real runs: what each form shows, where it is written, and that nothing is lost. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInWorker } from 'posix-select';
import { describe, expect, test } from 'vitest';
import type { Call, OtherCall, SelectCall } from '../../dist/teach/recording/format.js';
import { needs } from '../support/needs.js';
import { ended } from '../support/proc.js';
import { CLI, Process, startNode, until, WAIT_MS } from '../support/process.js';
import { connect, listen, Python } from '../support/python.js';
import { parsed } from '../support/recordings.js';
import { type Args, fileFor, posixSelect, traced } from '../support/traced.js';

const trace = new URL('../../dist/teach/trace/trace.js', import.meta.url);

const isWait = (call: Call): call is SelectCall => call.call === 'select';
const made = (calls: Call[], name: string) => calls.filter(({ call }) => call === name) as OtherCall[];

/** The sentences of all waits, with the descriptors by their names. */
function sentences(calls: Call[]): string[] {
  const names: Record<string, string | null> = {};
  return calls.flatMap((call) => {
    const why = (call.why ?? []).map(({ fd, sentence }) => `${fd === null ? '' : names[fd]}: ${sentence}`);
    Object.assign(names, call.names);
    return why;
  });
}

describe('json', () => {
  test('a head, then each call, with what is ready and why', async () => {
    const { server, port, text, shows } = await traced(['--trace=json'], ['select-server', 0]);
    const peer = await connect(port);
    await shows(/"call":"accept"/);
    await peer.say('hello');
    await shows(/"call":"recv"/);
    await peer.run('close()');
    await shows(/"call":"close"/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });

    const { head, calls } = parsed(text());
    const { began, ...rest } = head;
    expect(rest).toEqual({
      format: 'posix-select recording',
      version: 1,
      program: 'select-server',
      args: ['0'],
      platform: process.platform,
    });
    expect(Date.now() - Date.parse(began)).toBeLessThan(WAIT_MS);
    expect(calls.map(({ n }) => n)).toEqual(calls.map((_, i) => i + 1));
    const times = calls.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(calls[0].names).toMatchObject({ 0: 'stdin', 1: 'stdout', 2: 'stderr' });

    const [socket] = made(calls, 'socket');
    const listener = socket.result;
    const accept = made(calls, 'accept').find(({ result }) => result >= 0) as OtherCall;
    const conn = accept.result;
    expect(accept).toMatchObject({ fd: listener, address: ['127.0.0.1', peer.port] });
    expect(accept.names).toEqual({ [conn]: `127.0.0.1:${peer.port}` });
    const [recv, end] = made(calls, 'recv');
    const hello = Buffer.from('hello').toString('base64');
    expect(recv).toMatchObject({ fd: conn, result: 5, length: 4096, flags: 0, data: hello });
    expect(end).toMatchObject({ result: 0, data: '' });
    expect(made(calls, 'close')[0]).toMatchObject({ fd: conn, names: { [conn]: null } });

    const waits = calls.filter(isWait);
    const [stop] = (waits[0].readfds as number[]).filter((fd) => fd !== listener);
    expect(
      waits.map(({ readfds, after, result, nfds, timeout }) => [
        readfds,
        after.readfds,
        result,
        nfds,
        timeout,
      ]),
    ).toEqual([
      [[stop, listener], [listener], 1, listener + 1, null],
      [[stop, listener, conn], [conn], 1, conn + 1, null],
      [[stop, listener, conn], [conn], 1, conn + 1, null],
      [[stop, listener], [stop], 1, listener + 1, null],
    ]);
    expect(sentences(calls)).toEqual([
      'listener: a connection is waiting',
      `127.0.0.1:${peer.port}: 5 bytes can be read`,
      `127.0.0.1:${peer.port}: the peer has closed: recv returns 0 bytes`,
      'stop: the loop is told to end',
    ]);
  });

  test.each(['select', 'poll', 'default'])(
    'on %s: a reset, which the program still receives',
    async (selector) => {
      const args = ['multiconn-server', '127.0.0.1', 0, '--selector', selector];
      const { server, port, text, shows } = await traced(['--trace=json'], args);
      const peer = await connect(port);
      await shows(/"call":"accept"/);
      await peer.reset();
      await shows(/"call":"recv"/);
      expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
      const { calls } = parsed(text());
      expect(made(calls, 'recv')).toMatchObject([{ result: -1, errno: 'ECONNRESET' }]);
      expect(sentences(calls)).toEqual([
        'listener: a connection is waiting',
        `127.0.0.1:${peer.port}: the peer has reset the connection`,
        'stop: the loop is told to end',
      ]);
    },
  );

  test('bytes with the end behind them, and room to send', async () => {
    const args = ['srv', '127.0.0.1', 0, '--max-pending', 10_000_000];
    const { server, port, text, shows } = await traced(['--trace=json'], args);
    const nonReading = Python.program(
      `import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
sys.stdin.readline()
while data := s.recv(65536): pass`,
      [port],
    );
    await shows(/"call":"accept"/);
    Python.program(
      `import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
s.sendall(b'x' * 6_000_000)
s.shutdown(socket.SHUT_WR)
while s.recv(65536): pass`,
      [port],
    );
    await shows(/bytes can be read, and after them the end/);
    nonReading.type('\n');
    await shows(/there is room to send/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
    const short = made(parsed(text()).calls, 'send').filter(({ result, length = 0 }) => result < length);
    expect(short.length).toBeGreaterThan(0);
    for (const { asked } of short) expect(Buffer.from(asked as string, 'base64').length).toBe(33);
  });

  test('a timeout, with the time that was left of another', async () => {
    const { server, port, text, shows } = await traced(['--trace=json'], ['chatserver', 0]);
    const peer = await connect(port);
    await shows(/"call":"accept"/);
    await peer.say('Ada');
    await shows(/nothing was ready within/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
    const { calls } = parsed(text());
    const over = calls.filter(isWait).filter(({ result }) => result === 0);
    expect(over.length).toBeGreaterThan(0);
    for (const { timeout, left, took, after } of over) {
      expect(timeout).toBeLessThanOrEqual(0.2);
      expect(took).toBeGreaterThanOrEqual((timeout as number) - 0.001);
      expect({ left, after: after.readfds }).toEqual({ left: 0, after: [] });
    }
    // The name was sent without a newline.
    expect(calls.some(({ names }) => Object.values(names ?? {}).includes('Ada'))).toBe(true);
  });

  test('users have the names that they have chosen', async () => {
    const { server, port, text, shows } = await traced(['--trace=json'], ['talk-server', '-p', 0]);
    const peer = await connect(port);
    await peer.say('Ada\x1b[31m says: hi');
    await shows(/"names":\{"\d+":"Ada\[31m"\}/);
    await peer.say('/who:');
    await peer.out(/clients connected/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
    expect(sentences(parsed(text()).calls)).toContain('Ada[31m: 5 bytes can be read');
  });
});

describe('explain', () => {
  test('shows the bits before and after, the names of the descriptors, and the reasons', async () => {
    const { server, port, text, shows } = await traced(['--trace=explain'], ['select-server', 0]);
    const peer = await connect(port);
    await shows(/accept .* is the connection from/);
    await peer.say('hello');
    await shows(/recv .*\n/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
    const wait =
      text()
        .match(/\n\nwait 1: select\n.*hello.*?\n\n/s)?.[0]
        .split('\n\n')
        .at(-2) ?? text();
    const [, stop, listener, conn] = (wait.match(/to read: (\d+) stop, (\d+) listener, (\d+) 127/) ?? []).map(
      Number,
    );
    const bits = (...fds: number[]) =>
      Array.from({ length: conn + 1 }, (_, fd) => (fds.includes(fd) ? '1' : '.')).join('');
    const tens = Array.from({ length: Math.floor(conn / 10) + 1 }, (_, i) => String(i * 10).padEnd(10));
    const name = `${conn} 127.0.0.1:${peer.port}`;
    expect(wait.split('\n').filter((line) => line !== '')).toEqual([
      'wait 2: select',
      '  1 The question  Which of these 3 can be read?',
      `                  to read: ${stop} stop, ${listener} listener, ${name}`,
      expect.stringMatching(/^ {2}2 Sleep {9}It sleeps for [\d.]+ m?s\.$/),
      `  3 The answer    127.0.0.1:${peer.port}: 5 bytes can be read.`,
      `  fd         ${tens.join('').trimEnd()}`,
      `  readfds    ${bits(stop, listener, conn)} before`,
      `             ${bits(conn)} after`,
      `  4 The work      recv ${name}: 5 bytes b'hello'`,
      expect.stringMatching(/^ {18}write 1 stdout: 39 bytes b"/),
    ]);
  });

  test('says what it waits for before it waits', async () => {
    const { text } = await traced(['--trace=explain'], ['select-server', 0]);
    await until('it waits', () =>
      /^wait 1: select\n {2}1 The question .*\n {18}to read: \d+ stop, \d+ listener\n$/m.test(text()),
    );
  });

  test('shows many descriptors within 80 columns', async () => {
    const { server, port, text, shows } = await traced(['--trace=explain'], ['select-server', 0]);
    const crowd = Python.program(
      `import socket, sys
crowd = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(120)]
crowd[-1].send(b'last')
sys.stdin.read()`,
      [port],
    );
    await shows(/b'last'/);
    crowd.endInput();
    await server.end('SIGINT');
    const pictures = text()
      .split('\n')
      .filter((line) => /^ {2}(fd|readfds) |^ {13}[.1]+ after|to read/.test(line));
    expect(Math.max(...pictures.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(text()).toMatch(/^ {2}fd {9}120 {7}130/m);
    expect(text()).toMatch(/and \d\d more/);
  });
});

describe('all ten programs', () => {
  const CLIENTS: [program: string, args: (port: number) => Args][] = [
    ['select-client', (port) => ['me', '127.0.0.1', port, '--interval', 0.01]],
    ['cli', (port) => ['127.0.0.1', port]],
    ['talk-client', (port) => ['-p', port]],
    ['chatclient', (port) => ['127.0.0.1', port]],
    ['multiconn-client', (port) => ['127.0.0.1', port, 1]],
  ];

  test.each(CLIENTS)('%s', async (program, args) => {
    const server = await listen();
    const file = fileFor('record');
    const client = posixSelect(['--record', file, program, ...args(server.port)]);
    const text = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    await until('the connection is recorded', () => text().includes('"call":"connect"'));
    await server.say('hello\n');
    await server.run('s.close()');
    await client.exit;
    const { head, calls } = parsed(text());
    expect(head.program).toBe(program);
    expect(made(calls, 'connect')[0].address).toEqual(['127.0.0.1', server.port]);
    expect(Object.values(made(calls, 'connect')[0].names ?? {})).toContain('server');
    expect(sentences(calls).filter((line) => line.startsWith('server: '))).not.toEqual([]);
  });
});

describe('where it goes', () => {
  test('to stderr, with strace as the form', async () => {
    const server = posixSelect(['--trace', 'select-server', 0]);
    await server.err(/^listening on/m);
    await server.err(/^write\(1, "waiting for connections\\n", 24\) = 24$/m);
    expect(await server.end('SIGTERM')).toMatchObject({ exit: 0 });
    expect(server.stdout).toBe('waiting for connections\n');
    expect(server.stderr).toMatch(
      /^select\(\d+, \[\d+ \d+\], NULL, NULL, NULL\) = 1 \(in \[\d+\]\)\nclose\(/m,
    );
  });

  test('on the terminal of the program, in the order of what it did', async () => {
    const command = [process.execPath, CLI, '--trace', 'select-server', '0'];
    const server = new Process('sh', ['-c', 'exec "$@" 2>&1', 'sh', ...command]);
    const [, port] = await server.out(/^listening on .*:(\d+);/m);
    const peer = await connect(Number(port));
    await peer.say('hello');
    await server.out(
      /^recv\(\d+, "hello", 4096, 0\) = 5\n\('127.0.0.1', \d+\) 5 bytes: b'hello'\nwrite\(1, .* = 39$/m,
    );
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
  });

  test('a recording prints nothing, and can be made with another form', async () => {
    const file = fileFor('record');
    const server = posixSelect(['--record', file, 'select-server', 0]);
    await server.err(/nc .*\n/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
    expect(server.stderr.split('\n')).toHaveLength(4);
    const both = await traced(['--trace=explain', '--record', file], ['select-server', 0]);
    expect(await both.server.end('SIGINT')).toMatchObject({ exit: 0 });
    expect(both.text()).toMatch(/^wait 1: select$/m);
    expect(parsed(readFileSync(file, 'utf8')).calls.at(-1)).toMatchObject({ call: 'close' });
  });

  test('the program goes on when nobody reads the trace', async () => {
    const server = posixSelect(['--trace', 'select-server', 0]);
    const [, port] = await server.err(/^listening on .*:(\d+);/m);
    server.child.stderr?.destroy();
    const peer = await connect(Number(port));
    await peer.say('hello');
    await server.out(/5 bytes/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
  });

  needs('/dev/full')('a full disk ends the trace and not the program', async () => {
    const server = posixSelect(['--record', '/dev/full', 'select-server', 0]);
    await server.err(/^write \/dev\/full: No space left on device \(ENOSPC\); the trace ends here$/m);
    await server.out(/waiting/);
    expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
  });

  needs('/dev/full')('what follows on a full disk is dropped', async () => {
    const writer = new Process(process.execPath, ['--input-type=module', '--eval', TOO_MUCH]);
    expect(await writer.exit, writer.stderr).toBe(0);
    expect(writer.stderr).toBe('write /dev/full: No space left on device (ENOSPC); the trace ends here\n');
  });
});

/** More than a string can hold. */
const TOO_MUCH = `
import { openSync } from 'node:fs';
import { sys } from './dist/posix/sys.js';
import { TraceWriter } from './dist/teach/trace/writer.js';
const output = new TraceWriter(sys, openSync('/dev/full', 'w'), '/dev/full');
for (let i = 0; i < 1024; i++) output.write('x'.repeat(2 ** 20));`;

describe('nothing is lost when the program', () => {
  test('is killed while it waits', async () => {
    const { server, port, text, shows } = await traced(['--trace'], ['select-server', 0]);
    const peer = await connect(port);
    await peer.say('hello');
    await shows(/"hello"/);
    expect(await server.end('SIGKILL')).toMatchObject({ exit: 'SIGKILL' });
    expect(text()).toMatch(/^recv\(\d+, "hello", 4096, 0\) = 5\nwrite\(1, .* = 39\n$/m);
  });

  test('fails', async () => {
    const other = await listen();
    const file = fileFor('trace');
    const server = posixSelect(['--trace', '--trace-file', file, 'select-server', other.port]);
    expect((await ended(server)).exit).toBe(1);
    expect(server.stderr).toMatch(
      /^bind .*EADDRINUSE\)\nanother program has that port; port 0 takes a free one\n$/,
    );
    expect(readFileSync(file, 'utf8')).toMatch(
      /^bind\(.*\) = -1 EADDRINUSE \(Address already in use\)\nclose\(\d+\) = 0\n$/m,
    );
  });

  test('loses the reader of its stdout', async () => {
    const { server, text } = await traced(['--trace'], ['select-server', 0]);
    await server.out(/waiting/);
    server.child.stdout?.destroy();
    expect((await ended(server)).exit).toBe(1);
    expect(text()).toMatch(/^close\(\d+\) = 0\n$/m);
  });
});

describe('without a trace', () => {
  const fixture = fileURLToPath(new URL('../support/fixtures/table.mjs', import.meta.url));

  /** The functions of the worker's table of system calls that are not the addon's own. */
  async function replaced(before?: { module: URL; options: unknown }): Promise<string[]> {
    const loop = runInWorker(fixture, { before });
    return (await loop.address) as unknown as string[];
  }

  test('no system call is replaced', async () => {
    expect(await replaced()).toEqual([]);
    const tracedNames = await replaced({ module: trace, options: { program: 'table', args: [] } });
    expect(tracedNames).toEqual(expect.arrayContaining(['select', 'accept', 'recv', 'send', 'close']));
  });
});

/** The calls of a piece of code that is recorded on the main thread of a process of its own. */
async function recordedCalls(code: string): Promise<OtherCall[]> {
  const file = fileFor('recording');
  const run = startNode(`
    import { openSync } from 'node:fs';
    import { begin } from '${trace}';
    begin({ program: 'x', args: [], record: { fd: openSync('${file}', 'w'), name: '${file}' } }, -1);
    ${code}`);
  expect({ exit: await run.exit, stderr: run.stderr }).toEqual({ exit: 0, stderr: '' });
  return parsed(readFileSync(file, 'utf8')).calls as OtherCall[];
}

test.each([10, 300])(
  'a datagram of %d bytes in 4 bytes of memory: what has come, and nothing beside it',
  async (size) => {
    const calls = await recordedCalls(`
    import { Socket, AF_INET, SOCK_DGRAM, MSG_TRUNC } from 'posix-select/socket';
    const [a, b] = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)];
    a.bind(['127.0.0.1', 0]);
    b.sendto(Buffer.alloc(${size}, 'A'), a.getsockname());
    const memory = Buffer.from('....SECRET'.repeat(100));
    if (a.recvInto(memory.subarray(0, 4), 4, MSG_TRUNC) !== ${size}) throw new Error('not truncated');
    a.close();
    b.close();`);
    const [recv] = made(calls, 'recv');
    expect(recv).toMatchObject({ result: size, length: 4, data: Buffer.from('AAAA').toString('base64') });
  },
);

test.skipIf(process.platform !== 'linux')('each wait has what epoll waits for at that time', async () => {
  const calls = await recordedCalls(`
    import { socketpair } from 'posix-select/socket';
    import { EpollSelector, EVENT_READ, EVENT_WRITE } from 'posix-select/selectors';
    const sel = new EpollSelector();
    const pairs = [socketpair(), socketpair()];
    const [[a], [b]] = pairs;
    const wait = () => sel.select(0);
    sel.register(a, EVENT_READ); wait();
    sel.register(b, EVENT_READ); wait(); wait();
    sel.modify(a, EVENT_WRITE); wait();
    sel.unregister(a); wait();
    console.log(a.fileno(), b.fileno());
    sel.close();
    for (const s of pairs.flat()) s.close();`);
  const [fds] = made(calls, 'epoll_ctl').map(({ rest = [] }) => Number(rest[1]));
  const [a, b] = [fds as number, Number(made(calls, 'epoll_ctl')[1]?.rest?.[1])];
  expect(made(calls, 'epoll_wait').map(({ waits }) => [waits?.readfds, waits?.writefds])).toEqual([
    [[a], null],
    [[a, b], null],
    [[a, b], null],
    [[b], [a]],
    [[b], null],
  ]);
});

test("the README's examples are what the forms show", async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = readme.split('## Seeing the system calls')[1].split('\n## ')[0];
  const examples = [...section.matchAll(/```\n(.*?)```/gs)].flatMap(([, text]) => text.trim().split('\n'));
  const textOfRun = async (form: string) => {
    const { server, port, text, shows } = await traced([`--trace=${form}`], ['select-server', 0]);
    const peer = await connect(port);
    await shows(/accept/);
    await peer.say(form === 'json' ? 'hi' : 'alice: xajrxttphhlwmjf');
    await shows(/recv/);
    await server.end('SIGINT');
    return text();
  };
  /** Numbers, times, and how many descriptors there are, are a run's own. */
  const form = (line: string) =>
    line.replace(/[.1]{9,}|(?<=^ {2}fd ).*/g, '#').replace(/[\d.]+( m?s\.?$)?/g, '#');
  const lines = (await Promise.all(['strace', 'explain', 'json'].map(textOfRun))).flatMap((text) =>
    text.split('\n'),
  );
  const shown = new Set(lines.map(form));
  expect(examples.filter((line) => !line.startsWith('$') && !shown.has(form(line)))).toEqual([]);
});
