/** How sockets come to be: servers, connections, pairs. */
import { closeSync, existsSync, readSync, writeSync } from 'node:fs';
import { errno, strerror } from 'posix-select';
import * as module from 'posix-select/socket';
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createConnection,
  createServer,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  pipe,
  SO_ERROR,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  Socket,
  socketpair,
} from 'posix-select/socket';
import { describe, expect, test } from 'vitest';
import { eachAddress, needs } from '../support/needs.js';
import { openSockets } from '../support/proc.js';
import { until } from '../support/process.js';
import { python } from '../support/python.js';
import { accept, drain, failure, kept, temporaryPaths, writable } from '../support/sockets.js';

const path = temporaryPaths();

describe('createServer', () => {
  eachAddress([
    ['127.0.0.1', AF_INET, '127.0.0.1'],
    ['0.0.0.0', AF_INET, '0.0.0.0'],
    ['', AF_INET, '0.0.0.0'],
    ['localhost', AF_INET, '127.0.0.1'],
    ['::1', AF_INET6, '::1'],
    ['::', AF_INET6, '::'],
    ['::ffff:127.0.0.1', AF_INET6, '::ffff:127.0.0.1'],
  ])('of host %j', (host, family, bound) => {
    using server = createServer([host, 0], { dualstackIpv6: true });
    const [ip, port, ...rest] = server.getsockname();
    expect([server.family, server.type, ip, rest]).toEqual([
      family,
      SOCK_STREAM,
      bound,
      family === AF_INET ? [] : [0, 0],
    ]);
    expect(port).toBeGreaterThan(0);
    expect(server.getsockopt(SOL_SOCKET, SO_REUSEADDR)).toBe(1);
    expect(server.getblocking()).toBe(true);
  });

  test('of a path; a second one of the same path fails', () => {
    const address = path();
    using server = createServer(address);
    expect([server.family, server.getsockname()]).toEqual([AF_UNIX, address]);
    expect(failure(() => createServer(address))).toBe('EADDRINUSE');
  });

  test('of an abstract name leaves nothing in the file system', async () => {
    const address = `\0posix-select ${process.pid} é`;
    using server = createServer(address);
    expect(server.getsockname()).toBe(address);
    const [client] = kept(createConnection(address));
    await accept(server);
    expect(client.getpeername()).toBe(address);
    expect(existsSync(address.slice(1))).toBe(false);
  });

  test.each([
    ['createServer', () => createServer('127.0.0.1')],
    ['createConnection', () => createConnection('127.0.0.1', 8080)],
  ])('a host where [host, port] belongs is no path (%s)', (_, call) => {
    const advice = "address must be [host, port] or a path with a / in it ('./127.0.0.1'), not '127.0.0.1'";
    expect(call).toThrow(new TypeError(advice));
    expect(existsSync('127.0.0.1')).toBe(false);
  });

  test('an empty path takes a name of the system’s choice, a new one each time, as in Python', () => {
    const [a, b] = kept(new Socket(AF_UNIX), new Socket(AF_UNIX));
    a.bind('');
    b.bind('');
    expect(a.getsockname()).not.toBe(b.getsockname());
  });

  test('with a family of the caller’s choice', () => {
    using server = createServer(['localhost', 0], { family: AF_INET });
    expect(server.getsockname()[0]).toBe('127.0.0.1');
    expect(failure(() => createServer(['127.0.0.1', 0], { family: AF_INET6 }))).toBe('EAI_ADDRFAMILY');
  });

  test('dualstackIpv6 lets IPv4 in; without it the socket is for IPv6 alone', async () => {
    using both = createServer(['::', 0], { dualstackIpv6: true });
    expect(both.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY)).toBe(0);
    kept(createConnection(['127.0.0.1', both.getsockname()[1] as number]));
    expect((await accept(both))[1][0]).toBe('::ffff:127.0.0.1');
    using one = createServer(['::', 0]);
    expect(one.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY)).toBe(1);
  });

  test('its port can be bound again at once', async () => {
    using server = createServer(['127.0.0.1', 0]);
    const address = server.getsockname();
    const [client] = kept(createConnection(address));
    const [conn] = await accept(server);
    conn.close(); // who closes first, keeps the port in TIME_WAIT
    await drain(client);
    client.close();
    server.close();
    using again = createServer(address);
    expect(again.getsockname()).toEqual(address);
  });

  test('reusePort lets two have the same port', () => {
    using first = createServer(['127.0.0.1', 0], { reusePort: true });
    using second = createServer(first.getsockname(), { reusePort: true });
    expect(second.getsockname()).toEqual(first.getsockname());
    expect(failure(() => createServer(first.getsockname()))).toBe('EADDRINUSE');
  });

  test('the backlog is what the system is told', () => {
    const connections = (server: Socket) => {
      kept(server);
      for (let n = 0; n < 50; n++) {
        const [client] = kept(new Socket(AF_UNIX));
        client.setblocking(false);
        if (client.connectEx(server.getsockname()) !== 0) return n;
      }
      return 50;
    };
    const listening = (...backlog: [number?]) => {
      const server = new Socket(AF_UNIX);
      server.bind(path());
      server.listen(...backlog);
      return server;
    };
    const few = connections(listening(2));
    expect(connections(listening(7))).toBe(few + 5);
    expect(connections(createServer(path(), { backlog: 7 }))).toBe(few + 5);
    expect(connections(listening())).toBe(50);
    expect(connections(createServer(path()))).toBe(50);
  });

  test('what fails leaves no descriptor behind', () => {
    using server = createServer(['127.0.0.1', 0]);
    const before = openSockets();
    expect(failure(() => createServer(server.getsockname()))).toBe('EADDRINUSE');
    expect(failure(() => createServer(['198.51.100.1', 0]))).toBe('EADDRNOTAVAIL');
    expect(() => createServer(['127.0.0.1', 0], { backlog: 'x' as never })).toThrow(TypeError);
    expect(() => createServer(['127.0.0.1', -1])).toThrow(RangeError);
    expect(() => createConnection(['127.0.0.1', -1])).toThrow(RangeError);
    expect(failure(() => createConnection(path()))).toBe('ENOENT');
    expect(failure(() => new Socket(AF_INET, 99))).toBe('EINVAL');
    expect(openSockets()).toBe(before);
  });
});

