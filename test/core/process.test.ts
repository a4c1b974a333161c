/** A loop as a process of its own, on the command line: signals, and a stdout that nobody reads any more. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { type Socket as NetSocket, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipe, SHUT_WR, socketpair } from 'posix-select/socket';
import { describe, expect, onTestFinished, test } from 'vitest';
import { blockedIn, ended } from '../support/proc.js';
import { CLI, Process, start, startServer, until } from '../support/process.js';
import { Python, python } from '../support/python.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const EPIPE = 'write stdout: Broken pipe (EPIPE)\n';

type Server = Process & { port: number };

const signal = (process: Process, name: NodeJS.Signals, ms?: number) => {
  process.child.kill(name);
  return ended(process, ms);
};

/** Kills a process's group, which is its own, when the test ends. */
function killGroup<T extends Process>(leader: T): T {
  onTestFinished(() => {
    try {
      process.kill(-leader.pid, 'SIGKILL');
    } catch {} // all have ended
  });
  return leader;
}

/** What is on stderr beside a server's hint. */
const withoutHint = ({ stderr }: Process) => stderr.replace(/^listening on .*\n( {2}.*\n){2}/m, '');

/** Sends to a server without a pause, until it has gone. */
function flood({ port }: { port: number }, messages = 1e9): Process {
  return Python.program(
    `import socket, sys
try:
    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)
    for _ in range(int(sys.argv[2])): s.sendall(b'x' * 100)
except OSError: pass`,
    [port, messages],
  );
}

