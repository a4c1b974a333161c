/** Sockets against python3's own, in both roles, and what their calls answer. */
import { createHash } from 'node:crypto';
import { errno, select } from 'posix-select';
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  type Bytes,
  type BytesLike,
  createConnection,
  createServer,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_LINGER,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  Socket,
  socketpair,
} from 'posix-select/socket';
import { describe, expect, test } from 'vitest';
import { needs } from '../support/needs.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';
import {
  accept,
  drain,
  failure,
  fill,
  isReadable,
  kept,
  readable,
  tcp,
  temporaryPaths,
} from '../support/sockets.js';

const path = temporaryPaths();

const FAMILIES: [string, number, () => Address][] = [
  ['AF_INET', AF_INET, () => ['127.0.0.1', 0]],
  ['AF_INET6', AF_INET6, () => ['::1', 0]],
  ['AF_UNIX', AF_UNIX, path],
];

const RESET = Int32Array.of(1, 0);

describe.each(FAMILIES)('%s', (_, family, address) => {
  const test = needs(...(family === AF_INET6 ? (['IPv6 on loopback'] as const) : []));
  test('our server, a Python client', async () => {
    using server = createServer(address());
    expect(server.family).toBe(family);
    const to = server.getsockname();
    const client = new Python().run<[Address, Address, string]>(
      `
      s = socket.socket(args['family'])
      if args['mine']: s.bind(args['mine'])
      s.connect(address(args['to']))
      names = [s.getsockname(), s.getpeername()]
      s.sendall(b'from Python')
      s.shutdown(socket.SHUT_WR)
      result = [*names, rest(s)]`,
      { family, to, mine: family === AF_UNIX ? path() : null },
    );
    const [conn, from] = await accept(server);
    expect([conn.getpeername(), conn.getsockname()]).toEqual([from, to]);
    expect(await drain(conn)).toBe('from Python');
    let end = Buffer.alloc(1); // its type fits, too
    end = conn.recv(10);
    expect(end).toEqual(Buffer.alloc(0));
    conn.sendall(Buffer.from('from us'));
    conn.close();
    expect(await client).toEqual([from, to, 'from us']);
  });

  test('our client, a Python server', async () => {
    const server = new Python();
    const to = await server.run<Address>(
      `
      s = socket.socket(args['family'])
      s.bind(address(args['at']))
      s.listen()
      result = s.getsockname()`,
      { family, at: address() },
    );
    const who = server.run<Address>(`
      conn, result = s.accept()
      conn.sendall(rest(conn).upper().encode())
      conn.close()`);
    using client = new Socket(family);
    if (family === AF_UNIX) client.bind(path());
    expect(client.connect(to)).toBe(undefined);
    expect(client.getpeername()).toEqual(to);
    client.sendall(Buffer.from('from us'));
    client.shutdown(SHUT_WR);
    expect(await drain(client)).toBe('FROM US');
    expect(await who).toEqual(client.getsockname());
  });

  test('datagrams, to and from Python', async () => {
    using s = new Socket(family, SOCK_DGRAM);
    s.bind(address());
    const other = new Python();
    const at = await other.run<Address>(
      `
      s = socket.socket(args['family'], socket.SOCK_DGRAM)
      s.bind(address(args['mine']))
      for data in b'long', b'', b'ping', b'more': s.sendto(data, address(args['to']))
      result = s.getsockname()`,
      { family, mine: address(), to: s.getsockname() },
    );
    for (const [n, data] of [
      [2, 'lo'],
      [9, ''],
      [9, 'ping'],
    ] as const) {
      await readable(s);
      expect(s.recvfrom(n)).toEqual([Buffer.from(data), at]);
    }
    await readable(s);
    expect(s.recv(9)).toEqual(Buffer.from('more'));

    expect(s.sendto(Buffer.from('to'), at)).toBe(2);
    expect(s.sendto(Buffer.from('with flags'), 0, at)).toBe(10);
    expect(s.sendto(Buffer.alloc(0), at)).toBe(0);
    s.connect(at);
    expect(s.send(Buffer.from('connected'))).toBe(9);
    const heard = await other.run(`
      got = [s.recvfrom(100) for _ in range(4)]
      result = [[data.decode(), who] for data, who in got]`);
    expect(heard).toEqual(['to', 'with flags', '', 'connected'].map((data) => [data, s.getsockname()]));
  });
});

