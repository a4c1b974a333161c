import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cpuTicks } from '../support/proc.js';
import { CLI, startServer, until } from '../support/process.js';
import { connect, type Peer, python } from '../support/python.js';

const THANKS = 'Thank you for connecting';

/** Clients for a script: `args` is the server's port. */
const CLIENTS = `
import socket
def connect():
    s = socket.create_connection(('127.0.0.1', args))
    assert receive(s, 24) == b'${THANKS}'
    return s
def receive(s, n): return s.recv(n, socket.MSG_WAITALL)
def who(s, text=b'/who:'):
    s.sendall(text)
    reply = ''
    while not reply or reply.count('\\n') <= int(reply.split()[0]): reply += s.recv(1024).decode()
    return reply
def port(s): return s.getsockname()[1]
`;

async function welcomed(port: number): Promise<Peer> {
  const peer = await connect(port);
  await peer.out(/^Thank you for connecting$/);
  return peer;
}

test('a message goes to all others, byte for byte, and nothing else does', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const got = python<Record<string, string>>(
    `${CLIENTS}
a, b = connect(), connect()
c = connect()
everything = bytes(range(256)) * 3
a.sendall(everything)
assert receive(b, 768) == everything
assert receive(c, 768) == everything
with connect() as passer_by: passer_by.sendall(b'Eve says: hi')
result = {'b': receive(b, 12).decode(), 'c': receive(c, 12).decode()}
much = bytes(range(251)) * 1000
for i in range(0, len(much), 5000): b.sendall(much[i:i + 5000])
assert receive(c, len(much)) == much
b.sendall(b'the last')
b.shutdown(socket.SHUT_WR)
assert b.recv(1024) == b''  # a's message, and nothing of its own
result['a'] = receive(a, 12 + len(much) + 8).replace(much, b'*').decode()
c.sendall(b'fence')
result['a'] += receive(a, 5).decode()
result['c'] += receive(c, 8).decode()`,
    server.port,
  );
  expect(got).toEqual({ a: 'Eve says: hi*the lastfence', b: 'Eve says: hi', c: 'Eve says: hithe last' });
  expect((await server.end('SIGINT')).exit).toBe(0);
  expect(server.stdout).toBe('');
});

test('/who: in every spelling, answered to the asker alone', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const prefixes = {
    '<unknown>': [''],
    Alice: ['Alice says: ', 'Alice says:', 'Alice says : ', '<Alice> says: '],
    'Alice B.': ['Alice B. says: '],
    Élodie: ['Élodie says: '],
  };
  const commands = ['/who:', '/who', '/who:\n', '/who\n', '/who:\r\n'];
  const spellings = Object.entries(prefixes).flatMap(([name, before]) =>
    before.flatMap((prefix) => commands.map((command) => [name, prefix + command])),
  );
  const { replies, expected, other } = python<{ replies: string[]; expected: string[]; other: string }>(
    `spellings, args = args
${CLIENTS}
other = connect()
replies, expected = [], []
for name, text in spellings:
    asker = connect()
    replies.append(text + ' ' + who(asker, text.encode()))
    expected.append(f'''{text} 2 clients connected.
<unknown> connected from 127.0.0.1, {port(other)}.
{name} connected from 127.0.0.1, {port(asker)}.
''')
    asker.shutdown(socket.SHUT_WR)
    assert asker.recv(1024) == b''
last = connect()
last.sendall(b'fence')
result = {'replies': replies, 'expected': expected, 'other': other.recv(1024).decode()}`,
    [spellings, server.port],
  );
  expect(replies).toEqual(expected);
  expect(other).toBe('fence');
});

test('/who: knows who is there, in order of arrival, by the names that messages taught it', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const { replies, ports } = python<{ replies: string[]; ports: number[] }>(
    `${CLIENTS}
def say(s, text):
    s.sendall(text)
    for other in {a, b, c, d} - {s}: assert receive(other, len(text)) == text
a = connect()
replies = [who(a)]
b = connect()
c = connect()
d = connect()
ports = [port(s) for s in (a, b, c, d)]
replies.append(who(d))
say(d, b'<Dora> says: hi\\n')
say(b, b'Bob says:hi')
say(c, b'Carol says : hi')
say(a, b'Alice says: Bob says: hi')
say(a, b'no name')
replies.append(who(c))
say(c, b'Caroline says: hi')
replies.append(who(a))
b.close()
while (reply := who(a)).startswith('4'): pass
replies.append(reply)
d.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
d.close()
while (reply := who(a)).startswith('3'): pass
e = connect()
ports.append(port(e))
replies.append(who(e))
result = {'replies': replies, 'ports': ports}`,
    server.port,
  );
  const [a, b, c, d, e] = ports.map((port) => `connected from 127.0.0.1, ${port}.`);
  const all = (...lines: string[]) => [`${lines.length} clients connected.`, ...lines, ''].join('\n');
  expect(replies).toEqual([
    all(`<unknown> ${a}`),
    all(`<unknown> ${a}`, `<unknown> ${b}`, `<unknown> ${c}`, `<unknown> ${d}`),
    all(`Alice ${a}`, `Bob ${b}`, `Carol ${c}`, `Dora ${d}`),
    all(`Alice ${a}`, `Bob ${b}`, `Caroline ${c}`, `Dora ${d}`),
    all(`Alice ${a}`, `Caroline ${c}`, `Dora ${d}`),
    all(`Alice ${a}`, `Caroline ${c}`, `<unknown> ${e}`),
  ]);
});

