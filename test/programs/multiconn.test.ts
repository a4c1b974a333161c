import { expect, test } from 'vitest';
import { untilAsleep } from '../support/idle.js';
import {
  byConnection,
  MECHANISMS,
  MESSAGES,
  made,
  SELECTORS,
  SERVED,
  startClient,
  startEcho,
} from '../support/multiconn.js';
import { needs } from '../support/needs.js';
import { CLI, Process, start } from '../support/process.js';
import { listenInSteps, Python } from '../support/python.js';
import { refusingPort } from '../support/sockets.js';

/** The tutorial's server; as it comes, its loop spins. */
const TUTORIAL_SERVER = `
import selectors, socket, types

sel = selectors.DefaultSelector()
listener = socket.create_server(('127.0.0.1', 0))
listener.setblocking(False)
sel.register(listener, selectors.EVENT_READ, data=None)
print(listener.getsockname()[1], flush=True)

def serve(sock, data, mask):
    if mask & selectors.EVENT_READ:
        received = sock.recv(1024)
        if not received:
            sel.unregister(sock)
            sock.close()
            return
        data.outb += received
    if mask & selectors.EVENT_WRITE and data.outb:
        data.outb = data.outb[sock.send(data.outb):]

while True:
    for key, mask in sel.select():
        if key.data is None:
            conn, addr = key.fileobj.accept()
            conn.setblocking(False)
            data = types.SimpleNamespace(addr=addr, inb=b'', outb=b'')
            sel.register(conn, selectors.EVENT_READ | selectors.EVENT_WRITE, data=data)
        else:
            serve(key.fileobj, key.data, mask)
`;

/** The tutorial's client. */
const TUTORIAL_CLIENT = `
import selectors, socket, sys, types

sel = selectors.DefaultSelector()
messages = [b'Message 1 from client.', b'Message 2 from client.']
for connid in 1, 2:
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(('127.0.0.1', int(sys.argv[1])))
    data = types.SimpleNamespace(connid=connid, msg_total=sum(map(len, messages)), recv_total=0,
                                 messages=messages.copy(), outb=b'')
    sel.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, data=data)

while sel.get_map():
    for key, mask in sel.select():
        sock, data = key.fileobj, key.data
        if mask & selectors.EVENT_READ:
            received = sock.recv(1024)
            if received: print('Received', received, 'from connection', data.connid)
            data.recv_total += len(received)
            if not received or data.recv_total == data.msg_total:
                print('Closing connection', data.connid)
                sel.unregister(sock)
                sock.close()
                continue
        if mask & selectors.EVENT_WRITE:
            if not data.outb and data.messages: data.outb = data.messages.pop(0)
            if data.outb: data.outb = data.outb[sock.send(data.outb):]
`;

async function interrupted(server: Process): Promise<string[]> {
  expect((await server.end('SIGINT')).exit).toBe(0);
  return server.lines;
}

test.each(SELECTORS)("the server's transcript with two clients in turn (%s)", async (selector) => {
  const server = await startEcho(selector);
  const [one, two] = await new Python().run<[string, string]>(
    `
    def exchange(sock, data):
        sock.sendall(data)
        assert sock.recv(100) == data

    one = connect(args)
    exchange(one, b'Message 1 from client.')
    two = connect(args)
    exchange(two, bytes([0, 39, 92, 255]))
    exchange(one, b'Message 2 from client.')
    result = names([one, two])
    for sock in one, two:
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b''
    `,
    server.port,
  );
  expect(await interrupted(server)).toEqual([
    `Listening on ('127.0.0.1', ${server.port})`,
    `Accepted connection from ${one}`,
    `Echoing b'${MESSAGES[0]}' to ${one}`,
    `Accepted connection from ${two}`,
    `Echoing b"\\x00'\\\\\\xff" to ${two}`,
    `Echoing b'${MESSAGES[1]}' to ${one}`,
    `Closing connection to ${one}`,
    `Closing connection to ${two}`,
    'Caught keyboard interrupt, exiting',
  ]);
});

