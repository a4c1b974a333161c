import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { FD_SETSIZE } from 'posix-select';
import { expect, test } from 'vitest';
import { untilAsleep } from '../support/idle.js';
import {
  byConnection,
  MECHANISMS,
  MESSAGES,
  SELECTORS,
  startClient,
  startEcho,
} from '../support/multiconn.js';
import { openFds } from '../support/proc.js';
import { CLI, Process, until } from '../support/process.js';
import { Python } from '../support/python.js';

/** `push(sock, data)` sends, and reads nothing, until no more is taken; `rest` sends the rest and reads all. */
const PUSH = `
resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)

def push(sock, data):
    sock.setblocking(False)
    sent, data = 0, memoryview(data)
    while sent < len(data) and select.select([], [sock], [], 0.2)[1]:
        sent += sock.send(data[sent:sent + 65536])
    return sent

def rest(sock, data, sent):
    back, data = [], memoryview(data)
    while True:
        if sent == len(data):
            sock.shutdown(socket.SHUT_WR)
            sent += 1
        r, w, _ = select.select([sock], [sock] if sent < len(data) else [], [], SECONDS)
        if w: sent += sock.send(data[sent:sent + 65536])
        if r: back.append(sock.recv(65536))
        if not r and not w: raise TimeoutError(sum(map(len, back)))
        if back and not back[-1]: return b''.join(back)

def echoed(sock, data):
    sock.settimeout(SECONDS)
    try:
        sock.sendall(data)
        return sock.recv(len(data)) == data
    except ConnectionError:
        return False

counted = b''.join(b'%07d,' % n for n in range(2 ** 18)) * 4
`;

async function pusher(): Promise<Python> {
  const python = new Python();
  await python.run(PUSH);
  return python;
}

/** Megabytes of memory that a process has (Linux). */
function residentMB(pid: number): number {
  const [, kB] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB$/m) ?? [];
  return Number(kB) / 1024;
}

/** How many epoll descriptors a process has (Linux). */
function epolls(pid: number): number {
  const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  return fds.filter((link) => link === 'anon_inode:[eventpoll]').length;
}

test.each(MECHANISMS)(
  'all that a client sends comes back, however it sends and reads (%s)',
  async (selector) => {
    const server = await startEcho(selector);
    const python = await pusher();
    expect(
      await python.run(
        `
      one_by_one = connect(args)
      one_by_one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      back = b''
      for n in range(500): one_by_one.sendall(counted[n:n + 1])
      while len(back) < 500: back += one_by_one.recv(500)
      first = back == counted[:500]

      half_closed = connect(args)
      half_closed.sendall(b'hello')
      half_closed.shutdown(socket.SHUT_WR)
      second = half_closed.recv(100) + half_closed.recv(100) == b'hello'

      late = connect(args)
      data = counted[:5 * 2 ** 20]
      third = rest(late, data, push(late, data)) == data
      result = [first, second, third]
      `,
        server.port,
      ),
    ).toEqual([true, true, true]);
    await server.out(/(Closing[\s\S]*){2}/);
    expect((await server.end('SIGINT')).exit).toBe(0);
    expect(server.stderr.match(/^(?!listening| {2})./m)).toBe(null);
  },
);

test.each(MECHANISMS)(
  'a client that does not read is not read from, and delays nobody (%s)',
  async (selector) => {
    const server = await startEcho(selector);
    const python = await pusher();
    expect(await python.run('other = connect(args); result = echoed(other, b"x" * 1000)', server.port)).toBe(
      true,
    );
    const before = residentMB(server.pid);
    const taken = await python.run<number>(
      'data = counted * 12; deaf = connect(args); sent = push(deaf, data); result = sent',
      server.port,
    );
    expect(taken).toBeLessThan(64 * 2 ** 20);
    expect(residentMB(server.pid) - before).toBeLessThan(100);
    expect(await python.run('result = all(echoed(other, b"%d" % n) for n in range(100))')).toBe(true);
    expect(await python.run('data = data[:sent]; result = rest(deaf, data, sent) == data')).toBe(true);
    await server.out(/^Closing/m);
  },
);

