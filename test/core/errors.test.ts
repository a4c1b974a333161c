/** OSError, errno and strerror: what they say and carry, in Python's and Node's words. */
import { getSystemErrorMap, getSystemErrorName } from 'node:util';
import { errno, OSError, socket, strerror } from 'posix-select';
import { AF_INET6, createConnection, createServer, SOCK_DGRAM, Socket } from 'posix-select/socket';
import { expect, test } from 'vitest';
import { eachAddress, needs } from '../support/needs.js';
import { python } from '../support/python.js';
import { kept, tcp, temporaryPaths } from '../support/sockets.js';

const path = temporaryPaths();
const refused = strerror(errno.ECONNREFUSED);

function thrown(call: () => unknown): OSError {
  try {
    call();
  } catch (err) {
    return err as OSError;
  }
  throw new Error('nothing was thrown');
}

/** A port that is bound and at which nobody listens, in a family. */
function deafPort(host: string): number {
  const [s] = kept(new Socket(host.includes(':') ? AF_INET6 : socket.AF_INET));
  s.bind([host, 0]);
  return s.getsockname()[1] as number;
}

interface Case {
  call: () => unknown;
  message: string;
  fields: object;
}

const CASES: Record<string, () => Case> = {
  'an IPv4 address': () => {
    const port = deafPort('127.0.0.1');
    return {
      call: () => createConnection(['127.0.0.1', port]),
      message: `connect 127.0.0.1:${port}: ${refused} (ECONNREFUSED)`,
      fields: {
        code: 'ECONNREFUSED',
        errno: -errno.ECONNREFUSED,
        syscall: 'connect',
        address: '127.0.0.1',
        port,
      },
    };
  },
  'an IPv6 address, in brackets': () => {
    const port = deafPort('::1');
    return {
      call: () => kept(new Socket(AF_INET6))[0].connect(['::1', port]),
      message: `connect [::1]:${port}: ${refused} (ECONNREFUSED)`,
      fields: { code: 'ECONNREFUSED', errno: -errno.ECONNREFUSED, syscall: 'connect', address: '::1', port },
    };
  },
  'a name, as it was given': () => {
    const port = deafPort('127.0.0.1');
    return {
      call: () => kept(new Socket())[0].connect(['localhost', port]),
      message: `connect localhost:${port}: ${refused} (ECONNREFUSED)`,
      fields: {
        code: 'ECONNREFUSED',
        errno: -errno.ECONNREFUSED,
        syscall: 'connect',
        address: 'localhost',
        port,
      },
    };
  },
  'a path': () => {
    const address = path();
    kept(createServer(address));
    return {
      call: () => createServer(address),
      message: `bind ${address}: ${strerror(errno.EADDRINUSE)} (EADDRINUSE)`,
      fields: { code: 'EADDRINUSE', errno: -errno.EADDRINUSE, syscall: 'bind', address },
    };
  },
  'an abstract name, with @': () => {
    const address = `\0no one ${process.pid}`;
    return {
      call: () => createConnection(address),
      message: `connect @no one ${process.pid}: ${refused} (ECONNREFUSED)`,
      fields: { code: 'ECONNREFUSED', errno: -errno.ECONNREFUSED, syscall: 'connect', address },
    };
  },
  'a datagram’s address': () => {
    const [s] = kept(new Socket(socket.AF_INET, SOCK_DGRAM));
    return {
      call: () => s.sendto(Buffer.alloc(70_000), ['127.0.0.1', 9]),
      message: `sendto 127.0.0.1:9: ${strerror(errno.EMSGSIZE)} (EMSGSIZE)`,
      fields: { code: 'EMSGSIZE', errno: -errno.EMSGSIZE, syscall: 'sendto', address: '127.0.0.1', port: 9 },
    };
  },
  'a descriptor': () => {
    const [a] = tcp();
    a.setblocking(false);
    const fd = a.fileno();
    return {
      call: () => a.recv(1),
      message: `recv fd ${fd}: ${strerror(errno.EAGAIN)} (EAGAIN)`,
      fields: { code: 'EAGAIN', errno: -errno.EAGAIN, syscall: 'recv', fd },
    };
  },
  'nothing in particular': () => ({
    call: () => new Socket(9999),
    message: `socket: ${strerror(errno.EAFNOSUPPORT)} (EAFNOSUPPORT)`,
    fields: { code: 'EAFNOSUPPORT', errno: -errno.EAFNOSUPPORT, syscall: 'socket' },
  }),
};