test.each(SELECTORS)("the client's transcript with two connections (%s)", async (selector) => {
  const { python, port } = await listenInSteps();
  const client = startClient(selector, port, 2);
  await python.run('conns = [accept(listener), accept(listener)]; heard = [get(conn, 44) for conn in conns]');
  await client.out(/(Sending[\s\S]*){4}/);
  await python.run(`
    for conn, data in zip(conns, heard):
        conn.sendall(data)
        assert conn.recv(100) == b''
  `);
  expect(await client.exit).toBe(0);
  expect(client.stderr).toBe('');
  expect(client.lines.slice(0, 2)).toEqual(
    [1, 2].map((n) => `Starting connection ${n} to ('127.0.0.1', ${port})`),
  );
  expect(client.lines.length).toBe(10);
  expect([...byConnection(client.lines, 'Received').values()]).toEqual([made(port), made(port)]);
});

test.each(SELECTORS)("our client and the tutorial's, on our server (%s)", async (selector) => {
  const server = await startEcho(selector);
  const ours = startClient(selector, server.port, 2);
  const theirs = Python.program(TUTORIAL_CLIENT, [server.port]);
  expect(await ours.exit).toBe(0);
  expect(await theirs.exit).toBe(0);
  await server.out(/(Closing[\s\S]*){4}/);
  const story = made(server.port);
  expect([...byConnection(ours.lines, 'Received').values()]).toEqual([story, story]);
  const theirStory = story.slice(-2);
  expect([...byConnection(theirs.lines, 'Received').values()]).toEqual([theirStory, theirStory]);
  const served = byConnection(server.lines.slice(1), 'Echoing');
  expect([...served.values()]).toEqual([SERVED, SERVED, SERVED, SERVED]);
});

test.each(SELECTORS)("our client on the tutorial's server (%s)", async (selector) => {
  const server = Python.program(TUTORIAL_SERVER);
  const [, port] = await server.out(/^(\d+)\n/);
  const client = startClient(selector, Number(port), 2);
  expect(await client.exit).toBe(0);
  expect(client.stderr).toBe('');
  const story = made(Number(port));
  expect([...byConnection(client.lines, 'Received').values()]).toEqual([story, story]);
});

test.each([
  ['multiconn-server', ['127.0.0.1', 0]],
  ['multiconn-client', ['127.0.0.1', 1, 1]],
])(
  '%s refuses a selector that the platform does not have, and one that nobody has',
  async (program, args) => {
    const [absent, call] = process.platform === 'linux' ? ['kqueue', 'kqueue'] : ['epoll', 'epoll_create'];
    const without = start(program, [...args, '--selector', absent as string]);
    const unknown = start(program, [...args, '--selector', 'completion']);
    expect(await without.exit).toBe(1);
    expect(without.stderr).toBe(`${call}: Function not implemented (ENOSYS)\n`);
    expect(await unknown.exit).toBe(2);
    expect(unknown.stderr).toMatch(new RegExp(`^usage: posix-select ${program} .*\n.*'completion'.*\n$`));
    expect(without.stdout + unknown.stdout).toBe('');
  },
);

test.each(MECHANISMS)('connections that are refused: a line for each, exit code 1 (%s)', async (selector) => {
  const port = refusingPort();
  const client = startClient(selector, port, 3);
  expect(await client.exit).toBe(1);
  expect(client.stderr).toMatch(/^(connection [1-3]: .*: Connection refused \(ECONNREFUSED\)\n){3}$/);
  expect(new Set(client.stderr.match(/connection \d/g)).size).toBe(3);
});

test('a refused connection is named by the call and its address', async () => {
  const port = refusingPort();
  const client = startClient('default', port, 1);
  expect(await client.exit).toBe(1);
  expect(client.stderr).toBe(`connection 1: connect 127.0.0.1:${port}: Connection refused (ECONNREFUSED)\n`);
});

