import { closeSync } from 'node:fs';
import { formatMessage, main, openConnection } from 'posix-select/programs/chatclient';
import { pipe } from 'posix-select/socket';
import { expect, test } from 'vitest';
import { openRoom, py, type, WELCOME } from '../support/chat.js';
import { freeze, thaw } from '../support/proc.js';
import { type Process, start, until } from '../support/process.js';
import { listenInSteps, Python } from '../support/python.js';
import { refusingPort } from '../support/sockets.js';

const GONE = 'Disconnected from server!';

/** Our client, connected with a Python's `conn`. */
async function connected(): Promise<{ client: Process; python: Python }> {
  const { python, port } = await listenInSteps({ helpers: ['chat'] });
  const client = start('chatclient', ['127.0.0.1', port]);
  await python.run('conn = accept(listener)');
  return { client, python };
}

/** The chat server of the course, in Python 3. */
const COURSE_SERVER = py`
import select, socket, sys
prompt = sys.argv[1].encode()
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
names = {}

def tell(text):
    for guest, name in names.items():
        if name: guest.send(text + b'\n')

while True:
    for source in select.select([listener, sys.stdin, *names], [], [])[0]:
        if source is listener:
            guest = listener.accept()[0]
            names[guest] = None
            guest.send(b'-------------------------------------\n')
            guest.send(b'Welcome to the Hackbright Chat Server\n')
            guest.send(b'-------------------------------------\n')
            guest.send(prompt)
        elif source is sys.stdin:
            for guest in names: guest.send(b'Server Shutting Down!\n')
            sys.exit()
        elif data := source.recv(1024):
            text = data.rstrip()
            if names[source]:
                tell(names[source] + b'::' + text)
            else:
                names[source] = text[:12]
                tell(names[source] + b' logged in')
        else:
            name = names.pop(source)
            source.close()
            if name: tell(name + b' disconnected')
`;

async function ourServer(): Promise<{ server: Process; port: number }> {
  const { server } = await openRoom();
  return { server, port: server.port };
}

async function courseServer(prompt: string): Promise<{ server: Process; port: number }> {
  const server = Python.program(COURSE_SERVER, [prompt]);
  const [, port] = await server.out(/^(\d+)\n/);
  return { server, port: Number(port) };
}

test.each([
  ['our server', ourServer],
  ['the server of the course', () => courseServer('Please enter your screen name:\n')],
  ['a server whose question has no newline', () => courseServer('Please enter your screen name:')],
])('two users chat through %s until it ends', async (_, startIt) => {
  const { server, port } = await startIt();
  const [ann, bob] = [start('chatclient', ['127.0.0.1', port]), start('chatclient', ['127.0.0.1', port])];
  for (const [client, name] of [
    [ann, 'Ann'],
    [bob, 'Bob'],
  ] as const) {
    await client.out(/screen name:\n/);
    type(client, name);
    await ann.out(new RegExp(`${name} logged in\n`));
  }
  type(ann, 'hello');
  await bob.out(/hello\n/);
  type(bob, '', 'a::b');
  await Promise.all([ann, bob].map((client) => client.out(/a::b\n/)));
  type(bob, '/quit');
  expect(await bob.exit).toBe(0);
  await ann.out(/disconnected\n/);
  type(server, 'quit');
  expect(await ann.exit).toBe(0);

  const welcome = WELCOME.split('\n').slice(0, -1);
  const talk = ['Bob logged in', '[Ann] hello', '[Bob] a::b'];
  expect(bob.lines).toEqual([...welcome, ...talk]);
  expect(ann.lines).toEqual([
    ...welcome,
    'Ann logged in',
    ...talk,
    'Bob disconnected',
    'Server Shutting Down!',
    GONE,
  ]);
  expect(ann.stderr + bob.stderr).toBe('');
});

