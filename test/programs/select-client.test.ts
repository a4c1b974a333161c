import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { untilAsleep } from '../support/idle.js';
import { eachAddress } from '../support/needs.js';
import { beside, type Process, start } from '../support/process.js';
import { Python } from '../support/python.js';
import { byClient, said } from '../support/select-server.js';
import { fileFor, posixSelect, selectTimeouts } from '../support/traced.js';

/** select-server as a student would write it. */
const STUDENTS_SERVER = `
import select, socket

listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
socks = {listener}
while True:
    readable, _, _ = select.select(socks, [], [])
    for s in readable:
        if s is listener:
            conn, _ = s.accept()
            socks.add(conn)
            print(f'{conn.getpeername()}: connected', flush=True)
            continue
        data = s.recv(4096)
        if data:
            print(f'{s.getpeername()} {len(data)} bytes: {data}', flush=True)
        else:
            print(f'{s.getpeername()}: disconnected', flush=True)
            socks.remove(s)
            s.close()
`;

async function startStudentsServer(): Promise<Process & { port: number }> {
  const server = Python.program(STUDENTS_SERVER);
  const [port] = await server.out(/^\d+(?=\n)/);
  return Object.assign(server, { port: Number(port) });
}

/** A Python that listens on `listener`, and lets one of our clients in as `sock`. */
async function letIn(
  options: (string | number)[] = [],
  prefix = 'alice',
): Promise<{ python: Python; client: Process }> {
  const python = new Python();
  const port = await python.run<number>(`
    listener = socket.create_server(('127.0.0.1', 0))
    listener.settimeout(SECONDS)
    result = listener.getsockname()[1]
  `);
  const client = start('select-client', [prefix, '127.0.0.1', port, ...options]);
  await python.run('sock, _ = listener.accept(); sock.settimeout(SECONDS)');
  return { python, client };
}

/** Runs one of our clients under a trace to its end, with the seconds that it took and its select()s' timeouts. */
async function lifetime(
  args: (string | number)[],
): Promise<{ seconds: number; timeouts: (number | null)[] }> {
  const file = fileFor('trace');
  const beginMs = performance.now();
  const client = posixSelect(['--trace=json', '--trace-file', file, 'select-client', ...args]);
  expect(await client.exit).toBe(0);
  const seconds = (performance.now() - beginMs) / 1000;
  return { seconds, timeouts: selectTimeouts(readFileSync(file, 'utf8')) };
}

beside('a message is the prefix and 10 to 19 letters, without a newline, in one send', async () => {
  const { python, client } = await letIn(['--count', 1]);
  const [message, segments] = await python.run<[string, number]>(`
    data = b''
    while piece := sock.recv(4096): data += piece
    # struct tcp_info, tcpi_data_segs_in: segments with data that have come.
    segments, = struct.unpack_from('I', sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)
    result = data.decode('latin-1'), segments
  `);
  expect(await client.exit).toBe(0);
  expect(message).toMatch(/^alice: [a-z]{10,19}$/);
  expect(segments).toBe(1);
});

beside('500 messages: all lengths and letters, and not one more', async () => {
  const { python, client } = await letIn(['--count', 500, '--interval', 0]);
  const text = await python.run<string>(`
    data = b''
    while piece := sock.recv(65536): data += piece
    result = data.decode('latin-1')
  `);
  expect(await client.exit).toBe(0);
  expect(text).toMatch(/^(alice: [a-z]{10,19}){500}$/);
  const messages = text.split('alice: ').slice(1);
  expect([...new Set(messages.map((each) => each.length))].sort()).toEqual([
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
  ]);
  expect(new Set(messages.join(''))).toHaveLength(26);
  expect([client.stdout, client.stderr]).toEqual(['', '']);
});

beside('the prefix is sent as UTF-8, whatever it is', async () => {
  const python = new Python();
  const port = await python.run<number>(
    "listener = socket.create_server(('127.0.0.1', 0)); result = listener.getsockname()[1]",
  );
  for (const prefix of ['åsa 😀', '', 'a: b']) {
    const client = start('select-client', [prefix, '127.0.0.1', port, '--count', 1]);
    expect(await client.exit).toBe(0);
    const text = await python.run<string>('sock, _ = listener.accept(); result = sock.recv(4096).decode()');
    expect(text).toMatch(new RegExp(`^${prefix}: [a-z]{10,19}$`));
  }
});

beside('the first message goes at once, and after the last it does not wait', async () => {
  const { python } = await letIn(['--interval', 3600]);
  expect(await python.run<number>('result = len(sock.recv(100))')).toBeGreaterThan(0);
  const last = await letIn(['--interval', 3600, '--count', 1]);
  expect(await last.client.exit).toBe(0);
});

beside('--interval is the pause between two messages', async () => {
  const server = await startStudentsServer();
  const args = ['alice', '127.0.0.1', server.port, '--count', 11, '--interval', 0.1];
  const { seconds, timeouts } = await lifetime(args);
  expect(seconds).toBeGreaterThan(1);
  for (const timeout of timeouts.slice(0, 11)) expect(timeout).toBeLessThanOrEqual(0.1);
  await server.out(/: disconnected\n/);
  expect(said([...byClient(server).values()][0])).toMatch(/^(alice: [a-z]{10,19}){11}$/);
});