test.each(MECHANISMS)(
  'what a server leaves half done is reported, the rest goes on (%s)',
  async (selector) => {
    const { python, port } = await listenInSteps();
    const client = startClient(selector, port, 3);
    await python.run(`
    conns = [accept(listener) for _ in range(3)]
    for conn in conns: conn.sendall(get(conn, 44)[:22])
  `);
    await client.out(/(Received b'Message 1 [\s\S]*){3}/);
    await python.run('reset(conns[0]); conns[1].close()');
    await client.out(/(Closing[\s\S]*){2}/);
    await python.run("conns[2].sendall(b'Message 2 from client.')");
    expect(await client.exit).toBe(1);
    const failures = client.stderr
      .split('\n')
      .slice(0, -1)
      .sort((a, b) => a.length - b.length);
    expect(failures).toEqual([
      expect.stringMatching(/^connection [1-3]: closed by the server after 22 of 44 bytes$/),
      expect.stringMatching(/^connection [1-3]: .*Connection reset by peer \(ECONNRESET\)$/),
    ]);
    const stories = byConnection(client.lines, 'Received');
    for (const failure of failures) {
      const id = failure.slice(0, 'connection 1'.length);
      expect(stories.get(id)?.at(-2)).toBe(`Received b'${MESSAGES[0]}' from #`);
      stories.delete(id);
    }
    expect([...stories.values()]).toEqual([made(port)]);
  },
);

test('a server that sends more than it was sent: the connection is done', async () => {
  const { python, port } = await listenInSteps();
  const client = startClient('default', port, 1);
  await python.run("conn = accept(listener); get(conn, 44); conn.sendall(b'x' * 50)");
  expect(await client.exit).toBe(0);
  expect(client.lines.slice(-2)).toEqual([
    `Received b'${'x'.repeat(50)}' from connection 1`,
    'Closing connection 1',
  ]);
});

test('a reset after the first message is not put down to connect', async () => {
  const { python, port } = await listenInSteps();
  const client = startClient('default', port, 1);
  await python.run('conn = accept(listener); get(conn, 44); reset(conn)');
  expect(await client.exit).toBe(1);
  expect(client.stderr).toMatch(/^connection 1: recv fd \d+: Connection reset by peer \(ECONNRESET\)\n$/);
});

needs(
  'Linux',
  'unshare',
  'ip',
)('a host name that has IPv6 addresses only', async () => {
  // A host of its own, where a name stands for an address that refuses; not ::1, for which glibc has 127.0.0.1 too.
  const host = `
    ip link set lo up && ip addr add fd00::6/128 dev lo nodad &&
    mount -t tmpfs none /mnt && echo 'fd00::6 six.test' > /mnt/hosts && mount --bind /mnt/hosts /etc/hosts &&
    exec "$@"`;
  const program = [process.execPath, CLI, 'multiconn-client', 'six.test', '9', '1'];
  const client = new Process('unshare', ['-rmn', 'sh', '-c', host, 'sh', ...program]);
  expect(await client.exit).toBe(1);
  expect(client.stderr).toBe('connection 1: connect six.test:9: Connection refused (ECONNREFUSED)\n');
});

test('clients that wait for an answer cost no CPU, and end on SIGINT', async () => {
  const { python, port } = await listenInSteps();
  const clients = MECHANISMS.map((selector) => startClient(selector, port, 3));
  await python.run('conns = [accept(listener) for _ in range(args)]; [get(conn, 44) for conn in conns]', 9);
  for (const client of clients) await client.out(/(Sending[\s\S]*){6}/);
  await untilAsleep(...clients);
  for (const client of clients) {
    expect((await client.end('SIGINT')).exit).toBe(0);
    expect(client.lines.slice(9)).toEqual(['Caught keyboard interrupt, exiting']);
    expect(client.stderr).toBe('');
  }
  expect(await python.run('result = [len(conn.recv(1)) for conn in conns]')).toEqual(Array(9).fill(0));
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the server, its clients see the end', async (signal) => {
  const server = await startEcho('default');
  const python = new Python();
  await python.run('socks = [connect(args) for _ in range(3)]', server.port);
  await server.out(/(Accepted[\s\S]*){3}/);
  expect((await server.end(signal)).exit).toBe(0);
  expect(server.lines.slice(4)).toEqual(['Caught keyboard interrupt, exiting']);
  expect(await python.run('result = [len(sock.recv(1)) for sock in socks]')).toEqual([0, 0, 0]);
  await python.run("socket.create_server(('127.0.0.1', args))", server.port);
});
