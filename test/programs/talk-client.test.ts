import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { freeze, thaw } from '../support/proc.js';
import { type Process, start, startServer } from '../support/process.js';
import { listen, type Peer, Python, python } from '../support/python.js';

/** talk_server.py, as the assignment outlines it. */
const SERVER = `
import select, socket
main = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
main.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
main.bind(('127.0.0.1', 0))
main.listen()
print(main.getsockname()[1], flush=True)
socks = [main]
while True:
    readable, _, _ = select.select(socks, [], [])
    for s in readable:
        if s is main:
            client, _ = main.accept()
            client.send(b'Thank you for connecting')
            socks.append(client)
        else:
            message = s.recv(1024)
            if not message:
                socks.remove(s)
                s.close()
            else:
                for other in socks:
                    if other is not main and other is not s: other.send(message)
`;

/** talk_client.py, as the assignment wants it. */
const CLIENT = `
import argparse, select, socket, sys
parser = argparse.ArgumentParser()
parser.add_argument('-n', '--name')
parser.add_argument('-s', '--server', default='127.0.0.1')
parser.add_argument('-p', '--port', type=int, default=12345)
args = parser.parse_args()
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.connect((args.server, args.port))
while True:
    readable, _, _ = select.select([sys.stdin, sock], [], [])
    for s in readable:
        if s is sock:
            message = sock.recv(1024)
            if not message:
                print('The server terminated the connection.')
                sys.exit(1)
            print(message.decode(), flush=True)
        else:
            sock.send((args.name + ' says: ' + sys.stdin.readline()).encode())
`;

/** A talk-client that a server in Python has welcomed. */
async function connected(...options: string[]): Promise<[Process, Peer]> {
  const server = await listen();
  const client = start('talk-client', ['-p', server.port, ...options]);
  await server.say('Thank you for connecting');
  await client.out(/^Thank you for connecting\n/);
  return [client, server];
}

/** A room with one of our clients and one in Python. */
async function room(port: number | string): Promise<[alice: Process, bob: Process]> {
  const alice = start('talk-client', ['-n', 'Alice', '-p', port]);
  await alice.out(/^Thank you for connecting\n/);
  const bob = Python.program(CLIENT, ['-n', 'Bob', '-p', port]);
  await bob.out(/^Thank you for connecting\n/);
  alice.type('hi\n');
  await bob.out(/hi/);
  bob.type('hi 好\n');
  await alice.out(/hi/);
  return [alice, bob];
}

test('with a Python client on a Python server', async () => {
  const server = Python.program(SERVER);
  const [, port] = await server.out(/(\d+)\n/);
  const [alice, bob] = await room(port);
  server.child.kill();
  expect(await alice.exit).toBe(1);
  expect(alice.stdout).toBe(
    'Thank you for connecting\nBob says: hi 好\n\nThe server terminated the connection.\n',
  );
  expect(await bob.exit).toBe(1);
  expect(bob.stdout).toBe(
    'Thank you for connecting\nAlice says: hi\nThe server terminated the connection.\n',
  );
});

test('with a Python client on our server', async () => {
  const server = await startServer('talk-server', ['-p', 0]);
  const [alice, bob] = await room(server.port);
  alice.type('/who:\n');
  await alice.out(/\. *\nBob connected .*\n\n/);
  bob.type('/who\n');
  await bob.out(/\. *\nBob connected .*\n\n/);
  expect((await server.end('SIGINT')).exit).toBe(0);
  const who =
    /2 clients connected\.\nAlice connected from 127\.0\.0\.1, (\d+)\.\nBob connected from 127\.0\.0\.1, (\d+)\.\n\n/;
  expect(await alice.exit).toBe(1);
  expect(alice.stdout.match(who)?.[0]).toBe(bob.stdout.match(who)?.[0]);
  expect(alice.stdout.replace(who, '')).toBe(
    'Thank you for connecting\nBob says: hi 好\n\nThe server terminated the connection.\n',
  );
  expect(await bob.exit).toBe(1);
  expect(bob.stdout.replace(who, '')).toBe(
    'Thank you for connecting\nAlice says: hi\nThe server terminated the connection.\n',
  );
});

