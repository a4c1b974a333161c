import { expect, test } from 'vitest';
import { start, startServer, until } from '../support/process.js';
import { clientsOf, SERVERS, type Server } from '../support/servers.js';

const kindOf = (name: string) => SERVERS.find((kind) => kind.name === name) as Server;

/** How long they may take on a busy machine. */
const CROWD_MS = 280_000;

/** Python: 300 clients say 5 lines each, as fast as it goes, and hear what all others say. */
const CROWD = `
clients = [arrive() for _ in range(300)]
heard = [bytearray(until(s, b'online)\\n')) for s in clients]
poll = select.epoll()
for s in clients: poll.register(s, select.EPOLLIN)
by_fd = {s.fileno(): i for i, s in enumerate(clients)}
missing = sum(5 * 299 + 300 - i - h.count(b'\\n') for i, h in enumerate(heard))

begin = time.monotonic()
for n in range(5):
    for i, s in enumerate(clients): s.sendall(b'%d %d\\n' % (i, n))
while missing > 0:
    for fd, _ in poll.poll(60):
        i = by_fd[fd]
        data = clients[i].recv(2**18)
        if not data: sys.exit(f'client {i} has been cut off')
        heard[i] += data
        missing -= data.count(b'\\n')
seconds = time.monotonic() - begin

said = [[b'[127.0.0.1:%d] %d %d' % (port(s), i, n) for n in range(5)] for i, s in enumerate(clients)]
def sender(line): return int(line[11:line.index(b']')])
wrong = []
for i, h in enumerate(heard):
    lines = [line for line in h.split(b'\\n') if line.startswith(b'[')]
    lines.sort(key=sender)
    expected = sorted((lines for other, lines in enumerate(said) if other != i), key=lambda lines: sender(lines[0]))
    if lines != sum(expected, []): wrong.append(i)
result = {'wrong': wrong, 'rate': 300 * 299 * 5 / seconds}
`;

test('300 clients in srv hear every line of all others, in the order of each', async () => {
  const server = await startServer('srv', ['127.0.0.1', 0, '--framing', 'line']);
  const peer = clientsOf(kindOf('srv --framing line'), server);
  const { wrong, rate } = await peer.run<{ wrong: number[]; rate: number }>(CROWD, null, CROWD_MS);
  expect(wrong).toEqual([]);
  console.log(`300 clients: srv ${Math.round(rate)} lines/s`);
});

const programs = SERVERS.filter(({ name, program }) => name === program);

test.for(programs)('Ctrl-C ends $program with 200 clients, and its port is free', async (kind) => {
  const server = await startServer(kind.program, kind.args);
  const peer = clientsOf(kind, server);
  await peer.run("many = [client(b'c%d' % i) for i in range(200)]");
  await until('all have come', () => server.stdout.match(kind.came)?.length === 200);
  const before = server.lines;
  const { exit, ms } = await server.end('SIGINT');
  console.log(`${kind.program} with 200 clients ended ${ms.toFixed(0)} ms after Ctrl-C`);
  expect(exit).toBe(0);
  expect(server.lines.slice(before.length)).toEqual(kind.bye);

  const again = start(
    kind.program,
    kind.args.map((arg) => (arg === 0 ? server.port : arg)),
  );
  await again.err(new RegExp(`^listening on .*:${server.port};`, 'm'));
  expect(await peer.run('result = [rest_and_end(s)[1] for s in many]')).toEqual(Array(200).fill(true));
});

interface Client {
  server: string;
  program: string;
  args: (port: number) => (string | number)[];
  /** What shows, at the client or at the server, that it is connected. */
  ready: [where: 'client' | 'server', what: RegExp];
  /** The last lines of its output. */
  says: { stdout?: string; stderr?: string };
  exit: number;
}

const CLIENTS: Client[] = [
  {
    server: 'select-server',
    program: 'select-client',
    args: (port) => ['test1', '127.0.0.1', port],
    ready: ['server', /test1: /],
    says: { stderr: 'server closed the connection\n' },
    exit: 1,
  },
  {
    server: 'srv',
    program: 'cli',
    args: (port) => ['127.0.0.1', port],
    ready: ['client', /online\)/],
    says: { stdout: 'Server closed the connection.\n' },
    exit: 0,
  },
  {
    server: 'talk-server',
    program: 'talk-client',
    args: (port) => ['-n', 'Alice', '-p', port],
    ready: ['client', /Thank you/],
    says: { stdout: 'The server terminated the connection.\n' },
    exit: 1,
  },
  {
    server: 'chatserver',
    program: 'chatclient',
    args: (port) => ['127.0.0.1', port],
    ready: ['client', /screen name/],
    says: { stdout: 'Disconnected from server!\n' },
    exit: 0,
  },
  {
    // It never answers: a client of multiconn-server's would be done at once.
    server: 'select-server',
    program: 'multiconn-client',
    args: (port) => ['127.0.0.1', port, 1],
    ready: ['server', /Message 2 from client/],
    says: {
      stdout: 'Closing connection 1\n',
      stderr: 'connection 1: closed by the server after 0 of 44 bytes\n',
    },
    exit: 1,
  },
];

test.for(CLIENTS)(
  '$program says that its server has ended',
  async ({ server, program, args, ready, says, exit }) => {
    const { program: name, args: serverArgs } = kindOf(server);
    const process = await startServer(name, serverArgs);
    const client = start(program, args(process.port));
    await (ready[0] === 'client' ? client : process).out(ready[1]);
    const silent = client.stdout.length;
    await process.end('SIGINT');
    expect(await client.exit).toBe(exit);
    expect(client.stdout.slice(silent)).toBe(says.stdout ?? '');
    expect(client.stderr).toBe(says.stderr ?? '');
  },
);
