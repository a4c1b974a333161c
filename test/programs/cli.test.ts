import { expect, test } from 'vitest';
import { untilAsleep } from '../support/idle.js';
import { needs } from '../support/needs.js';
import { freeze, thaw } from '../support/proc.js';
import { CLI, Process, start, until } from '../support/process.js';
import { listen, type Peer, Python, python } from '../support/python.js';

/** srv.py, as its author had it. */
const ORIGINAL = `
import select, socket, sys
welcome_sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
welcome_sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
welcome_sock.bind((sys.argv[1], int(sys.argv[2])))
print('Chat Server started on port %s.' % welcome_sock.getsockname()[1], flush=True)
num_cli = 0
welcome_sock.listen()
conn_list = [welcome_sock]
def users(): return '(%d %s online)' % (num_cli, 'users' if num_cli >= 2 else 'user')
def tell(msg, s):
    print(msg, flush=True)
    for c in conn_list:
        if c != welcome_sock and c != s: c.send(msg.encode())
while conn_list:
    try:
        sr, sw, se = select.select(conn_list, [], [])
        for s in sr:
            if s == welcome_sock:
                conn_sock, cli_addr = welcome_sock.accept()
                num_cli = num_cli + 1
                conn_list.append(conn_sock)
                conn_sock.send(('> Connected to the chat server ' + users()).encode())
                tell('> New user %s:%d entered. ' % cli_addr + users(), conn_sock)
            else:
                address = '%s:%d' % s.getpeername()
                data = s.recv(1024).decode()
                if data:
                    tell('[%s] ' % address + data, s)
                else:
                    num_cli = num_cli - 1
                    conn_list.remove(s)
                    tell('< The user %s left ' % address + users(), s)
                    s.close()
    except KeyboardInterrupt:
        print('KeyboardInterrupt', flush=True)
        for c in conn_list: c.close()
        sys.exit()
`;

/** A cli that has got its first message from a server in Python. */
async function connected(...options: string[]): Promise<[Process, Peer]> {
  const server = await listen();
  const client = start('cli', ['127.0.0.1', server.port, ...options]);
  await server.say(`> hello${options.length > 0 ? '\n' : ''}`);
  await client.out(/^> hello\n/);
  return [client, server];
}

test('with the original server', async () => {
  const server = Python.program(ORIGINAL, ['127.0.0.1', 0]);
  const [, port] = await server.out(/port (\d+)\.\n/);
  const alice = start('cli', ['127.0.0.1', port]);
  await alice.out(/\(1 user online\)/);
  const bob = start('cli', ['127.0.0.1', port]);
  await alice.out(/\(2 users online\)/);
  await bob.out(/\(2 users online\)/);
  const [[, a], [, b]] = [...server.stdout.matchAll(/New user (\S+)/g)];
  alice.type('hello\n');
  await bob.out(/hello/);
  bob.type('hi 好\n');
  await alice.out(/hi/);
  bob.type('\n');
  await alice.out(/left/);
  await server.end('SIGINT');

  expect(server.stdout).toBe(`Chat Server started on port ${port}.
> New user ${a} entered. (1 user online)
> New user ${b} entered. (2 users online)
[${a}] hello
[${b}] hi 好
< The user ${b} left (1 user online)
KeyboardInterrupt
`);
  expect(await alice.exit).toBe(0);
  expect(alice.stdout).toBe(`> Connected to the chat server (1 user online)
> New user ${b} entered. (2 users online)
[You] hello
[${b}] hi 好
< The user ${b} left (1 user online)
Server closed the connection.
`);
  expect(await bob.exit).toBe(0);
  expect(bob.stdout).toBe(`> Connected to the chat server (2 users online)
[${a}] hello
[You] hi 好
You have been disconnected.
`);
});

test('what arrives is printed, each recv on a line of its own', async () => {
  const [client, server] = await connected();
  await server.say('[a] hi');
  await client.out(/hi\n/);
  await server.say('two\nlines\n');
  await client.out(/lines\n/);
  await server.say(Buffer.from('caf\xc3', 'latin1'));
  await client.out(/caf\n/);
  await server.say(Buffer.from('\xa9!', 'latin1'));
  await client.out(/!\n/);
  client.endInput();
  expect(await client.exit).toBe(0);
  expect(client.stdout).toBe('> hello\n[a] hi\ntwo\nlines\n\ncaf\né!\nYou have been disconnected.\n');
});

/** Our client, run by another program where `tracer` is one, when lines have been pasted into its stdin. */
async function paste(...tracer: string[]): Promise<Process> {
  const server = await listen();
  const [program, ...args] = [...tracer, process.execPath, CLI, 'cli', '127.0.0.1', String(server.port)];
  const client = new Process(program as string, args);
  client.type('one\ntwo two\nthree\n好\n\n');
  expect(await server.exit).toBe(0);
  expect(server.stdout).toBe('onetwo twothree好');
  await client.exit;
  return client;
}

test('pasted lines are all sent', async () => {
  const client = await paste();
  expect(client.stdout).toBe(
    '[You] one\n[You] two two\n[You] three\n[You] 好\nYou have been disconnected.\n',
  );
});