test.each([
  ['-n Zoë', 'Zoë'],
  ['--name Zoë -s localhost', 'Zoë'],
  ['--server 127.0.0.1', hostname()],
])('it says each line under its name: %s', async (options, name) => {
  const [client, server] = await connected(...options.split(' '));
  client.type('hi\nho 好\n');
  await server.out(/好/);
  client.type('/who:\n\nlast');
  client.endInput();
  expect(await client.exit).toBe(0);
  expect(await server.exit).toBe(0);
  const said = ['hi', 'ho 好', '/who:', '', 'last'];
  expect(server.stdout).toBe(said.map((line) => `${name} says: ${line}`).join(''));
  expect(client.stdout).toBe('Thank you for connecting\n');
});

test('it prints what arrives', async () => {
  const [client, server] = await connected();
  await server.say('Bob says: hi');
  await client.out(/hi\n/);
  await server.say('Bob says: ho\n');
  await client.out(/ho\n/);
  await server.say(Buffer.from('caf\xc3', 'latin1'));
  await client.out(/caf\n/);
  await server.say(Buffer.from('\xa9', 'latin1'));
  await client.out(/é\n/);
  client.endInput();
  expect(await client.exit).toBe(0);
  expect(client.stdout).toBe('Thank you for connecting\nBob says: hi\nBob says: ho\n\ncaf\né\n');
  expect(client.stderr).toBe('');
});

test('with -v it says on stderr what it does', async () => {
  const [client, server] = await connected('-v', '-n', 'Alice');
  client.type('hi\n');
  await server.out(/hi/);
  client.endInput();
  expect(await client.exit).toBe(0);
  expect(client.stdout).toBe('Thank you for connecting\n');
  expect(client.stderr).toMatch(/^connected to 127\.0\.0\.1, \d+ as Alice\nreceived 24 bytes\nsent .*\n$/);
});

test.each(['closes', 'resets'])('it says so when the server %s the connection', async (how) => {
  const [client, server] = await connected();
  if (how === 'closes') server.endInput();
  else await server.reset();
  expect(await client.exit).toBe(1);
  expect(client.stdout).toBe('Thank you for connecting\nThe server terminated the connection.\n');
  expect(client.stderr).toBe('');
});

test('Ctrl-C ends it', async () => {
  const [client, server] = await connected();
  expect((await client.end('SIGINT')).exit).toBe(0);
  expect(client.stdout).toBe('Thank you for connecting\n');
  expect(client.stderr).toBe('');
  expect(await server.exit).toBe(0);
});

test('what was said before the end arrives, although what the server sent was never read', async () => {
  const [client, server] = await connected('-n', 'Alice');
  await server.run('stop_reading()');
  await freeze(client);
  await server.say('x'.repeat(20_000));
  client.type('one\ntwo\n');
  client.endInput();
  thaw(client);
  await server.run('read_on()');
  // A reset would be its exit code 1.
  expect(await server.exit, server.stderr).toBe(0);
  expect(server.stdout).toBe('Alice says: oneAlice says: two');
  expect(await client.exit).toBe(0);
});

test('no server: one line that says so', async () => {
  const port = python<number>(`
import socket
with socket.create_server(('127.0.0.1', 0)) as s: result = s.getsockname()[1]`);
  const client = start('talk-client', ['-p', port]);
  expect(await client.exit).toBe(1);
  expect(client.stdout).toBe('');
  expect(client.stderr).toBe(
    `connect 127.0.0.1:${port}: Connection refused (ECONNREFUSED)\n` +
      `nobody listens there; to start the server: npx posix-select talk-server -p ${port}\n`,
  );
});

test('all that was typed is sent, however much it is and however long the server takes', async () => {
  const name = 'n'.repeat(5000);
  const [client, server] = await connected('-n', name);
  await server.run('stop_reading()');
  client.type('\n'.repeat(4096));
  client.endInput();
  await server.run('read_on()');
  expect(await client.exit).toBe(0);
  expect(await server.exit).toBe(0);
  expect(server.stdout === `${name} says: `.repeat(4096)).toBe(true);
});