test('name::text is shown as [name] text, other lines as they are', async () => {
  const { client, python } = await connected();
  await python.run(
    'conn.sendall(args.encode()); conn.close()',
    `Ann::hi\nAnn::a::b\nno name\n\n::x\na:b\nAnn::\nAnn::${'é'.repeat(3000)}\n`,
  );
  expect(await client.exit).toBe(0);
  const long = `[Ann] ${'é'.repeat(3000)}`;
  expect(client.lines).toEqual([
    '[Ann] hi',
    '[Ann] a::b',
    'no name',
    '',
    '[] x',
    'a:b',
    '[Ann] ',
    long,
    GONE,
  ]);
});

test('a message in pieces is shown whole', async () => {
  const { client, python } = await connected();
  await until('all pieces are sent in time', () =>
    python.run<boolean>(py`result = slowly(conn, b'Ann:', b':caf\xc3', b'\xa9\nBo', b'b::hi\n')`),
  );
  await python.run('conn.close()');
  expect(await client.exit).toBe(0);
  expect(client.lines.slice(-3)).toEqual(['[Ann] café', '[Bob] hi', GONE]);
});

test('a character is shown whole, though the line that it begins is shown before', async () => {
  const { client, python } = await connected();
  await python.run(py`conn.sendall(b'caf\xc3')`);
  await client.out(/^caf$/m);
  await python.run(py`conn.sendall(b'\xa9?\n' + b'x' * 65535 + b'\xc3\xa9\nand \xc3'); conn.close()`);
  expect(await client.exit).toBe(0);
  expect(client.lines.slice(-6)).toEqual(['caf', 'é?', 'x'.repeat(65_535), 'é', 'and \ufffd', GONE]);
});

test('each line typed is sent with its newline, empty ones and what follows /quit are not', async () => {
  const { client, python } = await connected();
  type(client, 'one', '', 'two words', '', '/quit?', 'é');
  await python.run(py`
    sent = b''
    while not sent.endswith('é\n'.encode()): sent += conn.recv(100)
  `);
  type(client, 'last', '/quit', 'never');
  expect(await python.run('result = sent.decode() + rest(conn); conn.close()')).toBe(
    'one\ntwo words\n/quit?\né\nlast\n',
  );
  expect(await client.exit).toBe(0);
  expect([client.stdout, client.stderr]).toEqual(['', '']);
});

test.each([
  ['closes', 'conn.close()'],
  ['resets', 'reset(conn)'],
])('the server that %s the connection ends the client', async (_, end) => {
  const { client, python } = await connected();
  await python.run(py`conn.sendall(b'Ann::hi\nunfinished')`);
  await client.out(/unfinished\n/);
  await python.run(end);
  expect(await client.exit).toBe(0);
  expect(client.lines).toEqual(['[Ann] hi', 'unfinished', GONE]);
  expect(client.stderr).toBe('');
});

test('an unfinished line is shown also when the server is gone at once', async () => {
  const { client, python } = await connected();
  await python.run(py`conn.sendall(b'Ann::unfini'); conn.close()`);
  expect(await client.exit).toBe(0);
  expect(client.lines).toEqual(['[Ann] unfini', GONE]);
});

test('all that the server said is shown, also when the client was sending as it went', async () => {
  const { client, python } = await connected();
  await python.run(py`conn.sendall(b'begin\n')`);
  await client.out(/begin\n/);
  await freeze(client);
  type(client, 'one', 'two', 'three');
  await python.run(py`
    for n in range(10): conn.sendall(b'Ann::%d' % n + b' ' * 900 + b'\n')
    conn.close()
  `);
  thaw(client);
  // What was typed in vain is said.
  expect(await client.exit).toBe(1);
  expect(client.stderr).toMatch(/^\d+ bytes were not delivered\n$/);
  const said = Array.from({ length: 10 }, (_, n) => `[Ann] ${n}${' '.repeat(900)}`);
  expect(client.lines).toEqual(['begin', ...said, GONE]);
});

