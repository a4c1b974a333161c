import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { basename } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { openFiles, type TcpSocket, tcpSockets } from '../../dist/teach/observe/proc.js';
import { snapshot } from '../../dist/teach/observe/snapshot.js';
import { askForSocket, openSockets } from '../../dist/teach/observe/sock-diag.js';
import { needs } from '../support/needs.js';
import { CLI, forAnyone, Process, until, WAIT_MS } from '../support/process.js';
import { Python } from '../support/python.js';
import { close, command, freePort, workshop } from '../support/zoo.js';

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

const observe = (...args: (string | number)[]) =>
  new Process(process.execPath, [CLI, 'observe', ...args.map(String)]);

/** Starts a server of the zoo and connects a silent client to it; tells both ports. */
async function serve(name: string): Promise<{ server: Process; port: number; client: number }> {
  const port = await freePort();
  const [file, ...args] = command(folder, name);
  const server = new Process(file, [...args, String(port)], {
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
  });
  const client = await until('it listens', () => tryConnect(port));
  onTestFinished(() => void client.destroy());
  return { server, port, client: client.localPort as number };
}

function tryConnect(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}

const HERE = '127\\.0\\.0\\.1';

/** Each with what it waits in, when a silent client is connected. */
const SERVERS: [name: string, waits: (listener: string, conn: string) => string][] = [
  ['select.c', (listener, conn) => `select, no timeout: ${listener}, ${conn}$`],
  ['literal.py', (listener, conn) => `select, no timeout: ${listener}, ${conn}$`],
  ['poll.py', (listener, conn) => `poll, no timeout: ${listener}, ${conn}$`],
  ['asyncio_loop.py', (listener, conn) => `epoll_wait, no timeout: .*${listener}.*, ${conn}$`],
  ['threads.py', (_, conn) => `recv: ${conn}$`],
  ['threads.py', (listener) => `accept: ${listener}$`],
  ['node_net.ts', (listener, conn) => `epoll_wait, .*: .*${listener}, ${conn}$`],
  // Its thread starts while the pipe of `stop` is made: either may have the lower number.
  [
    'select-server',
    (listener, conn) => `select, no timeout: (\\d+ pipe, ${listener}|${listener}, \\d+ pipe), ${conn}$`,
  ],
];

test.each(SERVERS)('%s: what it is blocked in, with its descriptors named', async (name, waits) => {
  const { server, port, client } = await serve(name);
  const line = waits(`\\d+ listener [\\d.]+:${port} \\(LISTEN\\)`, `\\d+ connected to ${HERE}:${client}`);
  const observer = observe(server.pid);
  await observer.out(new RegExp(`^\\w+ \\d+.*: ${line}`, 'm'));
  server.child.kill('SIGKILL');
  expect(await observer.exit).toBe(0);
});

test('a program that is stopped', async () => {
  const { server } = await serve('busy.py');
  const observer = observe(server.pid);
  await observer.out(/^python3 \d+: running: it waits for nothing$/m);
  server.child.kill('SIGSTOP');
  await observer.out(/^python3 \d+: stopped: by a signal, until SIGCONT$/m);
  server.child.kill('SIGKILL');
  expect(await observer.exit).toBe(0);
});

test('a command keeps its stdin, its stdout and its exit code', async () => {
  const observer = observe('--', 'sh', '-c', 'read line; echo "got $line"; exit 7');
  await observer.err(/^\w+ \d+: read: 0 Unix socket$/m);
  observer.type('it\n');
  expect(await observer.exit).toBe(7);
  expect(observer.stdout).toBe('got it\n');
});

const SECOND = `
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
print(s.getsockname()[1], flush=True)
sys.stdin.read()`;

test('a line is told when what a thread waits in changes, and not before', async () => {
  const { server, port: serverPort, client } = await serve('literal.py');
  const observer = observe(server.pid);
  await observer.out(new RegExp(`${client}$`, 'm'));
  const second = Python.program(SECOND, [String(serverPort)]);
  const [, port] = await second.out(/^(\d+)$/m);
  await observer.out(new RegExp(`connected to ${HERE}:${client}, \\d+ connected to ${HERE}:${port}$`, 'm'));
  second.endInput();
  await until('it has left', () => observer.lines.length === 3);
  expect(observer.lines[2]).toBe(observer.lines[0]);
});