eachAddress(Object.entries(CASES))('of %s', (_, prepare) => {
  const { call, message, fields } = prepare();
  const err = thrown(call);
  expect(err.message).toBe(message);
  expect(err).toMatchObject(fields);
  expect([err instanceof OSError, err instanceof Error, err.name]).toEqual([true, true, 'OSError']);
  expect(err.stack).toContain(`OSError: ${message}\n    at `);
  expect(getSystemErrorName(err.errno)).toBe(err.code);
});

needs('IPv6 on loopback')('it has no fields that do not apply', () => {
  const names = ['code', 'errno', 'syscall', 'address', 'port', 'fd'];
  const cases = Object.entries(CASES).map(([of, prepare]) => ({ of, ...prepare() }));
  const has = cases.map(({ of, call }) => [of, ...names.filter((name) => name in thrown(call))]);
  expect(has).toEqual(cases.map(({ of, fields }) => [of, ...names.filter((name) => name in fields)]));
});

test('an unknown host is an error that says so', () => {
  const err = thrown(() => createConnection(['no such host', 80]));
  expect(err).toBeInstanceOf(OSError);
  expect(err.message).toMatch(/^getaddrinfo no such host: \w.+ \((EAI_\w+)\)$/);
  expect(err.message).toContain(`(${err.code})`);
  expect(err.syscall).toBe('getaddrinfo');
  expect(getSystemErrorName(err.errno)).toBe(err.code);
});

test('errno: the numbers of Python’s errno module', () => {
  const theirs = python<Record<string, number>>(
    'import errno\nresult = {n: v for n, v in vars(errno).items() if n.startswith("E")}',
  );
  const common = Object.keys(theirs).filter((name) => name in errno);
  expect(common.length).toBeGreaterThan(70);
  const pick = (of: object) => common.map((name) => [name, of[name as keyof object]]);
  expect(pick(errno)).toEqual(pick(theirs));
  expect(Object.isFrozen(errno)).toBe(true);
});

test('strerror: Python’s os.strerror, for every number', () => {
  const numbers = Array.from({ length: 200 }, (_, i) => i).concat(99_999);
  const theirs = python<string[]>('import os\nresult = [os.strerror(n) for n in args]', numbers);
  expect(numbers.map((n) => strerror(n))).toEqual(theirs);
  expect(numbers.map((n) => strerror(-n))).toEqual(theirs);
});

test('strerror of what is no number is a TypeError or RangeError', () => {
  const values = [
    undefined,
    null,
    NaN,
    1.5,
    Infinity,
    2 ** 31,
    2 ** 53,
    '1',
    {},
    [],
    [1],
    true,
    1n,
    Symbol('s'),
    new Date(0),
  ];
  const taken = values.filter((value) => {
    try {
      strerror(value as never);
      return true;
    } catch (err) {
      return !(err instanceof TypeError || err instanceof RangeError);
    }
  });
  expect(taken).toEqual([]);
});

test('every number has the code that Node.js and Python know it by', () => {
  const theirs = python<Record<string, string>>('import errno\nresult = errno.errorcode');
  const known = new Map([...getSystemErrorMap()].map(([number, [code]]) => [-number, code]));
  const numbers = Object.keys(theirs).map(Number);
  const codes = new Map(numbers.map((n) => [n, new OSError(n, 'call').code]));
  const common = numbers.filter((n) => known.has(n));
  expect(common.length).toBeGreaterThan(50);
  expect(common.map((n) => codes.get(n))).toEqual(common.map((n) => known.get(n)));
  const others = numbers.filter((n) => !known.has(n) && (theirs[n] as string) in errno);
  expect(others.map((n) => errno[codes.get(n) as keyof typeof errno])).toEqual(others);
});

test('a number of either sign is the same error', () => {
  const subject = { address: ['::1', 80, 0, 0] as socket.Address };
  for (const n of [errno.EPIPE, -errno.EPIPE]) {
    const err = new OSError(n, 'connect', subject);
    expect(err.message).toBe(`connect [::1]:80: ${strerror(errno.EPIPE)} (EPIPE)`);
    expect([err.code, err.errno]).toEqual(['EPIPE', -errno.EPIPE]);
  }
  expect(new OSError(errno.EPIPE, 'write', 'stdout').message).toBe('write stdout: Broken pipe (EPIPE)');
});