test('what was typed just before the end of the keyboard arrives, though the server talks on', async () => {
  const { client, python } = await connected();
  const text = Array.from({ length: 5000 }, (_, n) => `${n}${'x'.repeat(90)}\n`).join('');
  client.child.stdin?.end(`${text}no newline`);
  const sent = await python.run<string>(py`
    def talk():
        try:
            while True: conn.sendall(b'Ann::hi\n')
        except OSError: pass
    talker = threading.Thread(target=talk, daemon=True)
    talker.start()
    result = rest(conn)
    conn.shutdown(socket.SHUT_RDWR)
    talker.join()
  `);
  expect(sent === `${text}no newline\n`).toBe(true);
  expect(await client.exit).toBe(0);
});

test.each([
  ['/quit', (client: Process) => type(client, '/quit')],
  ['the end of the keyboard', (client: Process) => client.child.stdin?.end()],
  ['SIGINT', (client: Process) => client.child.kill('SIGINT')],
  ['SIGTERM', (client: Process) => client.child.kill('SIGTERM')],
])('%s ends the client with 0, though the server stays', async (_, end) => {
  const { client, python } = await connected();
  await python.run(py`conn.sendall(b'hello\n')`);
  await client.out(/hello\n/);
  end(client);
  expect(await client.exit).toBe(0);
  expect([client.stdout, client.stderr]).toEqual(['hello\n', '']);
});

test('/quit ends the client, though the server stays and talks on', async () => {
  const { client, python } = await connected();
  await python.run(py`
    def talk():
        try:
            while True:
                conn.sendall(b'Ann::hi\n')
                select.select([], [], [], 0.1)
        except OSError: pass
    threading.Thread(target=talk, daemon=True).start()
  `);
  await client.out(/hi\n/);
  type(client, '/quit');
  expect(await client.exit).toBe(0);
});

test('a server that is not there: a line on stderr, exit code 1', async () => {
  const port = refusingPort();
  const client = start('chatclient', ['127.0.0.1', port]);
  expect(await client.exit).toBe(1);
  expect(client.stderr).toBe(
    `connect 127.0.0.1:${port}: Connection refused (ECONNREFUSED)\n` +
      `nobody listens there; to start the server: npx posix-select chatserver ${port}\n`,
  );
  expect(client.stdout).toBe('');
});

test.each([
  ['Ann::hi', '[Ann] hi'],
  ['Ann::a::b', '[Ann] a::b'],
  ['Ann logged in', 'Ann logged in'],
  ['::', '[] '],
  ['a:b', 'a:b'],
  ['', ''],
])('formatMessage(%j)', (message, formatted) => {
  expect(formatMessage(message)).toBe(formatted);
});

test('openConnection is a new connection to the server', async () => {
  const { python, port } = await listenInSteps();
  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = openConnection(host, port);
    socket.sendall(Buffer.from('hi'));
    expect(
      await python.run("conn = accept(listener); result = conn.recv(2).decode(); conn.sendall(b'you')"),
    ).toBe('hi');
    expect(String(socket.recv(100))).toBe('you');
    socket.close();
    expect(await python.run('result = rest(conn)')).toBe('');
  }
  await python.run('listener.close()');
  expect(() => openConnection('127.0.0.1', port)).toThrow(
    `connect 127.0.0.1:${port}: Connection refused (ECONNREFUSED)`,
  );
});

test('main connects, and ends once it is told to stop', async () => {
  const { python, port } = await listenInSteps();
  await python.run(py`
    def serve():
        global heard
        conn = accept(listener)
        heard = rest(conn)
        conn.close()
    server = threading.Thread(target=serve)
    server.start()
  `);
  const [stop, end] = pipe();
  closeSync(end);
  expect(main({ host: '127.0.0.1', port }, stop)).toBe(0);
  closeSync(stop);
  expect(await python.run('server.join(30); result = heard')).toBe('');
});