const ZOMBIE = `
import os, time
pid = os.fork()
if pid == 0: os._exit(0)
print(pid, flush=True)
time.sleep(1000)`;

test('a shell is shown without the observer that it has started, and without its npx', async () => {
  const observer = JSON.stringify([CLI, 'observe']);
  const npx = `process.title = 'npm exec posix-select';
    const args = ['-c', '"$@"; exit', 'sh', process.execPath, ...${observer}, process.argv[1]];
    require('node:child_process').spawnSync('sh', args, { stdio: 'inherit' });`;
  const shell = new Process('bash', ['-c', '"$@" "$$" & read line', 'bash', process.execPath, '-e', npx]);
  await shell.out(/^bash \d+: read: 0 /m);
  shell.endInput();
  await shell.exit;
  expect(shell.lines.filter((line) => !line.startsWith(`bash ${shell.pid}: `))).toEqual([]);
});

test('on a terminal it draws, and Ctrl-C ends it', async () => {
  const { server, port } = await serve('literal.py');
  const pty = `import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))`;
  const screen = Python.program(pty, [process.execPath, CLI, 'observe', String(server.pid)]);
  await screen.out(
    new RegExp(
      `% CPU\\r\\n    select, no timeout\\r\\n      \\d+ listener ${HERE}:${port} \\(LISTEN\\)\\r\\n`,
    ),
  );
  screen.type('\x03');
  expect(await screen.exit).toBe(0);
});

/** A program on a terminal with so many rows and columns. */
const SMALL = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', int(sys.argv[1]), int(sys.argv[2]), 0, 0))
    os.execv(sys.argv[3], sys.argv[3:])
while True: os.write(1, os.read(fd, 4096))`;

test('on a small terminal it breaks its lines, and scrolls', async () => {
  const { server } = await serve('literal.py');
  const screen = Python.program(SMALL, ['4', '34', process.execPath, CLI, 'observe', `${server.pid}`]);
  await screen.out(/lines 1 to 2 of \d: ↑ ↓/);
});

test('what has just changed out of sight is counted', async () => {
  const { server, port } = await serve('literal.py');
  const screen = Python.program(SMALL, ['4', '70', process.execPath, CLI, 'observe', `${server.pid}`]);
  await screen.out(/lines 1 to 2 of 4: ↑ ↓ PgUp PgDn\r\n/);
  const another = await tryConnect(port);
  onTestFinished(() => void another?.destroy());
  await screen.out(/lines 1 to 2 of 5: ↑ ↓ PgUp PgDn {2}▸ 1 below\r\n/);
});

test('it ends when its reader has gone, though it has nothing more to tell', async () => {
  const { server } = await serve('literal.py');
  const observer = observe(server.pid);
  await observer.out(/select, no timeout/);
  observer.child.stdout?.destroy();
  expect(await observer.exit).toBe(1);
  expect(observer.stderr).toBe('');
});

const NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
const asNobody = (...command: string[]) => new Process('setpriv', [...NOBODY, ...command], { cwd: '/' });

needs('root')("another user's process: it says why not", async () => {
  const { server } = await serve('literal.py');
  const observer = asNobody(...forAnyone(), 'observe', String(server.pid));
  expect(await observer.exit).toBe(1);
  expect(observer.stderr).toBe(
    `process ${server.pid} is another user's (uid 0): only that user and root may look into it\n`,
  );
});

needs('root')('an ordinary user sees what is its own', async () => {
  const sleeper = asNobody('sleep', '1000');
  await until('it is a sleep', () => readFileSync(`/proc/${sleeper.pid}/comm`, 'utf8') === 'sleep\n');
  const observer = asNobody(...forAnyone(), 'observe', String(sleeper.pid));
  await observer.out(/^sleep \d+: nanosleep: for time to pass$/m);
  sleeper.child.kill('SIGKILL');
  expect(await observer.exit).toBe(0);
});

/** Root as in a container: it may not look into what is another user's. */
const CONTAINED = ['--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace'];

needs('root')("root without CAP_SYS_PTRACE sees another user's", async () => {
  const sleeper = new Process('setpriv', [...NOBODY, 'sleep', '1000']);
  await until('it is a sleep', () => readFileSync(`/proc/${sleeper.pid}/comm`, 'utf8') === 'sleep\n');
  const observer = new Process('setpriv', [...CONTAINED, process.execPath, CLI, 'observe', `${sleeper.pid}`]);
  await observer.out(/^sleep \d+: nanosleep: for time to pass$/m);
  sleeper.child.kill('SIGKILL');
  expect(await observer.exit).toBe(0);
});

