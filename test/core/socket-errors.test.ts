/** Wrong use is TypeError, RangeError or OSError, whatever a method is given, and never a crash. */
import { mkdirSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { errno } from 'posix-select';
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createConnection,
  createServer,
  getaddrinfo,
  gethostbyname,
  IPPROTO_UDP,
  inetPton,
  SHUT_WR,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  Socket,
  socketpair,
} from 'posix-select/socket';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSockets } from '../support/proc.js';
import { python } from '../support/python.js';
import { failure, isReadable, kept, tcp, temporaryPaths } from '../support/sockets.js';

const path = temporaryPaths();
const LOOPBACK: Address = ['127.0.0.1', 0];
const X = Buffer.from('x');

function detached(): ArrayBuffer {
  const memory = new ArrayBuffer(8);
  structuredClone(memory, { transfer: [memory] });
  return memory;
}

const OTHERS = {
  '"1"': '1',
  '{}': {},
  '[]': [],
  '[1]': [1],
  'a function': () => 1,
  'a Symbol': Symbol('s'),
  '1n': 1n,
  true: true,
  'a boxed 1': Object(1),
  'an object without prototype': Object.create(null),
  'an object with valueOf': { valueOf: () => 1 },
  'a Date': new Date(0),
};
const NOT_INTS = { ...OTHERS, null: null, NaN: NaN, '1.5': 1.5, Infinity: Infinity, '-Infinity': -Infinity };
const TOO_LARGE = {
  '2**31': 2 ** 31,
  '2**53': 2 ** 53,
  MAX_VALUE: Number.MAX_VALUE,
  '-2**31-1': -(2 ** 31) - 1,
};
const NO_INTS: Record<string, unknown> = { ...NOT_INTS, ...TOO_LARGE };
const NO_SIZES: Record<string, unknown> = { ...NO_INTS, undefined: undefined, '-1': -1 };
const NO_BYTES: Record<string, unknown> = {
  ...OTHERS,
  null: null,
  undefined: undefined,
  '1': 1,
  NaN: NaN,
  'a SharedArrayBuffer': new SharedArrayBuffer(1),
  'what only looks like a Uint8Array': Object.create(Uint8Array.prototype),
  'a Proxy of a Uint8Array': new Proxy(new Uint8Array(1), {}),
  'a detached ArrayBuffer': detached(),
  'an ArrayBuffer of another realm': runInNewContext('new ArrayBuffer(1)'),
};
const NO_ADDRESSES: Record<string, unknown> = {
  ...OTHERS,
  null: null,
  undefined: undefined,
  'a number': 80,
  'a host without port': ['127.0.0.1'],
  'a port as text': ['127.0.0.1', '80'],
  'port 1.5': ['127.0.0.1', 1.5],
  'port NaN': ['127.0.0.1', NaN],
  'port null': ['127.0.0.1', null],
  'port -1': ['127.0.0.1', -1],
  'port 65536': ['127.0.0.1', 65536],
  'port 2**53': ['127.0.0.1', 2 ** 53],
  'port 1n': ['127.0.0.1', 1n],
  'host null': [null, 80],
  'host undefined': [undefined, 80],
  'host 0': [0, 80],
  'host 127': [127, 80],
  'host []': [[], 80],
  'a Symbol as host': [Symbol('s'), 80],
  'host and port swapped': [80, '127.0.0.1'],
  'an object with host and port': { host: '127.0.0.1', port: 80 },
  'an array-like object': { 0: '127.0.0.1', 1: 80, length: 2 },
  'an iterable': new Map([['127.0.0.1', 80]]),
};
const NO_INET: Record<string, unknown> = { ...NO_ADDRESSES, 'a path': '/tmp/x' };
const NO_INET6: Record<string, unknown> = {
  ...NO_INET,
  'flowinfo -1': ['::1', 80, -1, 0],
  'flowinfo "x"': ['::1', 80, 'x', 0],
  'flowinfo null': ['::1', 80, null, 0],
  'flowinfo 2**20': ['::1', 80, 2 ** 20, 0],
  'scopeId -1': ['::1', 80, 0, -1],
  'scopeId 1.5': ['::1', 80, 0, 1.5],
  'scopeId 2**32': ['::1', 80, 0, 2 ** 32],
  'flowinfo and scopeId': ['::1', 80, 'x', {}],
};
const NO_PATH: Record<string, unknown> = {
  ...NO_ADDRESSES,
  'a host and port': ['127.0.0.1', 80],
};
delete NO_PATH['"1"'];
const without = (values: Record<string, unknown>, ...names: string[]) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));

type Call = (value: never) => unknown;
let a: Socket;
let b: Socket;
let udp: Socket;
let inet: Socket;
let inet6: Socket;
let unix: Socket;

