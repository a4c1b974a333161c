/** Errors that a system gives seldom, made by strace(1): a server goes on, and only the one connection is lost. */
import { readFileSync, readlinkSync } from 'node:fs';
import { expect } from 'vitest';
import { type Wait, waits } from '../support/idle.js';
import { needs } from '../support/needs.js';
import { Process, start, startServer, until } from '../support/process.js';
import { listen, Python } from '../support/python.js';

const test = needs('strace');

/** From now on calls of a program's loop fail: `accept4:error=ENONET:when=1`. */
async function inject(program: Process, call: 'select' | 'epoll', ...faults: string[]): Promise<void> {
  const isLoop = (wait: Wait) =>
    wait.call === call && (call === 'select' || hasSocket(program.pid, wait.first));
  const tid = await until('the loop waits', () => waits(program).find(isLoop)?.tid);
  const options = [
    '-o',
    '/dev/null',
    '-e',
    'signal=none',
    ...faults.flatMap((fault) => ['-e', `inject=${fault}`]),
  ];
  const strace = new Process('strace', [...options, '-p', String(tid)]);
  await strace.err(/attached/);
}

/** Whether an epoll waits for a socket: that of V8's own thread does not. */
function hasSocket(pid: number, epfd: number): boolean {
  const info = readFileSync(`/proc/${pid}/fdinfo/${epfd}`, 'utf8');
  const fds = [...info.matchAll(/^tfd:\s*(\d+)/gm)].map(([, fd]) => fd);
  return fds.some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:'));
}

/** A server whose calls fail, and a Python that knows its port. */
async function failing(program: string, args: (string | number)[], ...faults: string[]) {
  const server = await startServer(program, args);
  await inject(server, program === 'multiconn-server' ? 'epoll' : 'select', ...faults);
  const python = new Python();
  await python.run(
    `port = args
def is_ended(sock):
    try: return rest(sock) == ''
    except ConnectionResetError: return True`,
    server.port,
  );
  return { server, python };
}

test.each([
  ['ENONET', 'EACCES'],
  ['ETIMEDOUT', 'ENOBUFS'],
  ['EOPNOTSUPP', 'EOPNOTSUPP'],
])('accept %s and recv %s: the connection that it is about is lost, no other', async (accept, recv) => {
  const { server, python } = await failing(
    'select-server',
    [0],
    `accept4:error=${accept}:when=1`,
    `recvfrom:error=${recv}:when=1`,
  );
  await python.run(`
    a = connect(port); a.sendall(b'lost'); assert is_ended(a)
    b = connect(port); b.sendall(b'heard')`);
  await server.out(/ 5 bytes: b'heard'\n/);
  expect(server.stdout).not.toContain('lost');
  expect((await server.end('SIGINT')).exit).toBe(0);
});

test('accept without an address, as macOS has it for a peer that is gone: the next one is served', async () => {
  const { server, python } = await failing(
    'select-server',
    [0],
    'accept4:poke_exit=@arg2=0000,@arg3=00000000:when=1',
  );
  await python.run(`
    a = connect(port); assert is_ended(a)
    b = connect(port); b.sendall(b'heard')`);
  await server.out(/ 5 bytes: b'heard'\n/);
  expect(server.stdout.match(/: connected$/gm)).toHaveLength(1);
  expect((await server.end('SIGINT')).exit).toBe(0);
});

test('accept that fails for ever does not spin', async () => {
  const { server, python } = await failing('select-server', [0], 'accept4:error=EPERM');
  await python.run('a = connect(port)');
  const loop = () => waits(server).find(({ call, hasTimeout }) => call === 'select' && hasTimeout);
  await until('it pauses', loop); // the loop itself waits without a time limit
  expect((await server.end('SIGINT')).exit).toBe(0);
});

test('multiconn-server: what epoll does not take is closed at once; what send does not take is sent later', async () => {
  const { server, python } = await failing(
    'multiconn-server',
    ['127.0.0.1', 0, '--selector', 'epoll'],
    'epoll_ctl:error=ENOSPC:when=1',
    'sendto:error=ENOBUFS:when=1',
  );
  await python.run(`
    a = connect(port); assert is_ended(a)
    b = connect(port); b.sendall(b'whole'); assert get(b, 5) == b'whole'`);
  expect(server.stderr).toMatch(/^\('127\.0\.0\.1', \d+\): closed at once: epoll fd \d+: .* \(ENOSPC\)$/m);
  expect((await server.end('SIGINT')).exit).toBe(0);
});

test('srv: what send does not take for want of memory is sent later', async () => {
  const { server, python } = await failing('srv', ['127.0.0.1', 0], 'sendto:error=ENOBUFS:when=1');
  await python.run(
    "a = connect(port); assert get(a, 45) == b'> Connected to the chat server (1 user online)'[:45]",
  );
  expect((await server.end('SIGINT')).exit).toBe(0);
});

test.each([
  ['cli', ['127.0.0.1'], 'typed'],
  ['talk-client', ['-n', 'me', '-p'], 'me says: typed'],
  ['chatclient', ['127.0.0.1'], 'typed\n'],
])(
  '%s: what was typed just as the connection broke is said not to be delivered',
  async (program, args, said) => {
    const server = await listen();
    const client = start(program, [...args, server.port]);
    await inject(client, 'select', 'sendto:error=ECONNRESET:when=1');
    client.type('typed\n');
    client.endInput();
    expect(await client.exit).toBe(1);
    expect(client.stderr).toBe(`${said.length} bytes were not delivered\n`);
  },
);
