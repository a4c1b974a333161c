import { expect, test } from 'vitest';
import { needs } from '../support/needs.js';
import { freeze, thaw } from '../support/proc.js';
import { type Process, start, startServer, until } from '../support/process.js';
import { connect, Python, python } from '../support/python.js';

/** cli.py, as its author had it. */
const ORIGINAL = `
import select, socket, sys
cli_sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
cli_sock.connect((sys.argv[1], int(sys.argv[2])))
while True:
    try:
        sr, sw, se = select.select([sys.stdin, cli_sock], [], [])
        for s in sr:
            if s == cli_sock:
                data = s.recv(1024).decode()
                if data:
                    print(data, flush=True)
                else:
                    cli_sock.close()
                    print('Server closed the connection.')
                    sys.exit()
            else:
                cli_chat = input()
                if cli_chat == '':
                    cli_sock.close()
                    print('You have been disconnected.')
                    sys.exit()
                else:
                    cli_sock.send(cli_chat.encode())
                    print('[You] ' + cli_chat, flush=True)
    except KeyboardInterrupt:
        print('KeyboardInterrupt')
        cli_sock.close()
        sys.exit()
`;

/** Waits until a piece of text has come out of all of them. */
async function heard(text: string, ...processes: Process[]): Promise<void> {
  for (const process of processes) await until(text, () => process.hasEnded || process.stdout.includes(text));
}

/** The address that a server says its newest user has. */
async function newcomer(server: Process, online: string): Promise<string> {
  return (await server.out(new RegExp(`> New user (\\S+) entered\\. \\(${online} online\\)\n`)))[1];
}

test('a room of three: each hears the others come, talk and leave', async () => {
  const server = await startServer('srv', ['127.0.0.1', 0]);
  const ours = start('cli', ['127.0.0.1', server.port]);
  await heard('(1 user online)', ours);
  const a = await newcomer(server, '1 user');

  const peer = await connect(server.port);
  const b = `127.0.0.1:${peer.port}`;
  await heard('(2 users online)', peer, ours);

  const original = Python.program(ORIGINAL, ['127.0.0.1', server.port]);
  await heard('(3 users online)', original, peer, ours);
  const c = await newcomer(server, '3 users');

  ours.type('hello\n');
  await heard('hello', peer, original);
  await peer.say('hi there');
  await heard('hi there', ours, original);
  original.type('好 é\n');
  await heard('好 é', peer, ours);

  peer.endInput();
  await heard('left (2 users online)', ours, original);
  original.type('\n');
  await heard('left (1 user online)', ours);
  ours.type('\n');
  await heard('left (0 user online)', server);
  await server.end('SIGINT');

  expect(server.stdout).toBe(`Chat Server started on port ${server.port}.
> New user ${a} entered. (1 user online)
> New user ${b} entered. (2 users online)
> New user ${c} entered. (3 users online)
[${a}] hello
[${b}] hi there
[${c}] 好 é
< The user ${b} left (2 users online)
< The user ${c} left (1 user online)
< The user ${a} left (0 user online)
KeyboardInterrupt
`);
  expect(await ours.exit).toBe(0);
  expect(ours.stdout).toBe(`> Connected to the chat server (1 user online)
> New user ${b} entered. (2 users online)
> New user ${c} entered. (3 users online)
[You] hello
[${b}] hi there
[${c}] 好 é
< The user ${b} left (2 users online)
< The user ${c} left (1 user online)
You have been disconnected.
`);
  expect(await original.exit).toBe(0);
  expect(original.stdout).toBe(`> Connected to the chat server (3 users online)
[${a}] hello
[${b}] hi there
[You] 好 é
< The user ${b} left (2 users online)
You have been disconnected.
`);
  expect(await peer.exit).toBe(0);
  expect(peer.stdout).toBe(
    `> Connected to the chat server (2 users online)> New user ${c} entered. (3 users online)` +
      `[${a}] hello[${c}] 好 é`,
  );
});

test('Ctrl-C ends it, and its clients learn of it', async () => {
  const server = await startServer('srv', ['127.0.0.1', 0]);
  const ours = start('cli', ['127.0.0.1', server.port]);
  await heard('(1 user online)', ours);
  const original = Python.program(ORIGINAL, ['127.0.0.1', server.port]);
  await heard('(2 users online)', original, ours);
  const peer = await connect(server.port);
  await heard('(3 users online)', peer, ours, original);

  expect((await server.end('SIGINT')).exit).toBe(0);
  expect(server.stdout).toMatch(/\(3 users online\)\nKeyboardInterrupt\n$/);
  expect(await ours.exit).toBe(0);
  expect(ours.stdout).toMatch(/\(3 users online\)\nServer closed the connection\.\n$/);
  expect(await original.exit).toBe(0);
  expect(original.stdout).toMatch(/\(3 users online\)\nServer closed the connection\.\n$/);
  expect(await peer.exit).toBe(0);
  expect(peer.stdout).toBe('> Connected to the chat server (3 users online)');
});

test('who resets the connection has left, by the right address', async () => {
  const server = await startServer('srv', ['127.0.0.1', 0]);
  const stays = await connect(server.port);
  await heard('(1 user online)', stays);
  const goes = await connect(server.port);
  await heard('(2 users online)', goes, stays);
  await goes.reset();
  const address = `127.0.0.1:${goes.port}`;
  const left = `< The user ${address} left (1 user online)`;
  await heard(left, server, stays);
  await server.end('SIGINT');
  expect(server.lines.slice(2)).toEqual([
    `> New user ${address} entered. (2 users online)`,
    left,
    'KeyboardInterrupt',
  ]);
  expect(await stays.exit).toBe(0);
  expect(stays.stdout).toBe(
    `> Connected to the chat server (1 user online)> New user ${address} entered. (2 users online)${left}`,
  );
});