test('/who: is answered whatever the name before it', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const names = ['<3', 'a > b', 'Al: ice', 'Jean Luc', ''];
  const replies = python<string[]>(
    `${CLIENTS}
a = connect()
result = []
for name in ${JSON.stringify(names)}:
    a.sendall(f'{name} says: /who:'.encode())
    a.settimeout(120)
    reply = b''
    while reply.count(b'\\n') < 2: reply += a.recv(1024)
    result.append(reply.decode().split('\\n')[1].split(' connected')[0])`,
    server.port,
  );
  expect(replies).toEqual([...names.slice(0, -1), 'Jean Luc']);
});

test('a name is learned once, without what nobody sees; who has it may say it again', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const replies = python<string[]>(
    `${CLIENTS}
a, b = connect(), connect()
def say(s, other, text):
    s.sendall(text)
    assert receive(other, len(text)) == text
say(a, b, 'A\\u200blice says: hi'.encode())
say(b, a, b'Alice says: hi')
say(a, b, b'Alice says: again')
result = [line.split(' connected')[0] for line in who(b).split('\\n')[1:3]]`,
    server.port,
  );
  expect(replies).toEqual(['Alice', '<unknown>']);
});

test('what only looks like /who: is a message', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const relayed = python<string[]>(
    `${CLIENTS}
a, b = connect(), connect()
result = []
for text in '/who: is it?', '/whose', 'A says: who', 'say /who:':
    a.sendall(text.encode())
    result.append(receive(b, len(text)).decode())`,
    server.port,
  );
  expect(relayed).toEqual(['/who: is it?', '/whose', 'A says: who', 'say /who:']);
});

test('blank messages cost no more CPU time than others', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const ticksFor = (text: string) => {
    const before = cpuTicks(server.pid);
    python(
      `text, args = args
${CLIENTS}
a, b = connect(), connect()
for i in range(200):
    a.sendall(text.encode() * 1024)
    receive(b, 1024)
result = None`,
      [text, server.port],
    );
    return cpuTicks(server.pid) - before;
  };
  const others = ticksFor('x');
  expect(ticksFor(' ')).toBeLessThan(3 * others + 50);
});

test('with -v it says what it does, on stdout', async () => {
  const server = await startServer('talk-server', ['-v', '-p', 0]);
  const alice = await welcomed(server.port);
  const bob = await welcomed(server.port);
  await alice.say('Alice says: hi');
  await bob.out(/hi$/);
  await alice.say('hi again');
  await bob.out(/again$/);
  await alice.say('/who:');
  await alice.out(/connected from.*\n.*connected from.*\n/);
  const carol = await welcomed(server.port);
  await carol.say('<Carol> says: 好\n');
  await bob.out(/好/);
  await carol.reset();
  await server.out(/Carol.* disconnected\n/);
  bob.endInput();
  await server.out(/unknown.* disconnected\n/);
  await alice.say('anyone?');
  await server.out(/0 others\n/);
  expect((await server.end('SIGINT')).exit).toBe(0);

  expect(server.lines).toEqual([
    `listening on 127.0.0.1, ${server.port}`,
    `new connection from 127.0.0.1, ${alice.port}`,
    `new connection from 127.0.0.1, ${bob.port}`,
    `127.0.0.1, ${alice.port} is Alice`,
    'relayed 14 bytes from Alice to 1 other',
    'relayed 8 bytes from Alice to 1 other',
    'told Alice who is connected',
    `new connection from 127.0.0.1, ${carol.port}`,
    `127.0.0.1, ${carol.port} is Carol`,
    'relayed 18 bytes from Carol to 2 others',
    `Carol (127.0.0.1, ${carol.port}) disconnected`,
    `<unknown> (127.0.0.1, ${bob.port}) disconnected`,
    'relayed 7 bytes from Alice to 0 others',
  ]);
  expect(await alice.exit).toBe(0);
});

test('it says who does not read: on stderr, with -v on stdout too', async () => {
  const server = await startServer('talk-server', ['-v', '-p', 0, '--max-pending', 1000]);
  const idler = await welcomed(server.port);
  await idler.run('stop_reading()');
  const talker = await welcomed(server.port);
  await talker.run('for i in range(20000): s.sendall(bytes(1000))');
  const who = `<unknown> (127.0.0.1, ${idler.port})`;
  const trouble = `${who}: does not read: more than 1000 bytes are waiting for it`;
  await until('it says so', () => server.stderr.includes(`\n${trouble}\n`));
  await until('it says so', () => server.stdout.includes(`\nerror: ${trouble}\n${who} disconnected\n`));
});

test.each([['-p 0 -v'], ['--verbose --port 0'], ['--port=0 --verbose'], ['-vp0']])(
  'its options: %s',
  async (options) => {
    const server = await startServer('talk-server', options.split(' '));
    expect(server.port).not.toBe(12345);
    await server.out(new RegExp(`^listening on 127\\.0\\.0\\.1, ${server.port}\n$`));
  },
);

test('its port is 12345 by default', () => {
  const help = execFileSync(process.execPath, [CLI, 'talk-server', '--help'], { encoding: 'utf8' });
  expect(help).toMatch(/-p, --port <port> [^(]*\(default:\s+12345\)/);
  expect(help).toMatch(/-v, --verbose /);
});