const CALLS: [string, Call, Record<string, unknown>][] = [
  ['new Socket(family)', (v) => new Socket(v), NO_INTS],
  ['new Socket(, type)', (v) => new Socket(AF_INET, v), NO_INTS],
  ['new Socket(,, proto)', (v) => new Socket(AF_INET, SOCK_STREAM, v), NO_INTS],
  [
    'new Socket(,,, fileno)',
    (v) => new Socket(AF_INET, SOCK_STREAM, 0, v),
    without({ ...NO_INTS, '-1': -1 }, 'null'),
  ],
  ['bind', (v) => inet.bind(v), NO_INET],
  ['bind on IPv6', (v) => inet6.bind(v), NO_INET6],
  ['bind on AF_UNIX', (v) => unix.bind(v), NO_PATH],
  ['connect', (v) => inet.connect(v), NO_INET],
  ['connect on IPv6', (v) => inet6.connect(v), NO_INET6],
  ['connect on AF_UNIX', (v) => unix.connect(v), NO_PATH],
  ['connectEx', (v) => inet.connectEx(v), NO_INET],
  ['connectEx on IPv6', (v) => inet6.connectEx(v), NO_INET6],
  ['connectEx on AF_UNIX', (v) => unix.connectEx(v), NO_PATH],
  ['listen', (v) => inet.listen(v), NO_INTS],
  ['recv', (v) => a.recv(v), NO_SIZES],
  ['recv flags', (v) => a.recv(1, v), NO_INTS],
  ['recvInto', (v) => a.recvInto(v), NO_BYTES],
  [
    'recvInto n',
    (v) => a.recvInto(Buffer.alloc(4), v),
    without({ ...NO_SIZES, '5': 5 }, 'null', 'undefined'),
  ],
  ['recvInto flags', (v) => a.recvInto(Buffer.alloc(4), 4, v), NO_INTS],
  ['recvfrom', (v) => a.recvfrom(v), NO_SIZES],
  ['recvfrom flags', (v) => a.recvfrom(1, v), NO_INTS],
  ['send', (v) => a.send(v), NO_BYTES],
  ['send flags', (v) => a.send(X, v), NO_INTS],
  ['sendall', (v) => a.sendall(v), NO_BYTES],
  ['sendall flags', (v) => a.sendall(X, v), NO_INTS],
  ['sendto', (v) => udp.sendto(v, udp.getsockname()), NO_BYTES],
  ['sendto an address', (v) => udp.sendto(X, v), NO_INET],
  ['sendto flags', (v) => udp.sendto(X, v, udp.getsockname()), { ...NO_INTS, undefined: undefined }],
  ['sendto flags and an address', (v) => udp.sendto(X, 0, v), NO_INET],
  ['shutdown', (v) => a.shutdown(v), { ...NO_INTS, undefined: undefined }],
  ['getsockopt level', (v) => a.getsockopt(v, SO_KEEPALIVE), { ...NO_INTS, undefined: undefined }],
  ['getsockopt', (v) => a.getsockopt(SOL_SOCKET, v), { ...NO_INTS, undefined: undefined }],
  [
    'getsockopt size',
    (v) => a.getsockopt(SOL_SOCKET, SO_LINGER, v),
    without({ ...NO_INTS, '-1': -1 }, '2**31'),
  ],
  ['setsockopt level', (v) => a.setsockopt(v, SO_KEEPALIVE, 1), { ...NO_INTS, undefined: undefined }],
  ['setsockopt', (v) => a.setsockopt(SOL_SOCKET, v, 1), { ...NO_INTS, undefined: undefined }],
  [
    'setsockopt value',
    (v) => a.setsockopt(SOL_SOCKET, SO_KEEPALIVE, v),
    without({ ...NO_INTS, ...NO_BYTES }, 'true', '1'),
  ],
  ['socketpair(family)', (v) => socketpair(v), NO_INTS],
  ['socketpair(, type)', (v) => socketpair(AF_UNIX, v), NO_INTS],
  ['socketpair(,, proto)', (v) => socketpair(AF_UNIX, SOCK_STREAM, v), NO_INTS],
  ['createServer', (v) => createServer(v), without(NO_ADDRESSES, '"1"')],
  ['createServer options', (v) => createServer(LOOPBACK, v), { null: null }],
  ['createServer family', (v) => createServer(LOOPBACK, { family: v }), { ...NO_INTS, AF_UNIX }],
  ['createServer backlog', (v) => createServer(LOOPBACK, { backlog: v }), NO_INTS],
  ['createConnection', (v) => createConnection(v), without(NO_ADDRESSES, '"1"')],
];