test('an IPv6 address says its scope by name, by number, or in the fourth place', () => {
  const [index, name] = python<[number, string]>('import socket\nresult = socket.if_nameindex()[0]');
  for (const address of [
    [`ff02::1%${name}`, 0],
    [`ff02::1%${index}`, 0],
    ['ff02::1', 0, 0, index],
  ] as Address[]) {
    using s = new Socket(AF_INET6, SOCK_DGRAM);
    s.bind(address);
    expect(s.getsockname()).toEqual(['ff02::1', expect.any(Number), 0, index]);
  }
});

describe('createConnection', () => {
  test('to localhost, whichever of its addresses listens', () => {
    const hosts = python<string[]>(
      'import socket\nresult = [a[4][0] for a in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)]',
    );
    expect(hosts.length).toBeGreaterThan(0);
    for (const host of hosts) {
      using server = createServer([host, 0]);
      const [client] = kept(createConnection(['localhost', server.getsockname()[1] as number]));
      expect(client.getpeername()).toEqual(server.getsockname());
    }
  });

  needs('IPv6 on loopback')(
    'tries the addresses one after the other, and fails as the last one did',
    async () => {
      // The host '' has two addresses, 0.0.0.0 and ::. The first is refused: the port is bound there, but nobody listens.
      const [mute, server] = await until('a port that is free in both families', () => {
        const mute = new Socket();
        mute.bind(['0.0.0.0', 0]);
        try {
          return kept(mute, createServer(['::1', mute.getsockname()[1] as number]));
        } catch {
          mute.close();
        }
      });
      const port = mute.getsockname()[1] as number;
      const before = openSockets();
      const client = createConnection(['', port]);
      expect([client.family, client.getpeername()]).toEqual([AF_INET6, server.getsockname()]);
      client.close();
      server.close();
      expect(() => createConnection(['', port])).toThrow(
        `connect [::]:${port}: Connection refused (ECONNREFUSED)`,
      );
      expect(openSockets()).toBe(before - 1);
    },
  );
});

test('connectEx: 0, EINPROGRESS and then SO_ERROR, ECONNREFUSED', async () => {
  const server = createServer(['127.0.0.1', 0]);
  const address = server.getsockname();
  const [now, later, refused, refusedLater] = kept(new Socket(), new Socket(), new Socket(), new Socket());
  later.setblocking(false);
  refusedLater.setblocking(false);

  expect(now.connectEx(address)).toBe(0);
  expect(later.connectEx(address)).toBe(errno.EINPROGRESS);
  await writable(later);
  expect([later.getsockopt(SOL_SOCKET, SO_ERROR), later.getpeername()]).toEqual([0, address]);
  expect(now.connectEx(address)).toBe(errno.EISCONN);

  server.close();
  expect(refused.connectEx(address)).toBe(errno.ECONNREFUSED);
  expect(refusedLater.connectEx(address)).toBe(errno.EINPROGRESS);
  await writable(refusedLater);
  expect(strerror(refusedLater.getsockopt(SOL_SOCKET, SO_ERROR))).toBe('Connection refused');
  expect(refusedLater.getsockopt(SOL_SOCKET, SO_ERROR), 'it is told once').toBe(0);
  expect(kept(new Socket(AF_UNIX))[0].connectEx(path())).toBe(errno.ENOENT);
});

test('socketpair: two that are connected to each other', () => {
  for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
    const [a, b] = kept(...socketpair(AF_UNIX, type));
    expect([a.family, a.type, a.proto, b.type, b.proto]).toEqual([AF_UNIX, type, 0, type, 0]);
    a.sendall(Buffer.from('to b'));
    b.sendall(Buffer.from('to a'));
    expect([a.recv(9).toString(), b.recv(9).toString()]).toEqual(['to a', 'to b']);
  }
  expect(failure(() => socketpair(AF_INET))).toBe('ENOTSUP');
});

test('pipe: what is written at one end is read at the other', () => {
  const [readEnd, writeEnd] = pipe();
  const buffer = Buffer.alloc(9);
  writeSync(writeEnd, 'piped');
  expect(buffer.toString('utf8', 0, readSync(readEnd, buffer))).toBe('piped');
  closeSync(writeEnd);
  expect(readSync(readEnd, buffer)).toBe(0);
  closeSync(readEnd);
});

test('constants are those of Python’s socket module', () => {
  const ours = Object.fromEntries(Object.entries(module).filter(([, value]) => typeof value === 'number'));
  const theirs = python(
    'import socket\nresult = {name: getattr(socket, name, None) for name in args}',
    Object.keys(ours),
  );
  expect(ours).toEqual(theirs);
  expect(Object.keys(ours).length).toBeGreaterThan(40);
});