test('two quick messages are one when it gets them in one recv', async () => {
  const server = await startServer('srv', ['127.0.0.1', 0]);
  const peer = await connect(server.port);
  await heard('(1 user online)', peer);
  await freeze(server);
  await peer.say('one');
  await peer.say('two');
  await peer.run('import fcntl, termios');
  // On a busy machine what was sent may still be on its way.
  await peer.run('while sys.platform == "linux" and any(fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4))): pass');
  thaw(server);
  await server.out(new RegExp(`^\\[127\\.0\\.0\\.1:${peer.port}\\] onetwo$`, 'm'));
});

test('with --framing line a message is a line, however it comes', async () => {
  const server = await startServer('srv', ['127.0.0.1', 0, '--framing', 'line']);
  const ours = start('cli', ['127.0.0.1', server.port, '--framing', 'line']);
  await heard('(1 user online)', ours);
  const a = await newcomer(server, '1 user');
  const listener = await connect(server.port);
  await heard('(2 users online)', listener, ours);
  const peer = await connect(server.port);
  const b = `127.0.0.1:${peer.port}`;
  await heard('(3 users online)', peer, listener, ours);

  await peer.run('for i in range(200): s.sendall(b"quick %d\\n" % i)');
  await heard('quick 199', server, ours, listener);

  await peer.say('one li');
  ours.type('meanwhile\n');
  await heard('meanwhile', server, peer, listener);
  await peer.say(Buffer.from('ne, caf\xc3', 'latin1'));
  ours.type('now\n');
  await heard('now', server, peer, listener);
  await peer.say(Buffer.from('\xa9\n\nbroken \xc3\nno newline', 'latin1'));
  peer.endInput();
  await heard('left (2 users online)', server, ours, listener);
  await server.end('SIGINT');

  const quick = Array.from({ length: 200 }, (_, i) => `[${b}] quick ${i}`);
  const rest = [
    `[${b}] one line, café`,
    `[${b}] `,
    `[${b}] broken \ufffd`,
    `[${b}] no newline`,
    `< The user ${b} left (2 users online)`,
  ];
  const enters = `> New user ${b} entered. (3 users online)`;
  const others = [enters, ...quick, `[${a}] meanwhile`, `[${a}] now`, ...rest];
  expect(server.lines.slice(3)).toEqual([...others, 'KeyboardInterrupt']);
  expect(await ours.exit).toBe(0);
  expect(ours.lines.slice(2)).toEqual([
    enters,
    ...quick,
    '[You] meanwhile',
    '[You] now',
    ...rest,
    'Server closed the connection.',
  ]);
  expect(await listener.exit).toBe(0);
  expect(listener.stdout).toBe(
    ['> Connected to the chat server (2 users online)', ...others].map((line) => `${line}\n`).join(''),
  );
  expect(await peer.exit).toBe(0);
  expect(peer.stdout).toBe(`> Connected to the chat server (3 users online)\n[${a}] meanwhile\n[${a}] now\n`);
});

test('a character in two pieces is printed whole, and relayed as it came', async () => {
  const server = await startServer('srv', ['127.0.0.1', 0]);
  const relayed = python<{ address: string; bytes: string }>(
    `
from socket import create_connection
a, b = (create_connection(('127.0.0.1', args)) for _ in range(2))
def until(s, end):
    data = b''
    while not data.endswith(end): data += s.recv(1024)
    return data
until(a, b'(2 users online)')
until(b, b'(2 users online)')
a.sendall(b'caf\\xc3')
data = until(b, b'caf\\xc3')
a.sendall(b'\\xa9!')
data += until(b, b'\\xa9!')
a.sendall(bytes(range(256)))
data += until(b, b'\\xff')
result = {'address': '%s:%d' % a.getsockname(), 'bytes': data.hex()}`,
    server.port,
  );
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1');
  const prefix = `[${relayed.address}] `;
  expect(Buffer.from(relayed.bytes, 'hex').toString('latin1')).toBe(
    `${prefix}caf\xc3${prefix}\xa9!${prefix}${all}`,
  );
  await heard(`\n${prefix}caf\n${prefix}é!\n`, server);
  expect(server.stdout).toContain(`\n${prefix}caf\n${prefix}é!\n`);
});

needs('IPv6 on loopback')('a room on IPv6', async () => {
  const server = await startServer('srv', ['::1', 0]);
  const ours = start('cli', ['::1', server.port]);
  await heard('(1 user online)', ours);
  const peer = await connect(server.port, '::1');
  await heard('(2 users online)', peer, ours);
  await peer.say('hi');
  await heard('hi', ours);
  ours.type('hello\n');
  await heard('hello', peer);
  const a = await newcomer(server, '1 user');
  const b = `::1:${peer.port}`;
  await server.end('SIGINT');
  expect(server.lines).toEqual([
    `Chat Server started on port ${server.port}.`,
    expect.stringMatching(/^> New user ::1:\d+ entered\. \(1 user online\)$/),
    `> New user ${b} entered. (2 users online)`,
    `[${b}] hi`,
    `[${a}] hello`,
    'KeyboardInterrupt',
  ]);
  expect(await ours.exit).toBe(0);
  expect(ours.stdout).toBe(`> Connected to the chat server (1 user online)
> New user ${b} entered. (2 users online)
[${b}] hi
[You] hello
Server closed the connection.
`);
  expect(await peer.exit).toBe(0);
  expect(peer.stdout).toBe(`> Connected to the chat server (2 users online)[${a}] hello`);
});