test('recvfrom of a stream, and of a sender without a name, has no address', () => {
  for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
    const [a, b] = kept(...socketpair(AF_UNIX, type));
    a.sendall(Buffer.from('hi'));
    expect(b.recvfrom(9)).toEqual([Buffer.from('hi'), null]);
  }
});

test('8 MiB in one sendall to a slow Python reader arrive as they were', async () => {
  const data = Buffer.alloc(8 << 20);
  for (let i = 0; i < data.length; i += 4) data.writeUInt32LE((i * 2654435761) >>> 0, i);
  const reader = new Python();
  using sock = createConnection(
    await reader.run<Address>('listener = listen(rcvbuf=8192); result = listener.getsockname()'),
  );
  const read = reader.run(`
    import hashlib
    conn = accept(listener)
    digest, n = hashlib.sha256(), 0
    while data := conn.recv(2000):
        digest.update(data)
        n += len(data)
    result = [n, digest.hexdigest()]`);
  sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 8192);
  sock.sendall(data);
  sock.shutdown(SHUT_WR);
  expect(await read).toEqual([data.length, createHash('sha256').update(data).digest('hex')]);
});

test('send takes what fits, then is EAGAIN, and no byte of it is lost', async () => {
  const [a, b] = tcp();
  a.setblocking(false);
  const data = Buffer.alloc(16 << 20, 'x');
  let sent = a.send(data);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(data.length);
  // The kernel moves bytes to b, whose buffer grows: for a while there may be room again.
  const sendMore = () => {
    sent += a.send(data);
  };
  expect(await until('send fails', () => [failure(sendMore)].find((code) => code !== 'none'))).toBe('EAGAIN');
  a.close();
  expect((await drain(b)).length).toBe(sent);
});

test('sendall where nothing fits is EAGAIN', () => {
  const [a] = kept(...socketpair());
  fill(a);
  expect(failure(() => a.sendall(Buffer.from('x')))).toBe('EAGAIN');
});

// Around 64 KiB, where a read gets a buffer of its own; both shorter and longer than what has come.
test.each([1, 10, 65_535, 65_536, 65_537, 200_000, 2 ** 30])('recv(%i)', async (n) => {
  const [a, b] = tcp();
  for (const s of [a, b]) for (const size of [SO_RCVBUF, SO_SNDBUF]) s.setsockopt(SOL_SOCKET, size, 1 << 20);
  const data = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251));
  a.sendall(data);
  await until('all has come', () => b.recv(data.length, MSG_PEEK).length === data.length);
  const all = b.recv(n);
  expect(all.equals(data.subarray(0, n))).toBe(true);
  await drain(b, data.length - all.length);
  a.sendall(Buffer.from('abc'));
  await readable(b);
  const few = b.recv(n);
  expect(few).toEqual(Buffer.from('abc').subarray(0, n));
  expect(all.equals(data.subarray(0, n)), 'the first answer is still what it was').toBe(true);
});

const answersOf = (size: number, letters: string) => {
  const [a, b] = kept(...socketpair());
  a.setsockopt(SOL_SOCKET, SO_SNDBUF, 1 << 20);
  return Array.from(letters, (letter) => {
    a.sendall(Buffer.alloc(size, letter));
    return b.recv(letter === 'a' ? 65_536 : 2 ** 20);
  });
};

test.each([10, 200, 4096, 20_000, 65_536])('each answer of recv stays what it is (%i bytes)', (size) => {
  const answers = answersOf(size, 'abab');
  for (const [i, answer] of answers.entries()) expect(answer).toEqual(Buffer.alloc(size, 'abab'[i]));
});