describe.each(SIGNALS)('%s', (name) => {
  test.each([0, 20])('ends a server that has %d clients, with 0, and frees its port', async (n) => {
    const server = await startServer('select-server');
    const clients = Python.program(
      `import socket, sys
clients = [socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20) for _ in range(int(sys.argv[2]))]
print('connected', flush=True)
for s in clients: assert s.recv(9) == b''
print('closed', flush=True)`,
      [server.port, n],
    );
    await clients.out(/^connected\n/);
    await server.out(new RegExp(`^(.*\\n){${n + 1}}$`));
    await blockedIn('select', server);
    expect((await signal(server, name)).exit).toBe(0);
    await clients.out(/^closed\n/m);
    expect(withoutHint(server)).toBe('');
    const next = await startServer('select-server', [server.port]);
    expect(next.port).toBe(server.port);
  });

  test('ends a server with 0 however often it comes', async () => {
    const server = await startServer('select-server');
    await blockedIn('select', server);
    const again = setInterval(() => server.child.kill(name), 0);
    onTestFinished(() => clearInterval(again));
    expect((await ended(server)).exit).toBe(0);
  });

  test('ends a client that waits, with 0', async () => {
    const server = await startServer('select-server');
    const client = start('select-client', ['a', '127.0.0.1', server.port, '--interval', 1000]);
    await server.out(/ bytes: b'a: /);
    await blockedIn('select', client);
    expect((await signal(client, name)).exit).toBe(0);
    expect(client.stdout + client.stderr).toBe('');
    await server.out(/: disconnected\n$/);
  });
});

test('SIGINT ends a server whose main thread is slow to begin', async () => {
  const slow = `
import { isMainThread } from 'node:worker_threads';
const { on } = process;
process.on = function (name, ...rest) {
  if (name === 'SIGINT' && isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  return on.call(this, name, ...rest);
};`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(slow)}`;
  const server = start('select-server', [0], { env: { ...process.env, NODE_OPTIONS } });
  await blockedIn('select', server); // its thread, whatever the main thread does
  expect((await signal(server, 'SIGINT')).exit).toBe(0);
});

test('both end a loop that is caught in connect(), after a second of grace', async () => {
  const listener = Python.program(FULL);
  const [, port] = await listener.out(/^(\d+)\n/);
  const clients = SIGNALS.map(() => start('select-client', ['a', '127.0.0.1', port]));
  for (const client of clients) await blockedIn('connect', client);
  const ends = await Promise.all(clients.map((client, i) => signal(client, SIGNALS[i])));
  expect(ends.map(({ exit }) => exit)).toEqual([130, 143]);
  for (const { ms } of ends) expect(ms).toBeGreaterThan(900);
  for (const client of clients) expect(client.stdout + client.stderr).toBe('');
});

/** A listener whose queue is full: the next connect() has to wait. */
const FULL = `
import select, socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen(0)
held = []
while True:
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(listener.getsockname())
    held.append(s)
    if not select.select([], [s], [], 0.2)[1]: break
print(listener.getsockname()[1], flush=True)
sys.stdin.read()`;

test('SIGINT that comes to the thread in select() ends the server all the same', async () => {
  const server = await startServer('select-server');
  const [tid] = await blockedIn('select', server);
  python('import ctypes, signal\nresult = ctypes.CDLL(None).tgkill(*args, signal.SIGINT)', [server.pid, tid]);
  expect((await ended(server)).exit).toBe(0);
});

test('Ctrl-C at a terminal ends the server with 0', async () => {
  const terminal = Python.program(
    'import os, pty, sys\nsys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))',
    [process.execPath, CLI, 'select-server', 0],
  );
  await terminal.out(/waiting for connections\r\n.*nc localhost|nc localhost.*waiting for connections\r\n/s);
  terminal.child.stdin?.write('\x03');
  expect((await ended(terminal)).exit).toBe(0);
});

test('Ctrl-C that ends the reader of stdout as well ends the server with 0', async () => {
  const shell = killGroup(Python.program(PIPELINES, [process.execPath, CLI], { detached: true }));
  await shell.out(/\n/);
  expect(JSON.parse(shell.stdout)).toEqual(Array(4).fill([0, '']));
});

/** A shell with four pipelines `posix-select select-server 0 | cat` in its group, at Ctrl-C. */
const PIPELINES = `
import json, os, signal, sys
from subprocess import PIPE, Popen
signal.signal(signal.SIGINT, lambda *_: None)
servers = [Popen([*sys.argv[1:], 'select-server', '0'], stdout=PIPE, stderr=PIPE, text=True) for _ in range(4)]
cats = [Popen(['cat'], stdin=server.stdout, stdout=PIPE) for server in servers]
for server, cat in zip(servers, cats):
    server.stdout.close()
    for _ in range(3): server.stderr.readline()
    cat.stdout.readline()
os.killpg(0, signal.SIGINT)
print(json.dumps([[server.wait(), server.stderr.read()] for server in servers]))
for cat in cats: cat.wait()`;

/** What a server's stdout may be, and the end that its reader holds. */
const STDOUTS: [what: string, open: () => { stdout: 'pipe' | number; reader?: NetSocket }][] = [
  ['the socketpair that spawn() makes', () => ({ stdout: 'pipe' })],
  [
    'a pipe',
    () => {
      const [readEnd, stdout] = pipe();
      return { stdout, reader: new Socket({ fd: readEnd }) };
    },
  ],
  [
    'a socket that does not block',
    () => {
      const [ours, theirs] = socketpair();
      theirs.setblocking(false);
      return { stdout: theirs.detach(), reader: new Socket({ fd: ours.detach() }) };
    },
  ],
];

describe.each(STDOUTS)('the reader of stdout goes away, which is %s,', (_, open) => {
  /** A server, and its stdout's reader, which does not read yet. */
  async function serve(): Promise<{ server: Server; reader: NetSocket }> {
    const { stdout, reader } = open();
    const server = await startServer('select-server', [0], { stdio: ['ignore', stdout, 'pipe'] });
    if (typeof stdout === 'number') closeSync(stdout);
    const end = reader ?? (server.child.stdout as NetSocket);
    end.pause();
    onTestFinished(() => void end.destroy());
    return { server, reader: end };
  }

  /** Waits for the end that a missing reader brings. */
  async function expectEpipe(server: Process): Promise<void> {
    expect((await ended(server)).exit).toBe(1);
    expect(withoutHint(server)).toBe(EPIPE);
  }

  test('while the server waits: it ends', async () => {
    const { server, reader } = await serve();
    await blockedIn('select', server);
    reader.destroy();
    await expectEpipe(server);
  });

  test('while clients send: it ends', async () => {
    const { server, reader } = await serve();
    const clients = [flood(server), flood(server)];
    let bytes = 0;
    reader.on('data', (data) => {
      bytes += data.length;
    });
    reader.resume();
    await until('the reader reads', () => bytes > 1e6);
    reader.destroy();
    await expectEpipe(server);
    for (const client of clients) expect((await ended(client)).exit).toBe(0);
  });

  test('while the server waits for it to read: it ends', async () => {
    const { server, reader } = await serve();
    await flood(server, 20_000).exit; // more than stdout holds
    reader.destroy();
    await expectEpipe(server);
  });
});

/** Where stdout may lead without a reader that could go away. */
const PLACES: [what: string, open: () => number][] = [
  ['/dev/null', () => openSync('/dev/null', 'w')],
  ['a file', () => openSync(join(scratch(), 'out'), 'w')],
  [
    'a socket whose reader has ended its own sending',
    () => {
      const [ours, theirs] = socketpair();
      ours.shutdown(SHUT_WR);
      onTestFinished(() => ours.close());
      return theirs.detach();
    },
  ],
];

/** A folder for the time of the test. */
function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test.each(PLACES)('a server serves on with a stdout that is %s', async (_, open) => {
  const stdout = open();
  const server = await startServer('select-server', [0], { stdio: ['ignore', stdout, 'pipe'] });
  closeSync(stdout);
  const client = start('select-client', ['a', '127.0.0.1', server.port, '--count', 1]);
  expect((await ended(client)).exit).toBe(0);
  await blockedIn('select', server);
  expect((await signal(server, 'SIGINT')).exit).toBe(0);
});

describe('in a shell', () => {
  test('`posix-select select-server | true` ends', async () => {
    const line = `{ '${process.execPath}' '${CLI}' select-server 0; echo "exit $?" >&2; } | true`;
    const shell = killGroup(new Process('sh', ['-c', line], { detached: true }));
    await ended(shell);
    expect(withoutHint(shell)).toBe(`${EPIPE}exit 1\n`);
  });
});

test('a server serves on when nobody reads its stderr any more', async () => {
  const [readEnd, stderr] = pipe();
  closeSync(readEnd);
  const server = start('select-server', [0], { stdio: ['ignore', 'pipe', stderr] });
  closeSync(stderr);
  await blockedIn('select', server);
  expect((await signal(server, 'SIGINT')).exit).toBe(0);
  expect(server.lines).toEqual(['waiting for connections']);
});

test('a server starts where the watch over stdout takes the only thread of the pool', async () => {
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const server = start('select-server', [0], { env });
  await server.err(/^listening on /);
  expect((await signal(server, 'SIGINT')).exit).toBe(0);
});