beside('unless told otherwise it pauses for 1 to 5 seconds', async () => {
  const server = await startStudentsServer();
  const { seconds, timeouts } = await lifetime(['alice', 'localhost', server.port, '--count', 2]);
  expect(seconds).toBeGreaterThan(1);
  for (const timeout of timeouts) expect(timeout).toBeLessThanOrEqual(5);
  await server.out(/: disconnected\n/);
  expect([...byClient(server).values()]).toEqual([
    [
      'connected',
      expect.stringMatching(/^\d\d bytes: b'alice: [a-z]{10,19}'$/),
      expect.stringMatching(/^\d\d bytes: b'alice: [a-z]{10,19}'$/),
      'disconnected',
    ],
  ]);
});

test.each([
  ['ends the stream', 'sock.close()'],
  ['ends its direction only', 'sock.shutdown(socket.SHUT_WR)'],
  ['resets', 'reset(sock)'],
  ['is killed', 'os.kill(os.getpid(), signal.SIGKILL)'],
])('when the server %s, it says so and exits with 1', async (_, end) => {
  const { python, client } = await letIn();
  await python.run('sock.recv(100)');
  await python.run(end).catch((err) => expect(String(err)).toContain('SIGKILL'));
  expect(await client.exit).toBe(1);
  expect([client.stdout, client.stderr]).toEqual(['', 'server closed the connection\n']);
});

test.each([
  ['resets', 'reset(sock)'],
  ['ends its direction and resets', 'sock.shutdown(socket.SHUT_WR); reset(sock)'],
])('when the server %s and has not read all, it says so and exits with 1', async (_, end) => {
  const { python, client } = await letIn(['--interval', 0], 'a'.repeat(100_000));
  await untilAsleep(client); // without a time limit, though it has something to send: the server takes no more
  await python.run(end);
  expect(await client.exit).toBe(1);
  expect(client.stdout).toBe('');
  expect(client.stderr).toMatch(/^server closed the connection\n[\d,]+ bytes were not delivered\n$/);
});

beside('Ctrl-C ends it also when the server takes no more', async () => {
  const { client } = await letIn(['--interval', 0], 'a'.repeat(100_000));
  await untilAsleep(client);
  expect((await client.end('SIGINT')).exit).toBe(1);
  expect(client.stderr).toMatch(/^[\d,]+ bytes were not delivered\n$/);
});

beside('what the server sends does not matter', async () => {
  const { python, client } = await letIn(['--interval', 0.1]);
  const text = await python.run<string>(`
    sock.sendall(b'x' * 2**24) # more than fits into the buffers
    data = b''
    while len(data) < 100: data += sock.recv(4096)
    result = data.decode()
  `);
  expect(text).toMatch(/^(alice: [a-z]{10,19}){4,}$/);
  expect((await client.end('SIGTERM')).exit).toBe(0);
  expect([client.stdout, client.stderr]).toEqual(['', '']);
});

beside('after its last message it ends, although the server goes on sending', async () => {
  const { python, client } = await letIn(['--count', 1]);
  await python.run(`
    def talk():
        while True: sock.sendall(b'x' * 1000)
    threading.Thread(target=talk, daemon=True).start()
  `);
  expect(await client.exit).toBe(0);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends it at once, and the connection in good order',
  async (signal) => {
    const { python, client } = await letIn(['--interval', 3600]);
    await python.run('sock.recv(100)');
    expect((await client.end(signal)).exit).toBe(0); // 130 or 143 if its loop did not end
    expect([client.stdout, client.stderr]).toEqual(['', '']);
    expect(await python.run<number>('result = len(sock.recv(100))')).toBe(0);
  },
);

eachAddress(['127.0.0.1', 'localhost', '::1'])(
  'connection refused at %s is one line and exit code 1',
  async (host) => {
    const python = new Python();
    const family = host === '::1' ? 'AF_INET6' : 'AF_INET';
    const bound = host === '::1' ? '::1' : '127.0.0.1';
    const port = await python.run<number>(
      `bound = socket.socket(socket.${family}); bound.bind(('${bound}', 0)); result = bound.getsockname()[1]`,
    );
    const client = start('select-client', ['alice', host, port]);
    expect(await client.exit).toBe(1);
    const shown = host === '::1' ? '[::1]' : '127.0.0.1';
    expect(client.stderr).toBe(
      `connect ${shown}:${port}: Connection refused (ECONNREFUSED)\n` +
        `nobody listens there; to start the server: npx posix-select select-server ${port}\n`,
    );
    expect(client.stdout).toBe('');
  },
);

beside('an unknown host is one line and exit code 1', async () => {
  const host = 'x'.repeat(64); // too long for a name: nobody is asked
  const client = start('select-client', ['alice', host, 3490]);
  expect(await client.exit).toBe(1);
  expect(client.stderr).toMatch(new RegExp(`^getaddrinfo ${host}: .+ \\(EAI_[A-Z]+\\)\n$`));
  expect(client.stdout).toBe('');
});

beside('an interval beyond what select() can wait is a bad command line', async () => {
  const client = start('select-client', ['alice', '127.0.0.1', 1, '--interval', '1e300']);
  expect(await client.exit).toBe(2);
  expect(client.stderr).toMatch(/^usage: /);
});