test.each(
  [0.5, 0.6, 1, 3].map((pools) => Math.ceil(pools * Buffer.poolSize)).filter((size) => size <= 65_536),
)('from half of the pool on an answer of recv has memory of its own (%i bytes)', (size) => {
  const [first, second] = answersOf(size, 'ab') as [Bytes, Bytes];
  expect([first, second].map(({ buffer }) => buffer.byteLength)).toEqual([size, size]);
  // Nothing of another connection goes with it to another thread, and the others stay.
  const [moved] = structuredClone([first], { transfer: [first.buffer as ArrayBuffer] });
  expect(Buffer.from(moved as Bytes)).toEqual(Buffer.alloc(size, 'a'));
  expect([first.length, second.length]).toEqual([0, size]);
});

test('recv(0) does not wait, as in Python', () => {
  for (const [a] of [tcp(), kept(...socketpair())]) {
    a.setsockopt(SOL_SOCKET, SO_RCVTIMEO, BigInt64Array.of(0n, 1000n)); // or the test would wait for ever
    expect(a.recv(0)).toEqual(Buffer.alloc(0));
    expect(a.recvInto(new Uint8Array(0))).toBe(0);
  }
});

const VIEWS: [string, (memory: ArrayBuffer) => BytesLike, start: number, end: number][] = [
  ['a Uint8Array', (memory) => new Uint8Array(memory), 0, 16],
  ['an ArrayBuffer', (memory) => memory, 0, 16],
  ['a subarray', (memory) => Buffer.from(memory).subarray(3, 8), 3, 8],
  ['a DataView', (memory) => new DataView(memory, 5, 4), 5, 9],
  ['a Float64Array', (memory) => new Float64Array(memory, 8), 8, 16],
  ['an empty one', (memory) => new Uint8Array(memory, 4, 0), 4, 4],
];

test.each(VIEWS)('recvInto fills %s and nothing beside it', (_, view, start, end) => {
  const [a, b] = kept(...socketpair());
  const memory = new ArrayBuffer(16);
  a.sendall(Buffer.alloc(16, 'x'));
  expect(b.recvInto(view(memory))).toBe(end - start);
  const filled = Array.from(new Uint8Array(memory), (byte, i) => (byte === 120 ? i : -1));
  expect(filled.filter((i) => i >= 0)).toEqual(Array.from({ length: end - start }, (_, i) => start + i));
});

test.each(VIEWS)('send takes %s', (_, view, start, end) => {
  const [a, b] = kept(...socketpair(AF_UNIX, SOCK_DGRAM));
  const memory = Uint8Array.from({ length: 16 }, (_, i) => i).buffer;
  expect(a.send(view(memory))).toBe(end - start);
  expect(b.recv(99)).toEqual(Buffer.from(memory.slice(start, end)));
});

test('shared memory is sent and filled', () => {
  const [a, b] = kept(...socketpair());
  const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
  a.sendall(shared);
  expect(b.recvInto(shared.subarray(2))).toBe(2);
  expect([...shared, ...b.recv(9)]).toEqual([7, 7, 7, 7, 7, 7]);
});

test('recvInto with a number takes no more; 0 at the end', () => {
  const [a, b] = kept(...socketpair());
  const buffer = Buffer.alloc(4, '.');
  a.sendall(Buffer.from('abcd'));
  expect([b.recvInto(buffer, 3), buffer.toString()]).toEqual([3, 'abc.']);
  expect([b.recvInto(buffer, 4, MSG_PEEK), buffer.toString()]).toEqual([1, 'dbc.']);
  expect(b.recvInto(buffer)).toBe(1);
  a.close();
  expect(b.recvInto(buffer)).toBe(0);
});