test.each(MECHANISMS)(
  'a client that resets with its echo on the way costs nobody a byte (%s)',
  async (selector) => {
    const server = await startEcho(selector);
    const python = await pusher();
    const [gone] = await python.run<[string, boolean]>(
      `
    other, deaf = connect(args), connect(args)
    result = names([deaf])
    push(deaf, counted)
    reset(deaf)
    `,
      server.port,
    );
    await server.out(/^Closing/m);
    expect(server.lines.at(-1)).toBe(`Closing connection to ${gone}`);
    expect(await python.run('result = echoed(other, b"x")')).toBe(true);
  },
);

test('idle clients, and one that does not read, cost no CPU; each mechanism is what its name says', async () => {
  const servers = await Promise.all(SELECTORS.map((selector) => startEcho(selector)));
  const python = await pusher();
  await python.run(
    `
    idle = [connect(port) for port in args for _ in range(5)]
    assert all(echoed(sock, b'x') for sock in idle[::5])
    deaf = [connect(port) for port in args]
    pushes = [threading.Thread(target=push, args=(sock, counted)) for sock in deaf]
    for each in pushes: each.start()
    for each in pushes: each.join()
    deaf[0].shutdown(socket.SHUT_WR)
    `,
    servers.map(({ port }) => port),
  );
  await untilAsleep(...servers);
  const [byDefault, select, poll, epoll] = servers.map(({ pid }) => epolls(pid)) as [
    number,
    number,
    number,
    number,
  ];
  expect([byDefault, poll, epoll]).toEqual([select + 1, select, select + 1]);
});

test('select: a client past FD_SETSIZE is closed at once, and comes in when there is room again', async () => {
  const server = await startEcho('select');
  const python = await pusher();
  const [inside, first] = await python.run<[number, number]>(
    `
    socks = [connect(args) for _ in range(1100)]
    served = [echoed(sock, b'x') for sock in socks]
    result = [sum(served), served.index(False)]
    `,
    server.port,
  );
  const closedAtOnce = () =>
    server.stderr.match(/^\('127\.0\.0\.1', \d+\): closed at once: .* below 1024$/gm) ?? [];
  expect(inside).toBe(first);
  expect(openFds(server.pid)).toBe(FD_SETSIZE);
  await until('the server says so', () => closedAtOnce().length === 1100 - inside);

  const outside = startClient('select', server.port, 3);
  expect(await outside.exit).toBe(1);
  expect(outside.stderr).toMatch(/^(connection [1-3]: .*\n){3}$/);
  expect(await python.run('result = all(echoed(sock, b"y") for sock in socks[:args])', inside)).toBe(true);
  await python.run('for sock in socks[:10]: sock.close()');
  await server.out(/(Closing[\s\S]*){10}/);
  expect(await startClient('select', server.port, 3).exit).toBe(0);
});

test('select: a connection of the client past FD_SETSIZE is reported, the others go on', async () => {
  const server = await startEcho('default');
  const client = startClient('select', server.port, 1100);
  expect(await client.exit).toBe(1);
  const failures = client.stderr.split('\n').slice(0, -1);
  for (const failure of failures) expect(failure).toMatch(/^connection \d+: .*FD_SETSIZE \(1024\)/);
  const stories = [...byConnection(client.lines, 'Received').values()];
  expect(failures.length).toBeGreaterThan(1100 - FD_SETSIZE);
  expect(stories.filter((story) => story.at(-1) === 'Closing #').length).toBe(1100 - failures.length);
});

test.each([
  ['select', 900],
  ['poll', 1500],
  ['epoll', 5000],
  ['default', 200],
])('%s: %i connections at once are echoed whole', async (selector, connections) => {
  const roomy = (program: string, ...args: string[]) => {
    const command = [process.execPath, CLI, program, '127.0.0.1', ...args, '--selector', selector];
    return new Process('sh', ['-c', 'ulimit -S -n 6000 && exec "$@"', 'sh', ...command]);
  };
  const server = roomy('multiconn-server', '0');
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  const client = roomy('multiconn-client', port as string, String(connections));
  expect(await client.exit, client.stderr.slice(0, 500)).toBe(0);
  const stories = [...byConnection(client.lines, 'Received').values()];
  expect(stories.length).toBe(connections);
  const whole = `Received b'${MESSAGES.join('')}' from #`;
  expect(stories.filter((story) => story.at(-2) === whole && story.at(-1) === 'Closing #').length).toBe(
    connections,
  );
  await until('all are closed', () => server.stdout.split('\nClosing ').length === connections + 1);
  expect((await server.end('SIGINT')).exit).toBe(0);
});