needs('Linux', 'strace')('pasted lines are each sent by themselves', async () => {
  const client = await paste('strace', '-f', '-qq', '-e', 'trace=sendto');
  const sent = [...client.stderr.matchAll(/sendto\(\d+, "([^"]*)"/g)].map(([, text]) => text);
  expect(sent).toEqual(['one', 'two two', 'three', '\\345\\245\\275']);
});

test('an empty line ends it', async () => {
  const [client, server] = await connected();
  client.type('hi\n\nnot this\n');
  expect(await client.exit).toBe(0);
  expect(client.stdout).toBe('> hello\n[You] hi\nYou have been disconnected.\n');
  expect(await server.exit).toBe(0);
  expect(server.stdout).toBe('hi');
});

test('the end of stdin ends it, after a last line that has no newline', async () => {
  const [client, server] = await connected();
  client.type('hi\nbye');
  client.endInput();
  expect(await client.exit).toBe(0);
  expect(client.stdout).toBe('> hello\n[You] hi\n[You] bye\nYou have been disconnected.\n');
  expect(await server.exit).toBe(0);
  expect(server.stdout).toBe('hibye');
});

test.each(['closes', 'resets'])('it says so when the server %s the connection', async (how) => {
  const [client, server] = await connected();
  if (how === 'closes') server.endInput();
  else await server.reset();
  expect(await client.exit).toBe(0);
  expect(client.stdout).toBe('> hello\nServer closed the connection.\n');
  expect(client.stderr).toBe('');
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it', async (signal) => {
  const [client, server] = await connected();
  expect((await client.end(signal)).exit).toBe(0);
  if (signal === 'SIGINT') expect(client.stdout).toBe('> hello\nKeyboardInterrupt\n');
  expect(await server.exit).toBe(0);
});

test('Ctrl-C ends it also when the server does not answer', async () => {
  const [client, server] = await connected();
  await server.run('stop_reading()');
  const { exit } = await client.end('SIGINT');
  expect(client.stdout).toBe('> hello\nKeyboardInterrupt\n');
  expect(exit).toBe(0);
});

test('Ctrl-C ends it also when the server takes no more', async () => {
  const [client, server] = await connected();
  await server.run('stop_reading()');
  client.type(`${'x'.repeat(4000)}\n`.repeat(5000));
  await until('it has sent much', () => client.stdout.length > 1_000_000);
  await untilAsleep(client);
  const { exit } = await client.end('SIGINT');
  expect(client.stdout.slice(-30)).toMatch(/x\nKeyboardInterrupt\n$/);
  expect(client.stderr).toMatch(/^[\d,]+ bytes were not delivered\n$/);
  expect(exit).toBe(1);
});

test('it ends although the server goes on and on', async () => {
  const server = Python.program(`
import socket, time
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
s, _ = listener.accept()
while True:
    s.sendall(b'and on')
    time.sleep(0.01)`);
  const [, port] = await server.out(/(\d+)\n/);
  const client = start('cli', ['127.0.0.1', port]);
  await client.out(/and on/);
  client.type('\n');
  await client.out(/disconnected/);
  expect(await client.exit).toBe(0);
});

test('what was sent before the end arrives, although what the server sent was never read', async () => {
  const [client, server] = await connected();
  await server.run('stop_reading()');
  await freeze(client);
  await server.say('x'.repeat(20_000));
  client.type('one\ntwo\n\n');
  thaw(client);
  await client.out(/disconnected\.\n$/);
  await server.run('read_on()');
  // A reset would be its exit code 1.
  expect(await server.exit, server.stderr).toBe(0);
  expect(server.stdout).toBe('onetwo');
  expect(await client.exit).toBe(0);
});

test('no server: one line that says so', async () => {
  const port = python<number>(`
import socket
with socket.create_server(('127.0.0.1', 0)) as s: result = s.getsockname()[1]`);
  const client = start('cli', ['127.0.0.1', port]);
  expect(await client.exit).toBe(1);
  expect(client.stdout).toBe('');
  expect(client.stderr).toBe(
    `connect 127.0.0.1:${port}: Connection refused (ECONNREFUSED)\n` +
      `nobody listens there; to start the server: npx posix-select srv 127.0.0.1 ${port}\n`,
  );
});

test('with --framing line a line is a message, however it comes', async () => {
  const [client, server] = await connected('--framing', 'line');
  await server.say('one li');
  client.type('hi\n');
  await server.out(/hi\n/);
  await server.say(Buffer.from('ne, caf\xc3', 'latin1'));
  client.type('so\n');
  await server.out(/so\n/);
  await server.say(Buffer.from('\xa9\none more\n', 'latin1'));
  await client.out(/one more/);
  server.endInput();
  expect(await client.exit).toBe(0);
  expect(client.lines).toEqual([
    '> hello',
    '[You] hi',
    '[You] so',
    'one line, café',
    'one more',
    'Server closed the connection.',
  ]);
  expect(server.stdout).toBe('hi\nso\n');
});

test('with --framing line what comes last is printed also without its newline', async () => {
  const [client, server] = await connected('--framing', 'line');
  await server.say('the end');
  server.endInput();
  expect(await client.exit).toBe(0);
  expect(client.lines).toEqual(['> hello', 'the end', 'Server closed the connection.']);
});