test('an empty sendall is one send, as in Python: a datagram without bytes', () => {
  const [a, b] = kept(...socketpair(AF_UNIX, SOCK_DGRAM));
  a.sendall(Buffer.alloc(0));
  expect(isReadable(b)).toBe(true);
});

test('MSG_PEEK leaves the bytes; MSG_DONTWAIT does not wait', () => {
  const [a, b] = kept(...socketpair());
  expect(failure(() => b.recv(1, MSG_DONTWAIT))).toBe('EAGAIN');
  expect(failure(() => b.recvfrom(1, MSG_DONTWAIT))).toBe('EAGAIN');
  a.sendall(Buffer.from('ab'), MSG_DONTWAIT);
  expect(b.recv(1, MSG_PEEK).toString() + b.recv(2)).toBe('aab');
  expect(failure(() => a.sendall(Buffer.alloc(16 << 20), MSG_DONTWAIT))).toBe('EAGAIN');
  expect(b.getblocking()).toBe(true);
});

test('MSG_TRUNC does not bring bytes of another socket to light', () => {
  const [secret, reader] = kept(...socketpair());
  secret.sendall(Buffer.from('secret secret'));
  reader.recv(100);
  const [a, b] = kept(...socketpair(AF_UNIX, SOCK_DGRAM));
  a.sendall(Buffer.from('0123456789'));
  a.sendall(Buffer.from('0123456789'));
  expect(b.recv(4, MSG_TRUNC).toString()).toBe('0123');
  expect(b.recvfrom(4, MSG_TRUNC)[0].toString()).toBe('0123');
});

test('MSG_OOB: urgent bytes of a Python peer, and for one', async () => {
  using server = createServer(['127.0.0.1', 0]);
  const client = new Python().run(
    `
    s = socket.create_connection(args)
    s.sendall(b'ab')
    s.send(b'!', socket.MSG_OOB)
    select.select([], [], [s])
    result = [s.recv(1, socket.MSG_OOB).decode(), s.recv(9).decode()]`,
    server.getsockname(),
  );
  const [conn] = await accept(server);
  await until('urgent', () => select([], [], [conn], 0)[2].length);
  expect(conn.recv(1, MSG_OOB).toString()).toBe('!');
  expect(await drain(conn, 2)).toBe('ab');
  conn.sendall(Buffer.from('cd'));
  conn.sendall(Buffer.from('?'), MSG_OOB);
  expect(await client).toEqual(['?', 'cd']);
});

test('SO_LINGER of 0 seconds resets the connection, ours and the peer’s', async () => {
  using server = createServer(['127.0.0.1', 0]);
  const client = new Python();
  await client.run(
    'first, second = [socket.create_connection(args) for _ in range(2)]',
    server.getsockname(),
  );
  const [first] = await accept(server);
  const [second] = await accept(server);
  first.setsockopt(SOL_SOCKET, SO_LINGER, RESET);
  first.close();
  const errnoOf = 'try: first.recv(1)\nexcept ConnectionResetError as e: result = e.errno';
  expect(await client.run(errnoOf)).toBe(errno.ECONNRESET);
  await client.run('reset(second)');
  await readable(second);
  expect(failure(() => second.recv(1))).toBe('ECONNRESET');
  expect(failure(() => second.getpeername())).toBe('ENOTCONN');
  expect(second.recv(1).length).toBe(0);
});

test('shutdown: each direction ends by itself', () => {
  const [a, b] = kept(...socketpair());
  b.sendall(Buffer.from('left'));
  a.shutdown(SHUT_WR);
  expect([b.recv(1).length, a.recv(9).toString()]).toEqual([0, 'left']);
  expect(failure(() => a.send(Buffer.from('x')))).toBe('EPIPE');
  a.shutdown(SHUT_RD);
  expect(a.recv(1).length).toBe(0);
  b.shutdown(SHUT_RDWR);
  expect([failure(() => b.send(Buffer.from('x'))), b.recv(1).length]).toEqual(['EPIPE', 0]);
});