/** What becomes of wrong use. */
function outcome(call: () => unknown): unknown {
  try {
    const made = call();
    if (made instanceof Socket) made.detach();
    return 'taken';
  } catch (err) {
    const refused = err instanceof TypeError || err instanceof RangeError;
    return refused && err.message !== '' ? 'refused' : err;
  }
}

describe('a wrong value is a TypeError or RangeError', () => {
  beforeAll(() => {
    [a, b] = socketpair();
    udp = new Socket(AF_INET, SOCK_DGRAM);
    udp.bind(LOOPBACK);
    [inet, inet6, unix] = [new Socket(), new Socket(AF_INET6), new Socket(AF_UNIX)];
    // Who does take a wrong value must not wait for it.
    for (const s of [a, inet, inet6, unix, udp]) s.setblocking(false);
  });
  afterAll(() => {
    for (const s of [a, b, udp, inet, inet6, unix]) s.close();
  });

  test.each(CALLS)('%s', (_, call, values) => {
    const before = openSockets();
    const outcomes = Object.entries(values).map(([name, value]) => [
      name,
      outcome(() => call(value as never)),
    ]);
    expect(outcomes.filter(([, outcome]) => outcome !== 'refused')).toEqual([]);
    expect(openSockets(), 'open descriptors').toBe(before);
  });
});

const made = (...args: ConstructorParameters<typeof Socket>) => kept(new Socket(...args))[0];

const MESSAGES: [string, () => unknown][] = [
  ['family must be an integer', () => made('AF_INET' as never)],
  ['not a string: Buffer.from(text) makes bytes of it', () => made().send('text' as never)],
  ['the number of bytes cannot be negative (-1)', () => made().recv(-1)],
  ['the number of bytes must be an integer', () => made().recv('9' as never)],
  ["address must be [host, port], not '127.0.0.1'", () => made().bind('127.0.0.1')],
  ["port must be an integer, not '80'", () => made().bind(['127.0.0.1', '80' as never])],
  ['port must be 0-65535 (70000)', () => made().bind(['127.0.0.1', 70_000])],
  ['host must be a string, not null', () => made().bind([null as never, 80])],
  ["address must be a path, not ['::1', 80]", () => made(AF_UNIX).bind(['::1', 80])],
  ['path too long: 200 bytes, at most 107', () => made(AF_UNIX).bind('x'.repeat(200))],
  ['not null', () => createServer(null as never)],
  ['not 80', () => createConnection(80 as never)],
];

test.each(MESSAGES)('the message says: %s', (message, call) => {
  expect(call).toThrow(message);
});

const CODES: [string, string, () => unknown][] = [
  ['an unknown family', 'EAFNOSUPPORT', () => new Socket(9999)],
  ['an unknown type', 'EINVAL', () => new Socket(AF_INET, 99)],
  ['a protocol of another type', 'EPROTONOSUPPORT', () => new Socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)],
  ['accept of a socket that does not listen', 'EINVAL', () => made().accept()],
  ['listen of a datagram socket', 'ENOTSUP', () => made(AF_INET, SOCK_DGRAM).listen()],
  ['a second bind', 'EINVAL', () => kept(createServer(LOOPBACK))[0].bind(LOOPBACK)],
  ['a second connect', 'EISCONN', () => tcp().reduce((s, t) => s.connect(t.getsockname()) as never)],
  ['recv without a connection', 'ENOTCONN', () => made().recv(1)],
  ['getpeername without a connection', 'ENOTCONN', () => made().getpeername()],
  ['shutdown without a connection', 'ENOTCONN', () => made().shutdown(SHUT_WR)],
  ['send without an address', 'EDESTADDRREQ', () => made(AF_INET, SOCK_DGRAM).send(X)],
  [
    'a datagram that is too long',
    'EMSGSIZE',
    () => made(AF_INET, SOCK_DGRAM).sendto(Buffer.alloc(70_000), ['127.0.0.1', 9]),
  ],
  ['no such path', 'ENOENT', () => made(AF_UNIX).connect(path())],
  ['shutdown(99)', 'EINVAL', () => tcp()[0].shutdown(99)],
  ['an IPv4 host on IPv6', 'EAI_ADDRFAMILY', () => made(AF_INET6).bind(LOOPBACK)],
  ['an IPv6 host on IPv4', 'EAI_ADDRFAMILY', () => made().bind(['::1', 0])],
  ['a scope that does not exist', 'EAI_NONAME', () => made(AF_INET6).bind(['fe80::1%no-such', 0])],
];

test.each(CODES)('%s is %s', (_, code, call) => {
  expect(failure(call)).toBe(code);
});