needs('root')('root that may not even become another user: it says why', async () => {
  const sleeper = new Process('setpriv', [...NOBODY, 'sleep', '1000']);
  await until('it is a sleep', () => readFileSync(`/proc/${sleeper.pid}/comm`, 'utf8') === 'sleep\n');
  const bounds = ['--bounding-set', '-sys_ptrace,-setuid', '--inh-caps', '-sys_ptrace,-setuid'];
  const observer = new Process('setpriv', [...bounds, process.execPath, CLI, 'observe', `${sleeper.pid}`]);
  expect(await observer.exit).toBe(1);
  expect(observer.stderr).toMatch(/^process \d+ is closed even to root here: that takes CAP_SYS_PTRACE/);
});

test('a process that has ended, and whose parent has not asked how', async () => {
  const parent = Python.program(ZOMBIE);
  const [, pid] = await parent.out(/^(\d+)$/m);
  await until('it has ended', () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
  const observer = observe(pid);
  expect(await observer.exit).toBe(1);
  const name = `process ${pid} \\(python3?[.\\d]*\\)`;
  const why = `has ended; its parent ${parent.pid} \\(python3?[.\\d]*\\) has not called wait\\(2\\) yet`;
  expect(observer.stderr).toMatch(new RegExp(`^${name} ${why}`));
});

test.each([
  [['observe', '999999999'], 1, 'there is no process 999999999\n'],
  [['observe', '--', 'no-such-command'], 1, 'no-such-command: command not found\n'],
  [['observe', '--', '12345678'], 1, '12345678: command not found\n'],
  [['observe', '--', ''], 1, "'': command not found\n"],
])('%j is one line', async (args, exit, stderr) => {
  const observer = new Process(process.execPath, [CLI, ...args]);
  expect(await observer.exit).toBe(exit);
  expect(observer.stderr).toBe(stderr);
});

test('a bad command line: usage', async () => {
  const observer = observe();
  expect(await observer.exit).toBe(2);
  expect(observer.stderr).toMatch(/^usage: posix-select observe <pid> \| -- <command \.\.\.>\n/);
});

needs('Linux')('the kernel lists the sockets that /proc lists, in all their forms', async () => {
  const addresses = ['127.0.0.1', '0.0.0.0', '::', '::1', '::ffff:127.0.0.1'];
  for (const host of addresses) {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, host === '::1' ? host : '127.0.0.1');
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    const [conn] = (await once(server, 'connection')) as [Socket];
    onTestFinished(() => void conn.destroy());
  }
  const own = new Set(
    [...openFiles(process.pid).values()].map((file) => Number(/^socket:\[(\d+)/.exec(file)?.[1])),
  );
  // Of a listener only the kernel's answer says how many connections may wait.
  const seen = (sockets: TcpSocket[]) =>
    sockets
      .filter(({ inode }) => own.has(inode))
      .map(({ inode, local, remote, state, unread }) => `${inode} ${local} ${remote} ${state} ${unread}`)
      .toSorted();
  // A table that others change while it is read may show a row twice, or not at all.
  const inTables = await vi.waitFor(() => {
    const read = (['tcp', 'tcp6'] as const).flatMap((table) => tcpSockets(process.pid, table));
    expect(seen(openSockets() ?? [])).toEqual(seen(read));
    return read;
  }, WAIT_MS);
  expect(seen(inTables).length).toBeGreaterThanOrEqual(3 * addresses.length);
  const asked = inTables.filter(({ inode }) => own.has(inode));
  expect(asked.filter(({ local, remote, inode }) => askForSocket(local, remote)?.inode !== inode)).toEqual(
    [],
  );
});

needs('Linux')(
  'Node 24 and newer name their first thread: the process has the name of its file',
  async () => {
    const program = Python.program("open('/proc/self/comm', 'w').write('MainThread')\ninput()");
    const nameOf = () => snapshot(program.pid)[0]?.process.name;
    await until(
      'it has that name',
      () => readFileSync(`/proc/${program.pid}/comm`, 'utf8') === 'MainThread\n',
    );
    expect(nameOf()).toBe(basename(readlinkSync(`/proc/${program.pid}/exe`)));
  },
);