test('every call on a closed socket is EBADF', () => {
  const closed = new Socket();
  closed.close();
  const calls: Record<string, () => unknown> = {
    accept: () => closed.accept(),
    bind: () => closed.bind(LOOPBACK),
    listen: () => closed.listen(),
    connect: () => closed.connect(LOOPBACK),
    recv: () => closed.recv(1),
    recvInto: () => closed.recvInto(Buffer.alloc(1)),
    recvfrom: () => closed.recvfrom(1),
    send: () => closed.send(X),
    sendall: () => closed.sendall(X),
    'sendall of nothing': () => closed.sendall(Buffer.alloc(0)),
    sendto: () => closed.sendto(X, LOOPBACK),
    shutdown: () => closed.shutdown(SHUT_WR),
    getpeername: () => closed.getpeername(),
    getsockname: () => closed.getsockname(),
    getsockopt: () => closed.getsockopt(SOL_SOCKET, SO_KEEPALIVE),
    setsockopt: () => closed.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1),
    setblocking: () => closed.setblocking(true),
    getblocking: () => closed.getblocking(),
    'new Socket(,,, fileno)': () => new Socket(AF_INET, SOCK_STREAM, 0, 1_000_000),
  };
  const codes = Object.entries(calls).map(([name, call]) => [name, failure(call)]);
  expect(codes.filter(([, code]) => code !== 'EBADF')).toEqual([]);
  expect(closed.connectEx(LOOPBACK)).toBe(errno.EBADF);
});

test('AF_UNIX: what fits is bound, one byte more is a RangeError, counted in bytes', () => {
  const folder = path();
  mkdirSync(folder);
  const longest = `${folder}/${'x'.repeat(107 - folder.length - 1)}`;
  for (const address of [longest, `\0${process.pid} `.padEnd(108, 'x')]) {
    const [s, t, u] = kept(new Socket(AF_UNIX), new Socket(AF_UNIX), new Socket(AF_UNIX));
    s.bind(address);
    expect(s.getsockname()).toBe(address);
    expect(() => t.bind(`${address}x`)).toThrow(RangeError);
    expect(() => t.connectEx(`${address}x`)).toThrow(RangeError);
    expect(() => u.bind(`${address.slice(0, -1)}é`)).toThrow(RangeError);
  }
});

test('an unknown host is an error that names it, with the reason that Python has', () => {
  // Names that are refused without asking a name server.
  for (const host of ['no such host', 'a\tb', 'a..b', 'bücher', 'x'.repeat(70), '[::1]']) {
    const calls = [
      () => made().connect([host, 80]),
      () => made().connectEx([host, 80]),
      () => made().bind([host, 0]),
      () => made(AF_INET, SOCK_DGRAM).sendto(X, [host, 9]),
      () => createConnection([host, 80]),
      () => createServer([host, 0]),
    ];
    for (const call of calls) {
      expect(failure(call)).toMatch(/^EAI_/);
      expect(call).toThrow(`getaddrinfo ${host}: `);
    }
  }
  const theirs = python<string>(
    'import socket\ntry: socket.socket().connect(("no such host", 80))\nexcept socket.gaierror as e: result = e.strerror',
  );
  expect(() => createConnection(['no such host', 80])).toThrow(`getaddrinfo no such host: ${theirs} (EAI_`);
});

test('a host with a NUL in it is refused, not cut short', () => {
  const host = '127.0.0.1\0.example';
  const calls = [
    () => made().bind([host, 0]),
    () => made().connectEx([host, 9]),
    () => made(AF_INET, SOCK_DGRAM).sendto(X, [host, 9]),
    () => kept(createServer([host, 0])),
    () => kept(createConnection([host, 9])),
    () => getaddrinfo(host, 9),
    () => getaddrinfo('127.0.0.1', '9\0'),
    () => gethostbyname(host),
    () => inetPton(AF_INET, host),
  ];
  expect(calls.map(outcome)).toEqual(calls.map(() => 'refused'));
});

test('a view of a detached ArrayBuffer gets no byte and loses none', () => {
  const [a, b] = kept(...socketpair());
  const memory = new ArrayBuffer(8);
  const view = new Uint8Array(memory);
  structuredClone(memory, { transfer: [memory] });
  b.sendall(X);
  try {
    expect(a.recvInto(view)).toBe(0);
    expect(a.send(view)).toBe(0);
  } catch (err) {
    expect(err).toBeInstanceOf(TypeError);
  }
  expect(a.recv(9)).toEqual(X);
  expect(isReadable(b)).toBe(false);
});

test('methods without their socket, and the class without new', () => {
  expect(() => (Socket as unknown as () => void)()).toThrow(TypeError);
  const names = Object.getOwnPropertyNames(Socket.prototype).filter((name) => name !== 'constructor');
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) {
    const method = Socket.prototype[name as keyof Socket] as unknown as (...args: unknown[]) => void;
    expect(() => method.call({ family: AF_INET }, X, LOOPBACK)).toThrow(TypeError);
  }
});
