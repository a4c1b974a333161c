import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errno, FD_SETSIZE, OSError, select, strerror, type Waitable } from 'posix-select';
import { createServer, type Socket } from 'posix-select/socket';
import { expect, test } from 'vitest';
import { Process, until } from '../support/process.js';
import { Python } from '../support/python.js';
import { closedFd, pair, readEnd } from '../support/sockets.js';
import { Waiter } from '../support/waiter.js';

/** select() as JavaScript may call it. */
const untyped = select as (...args: unknown[]) => unknown;

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (err) {
    return err;
  }
  throw new Error('nothing was thrown');
}

/** What the call throws, as `TypeError: timeout must be a number or null`. */
function error(...args: unknown[]): string {
  const err = thrown(() => untyped(...args)) as Error;
  return `${err.constructor.name}: ${err.message}`;
}

/** The arguments with `list` as the rlist, wlist or xlist. */
const inPlace = (place: number, list: unknown) => [0, 1, 2].map((i) => (i === place ? list : []));

const TIMEOUT = 'TypeError: timeout must be a number or null';
const SEQUENCE = 'TypeError: arguments 1-3 must be sequences';
const ELEMENT = 'TypeError: argument must be an int, or have a fileno() method';
const NON_INTEGER = 'TypeError: fileno() returned a non-integer';
const BEYOND = 'RangeError: filedescriptor out of range in select()';
const negative = (fd: number, place = 0) =>
  `RangeError: file descriptor cannot be a negative integer (${fd}): a closed socket in ${['rlist', 'wlist', 'xlist'][place]}?`;

test.each(['1', true, 1n, {}, [], Symbol('1'), new Number(1), () => 1])(
  'a timeout that is no number: %o',
  (timeout) => {
    expect(error([], [], [], timeout)).toBe(TIMEOUT);
  },
);

test.each([-1, -1e-9, -Infinity, Number.NaN, Infinity, 1e300, 2 ** 63])(
  'a timeout out of range: %d',
  (timeout) => {
    expect(error([], [], [], timeout)).toMatch(/^RangeError: timeout /);
    expect(error([], [], [], timeout)).toContain(`(${timeout})`);
  },
);

test.each([0, 1, 2])('a wrong list in place %d', (place) => {
  for (const list of [null, undefined, true, {}, { length: 0 }, () => []])
    expect(error(...inPlace(place, list))).toBe(`${SEQUENCE}, not ${list}: [] is an empty one`);
  for (const one of [5, { fileno: () => thrown(() => 'is not called') }])
    expect(error(...inPlace(place, one))).toBe(`${SEQUENCE}, not ${one}: [s] is a list of one`);
});

test.each([0, 1, 2])('a wrong element in place %d', (place) => {
  const socket = pair()[0];
  socket.close();
  const fileno = (result: unknown) => ({ fileno: () => result });
  const rows: [element: unknown, error: string][] = [
    ...['5', null, undefined, true, 5n, {}, [], 1.5, Number.NaN, Infinity, { fileno: 0 }].map(
      (element): [unknown, string] => [element, ELEMENT],
    ),
    ...['0', null, undefined, true, 0n, {}, 0.5, Number.NaN, Infinity].map((result): [unknown, string] => [
      fileno(result),
      NON_INTEGER,
    ]),
    [-1, negative(-1, place)],
    [-(2 ** 32), negative(-(2 ** 32), place)],
    [fileno(-2), negative(-2, place)],
    [socket, negative(-1, place)],
    [FD_SETSIZE, BEYOND],
    [2 ** 32, BEYOND],
    [fileno(FD_SETSIZE), BEYOND],
  ];
  for (const [element, expected] of rows) {
    for (const list of [[element], new Set([0, element])]) {
      expect(error(...inPlace(place, list), 0).slice(0, expected.length)).toBe(expected);
    }
  }
  expect(error(...inPlace(place, 'text'))).toBe(ELEMENT);
});

test('a descriptor from FD_SETSIZE on: the message says how to go beyond', () => {
  expect(error([FD_SETSIZE], [], [], 0)).toMatch(/\b1024\b.*\bFdSet\b.*\bEpollSelector\b/);
});

test.each([
  [[], 'TypeError: select expected at least 3 arguments, got 0'],
  [[5, -1], 'TypeError: select expected at least 3 arguments, got 2'],
  [[5, [], [], 'x', 0], 'TypeError: select expected at most 4 arguments, got 5'],
  [[5, 5, 5, 'x'], TIMEOUT],
  [[[-1], [], [], -1], 'RangeError: timeout must be non-negative (-1)'],
  [[5, [-1], [-1]], SEQUENCE],
  [[[-1], 5, 5], negative(-1)],
  [[[0, -2], ['x'], [-3]], negative(-2)],
  [[[], 5, [-1]], SEQUENCE],
  [[[], ['x'], 5], ELEMENT],
  [[[FD_SETSIZE - 1], [], 5], SEQUENCE],
])('checks number of arguments, timeout, rlist, wlist, xlist: %j', (args, expected) => {
  expect(error(...args).replace(/(sequences), not .*: \[s\] is a list of one$/, '$1')).toBe(expected);
});

test('calls no fileno() before the timeout has been checked, nor in a list after a wrong one', () => {
  const calls: string[] = [];
  const spy = (name: string) => ({ fileno: () => calls.push(name) - 1 });
  error([spy('r')], [spy('w')], [spy('x')], -1);
  expect(calls).toEqual([]);
  error([spy('r')], [spy('w'), null, spy('w2')], [spy('x')], 0);
  expect(calls).toEqual(['r', 'w']);
});

test('the error of a fileno() comes out unchanged, and the next call is sound', () => {
  const [a, b] = pair();
  const mine = new Error('mine');
  const fileno = () => {
    throw mine;
  };
  for (const place of [0, 1, 2]) {
    expect(thrown(() => untyped(...inPlace(place, [a, { fileno }, a]), 0))).toBe(mine);
    expect(select([b], [b], [b], 0)).toEqual([[], [b], []]);
  }
});

test.each([0, 1, 2])('a closed descriptor in place %d is EBADF and named', (place) => {
  const open = pair()[0];
  const low = closedFd();
  const high = FD_SETSIZE - 1;
  for (const [fd, list] of [
    [low, [low]],
    [low, [open, { fileno: () => low }, open]],
    [high, [high]],
    [high, [open, high]],
  ] as const) {
    const err = thrown(() => untyped(...inPlace(place, list), 0)) as OSError;
    expect(err).toBeInstanceOf(OSError);
    expect(err).toMatchObject({ code: 'EBADF', errno: -errno.EBADF, syscall: 'select', fd });
    expect(err.message).toBe(`select fd ${fd}: ${strerror(errno.EBADF)} (EBADF)`);
  }
});

test('a closed descriptor beyond the table of descriptors is EBADF, and no endless wait', async () => {
  // A process of its own: its table is small, and a wait that does not end can be killed.
  const code = `import { select } from 'posix-select';
    for (const timeout of [0, null]) for (const fd of [64, 255, 256, 511, 512, 1023]) for (const place of [0, 1, 2]) {
      const lists = [[], [], []];
      lists[place] = [fd];
      try { console.log(JSON.stringify(select(...lists, timeout))); } catch (err) { console.log(err.code, err.fd); }
    }
    console.log('end');`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const child = new Process(process.execPath, ['--input-type=module', '-e', code], { cwd });
  await child.out(/^end$/m);
  await child.exit;
  const lines = [64, 255, 256, 511, 512, 1023].flatMap((fd) => Array(3).fill(`EBADF ${fd}`));
  expect(child.lines).toEqual([...lines, ...lines, 'end']);
});

test('gives the very same elements, in their order, each as often as it was given', () => {
  const [a, b] = pair();
  const idle = readEnd();
  const object = { fileno: () => b.fileno() };
  a.send(Buffer.from('a'));
  b.send(Buffer.from('b'));
  const [fdA, fdB] = [a.fileno(), b.fileno()];
  const rows: Waitable[][] = [
    [b, a, idle, b, fdB, object, a, idle, object],
    [idle, fdB, fdB, fdA, a, fdB, object, idle, fdA],
    [fdB, idle, fdA, fdB],
  ];
  for (const list of rows) {
    const [readable, writable, exceptional] = select(list, list.slice(0, 3), list, 0);
    const ready = list.filter((element) => element !== idle);
    expect(readable.length).toBe(ready.length);
    ready.forEach((element, i) => {
      expect(readable[i]).toBe(element);
    });
    expect(writable.length).toBe(2);
    expect(writable.every((element) => list.indexOf(element) < 3 && ready.includes(element))).toBe(true);
    expect(exceptional).toEqual([]);
  }
});

test.each([1, 62, 63, 64, 65, 127, 128, 129, 5000])('a list of %d elements', (length) => {
  const [a] = pair();
  const idle = readEnd();
  const objects = Array.from({ length }, () => ({ fileno: () => a.fileno() }));
  for (const list of [objects, objects.map((object) => object.fileno())] as Waitable[][]) {
    const [readable, writable] = select([...list, idle], list, [], 0);
    expect(readable).toEqual([]);
    expect(writable.length).toBe(length);
    expect(writable.every((element, i) => element === list[i])).toBe(true);
  }
});

test('gives three new arrays and leaves its inputs alone', () => {
  const [a] = pair();
  const inputs = [Object.freeze([a]), Object.freeze([a, a]), Object.freeze([])] as const;
  const results = [...select(...inputs, 0), ...select(...inputs, 0), ...select([], [], [], 0)];
  expect(results).toEqual([[], [a, a], [], [], [a, a], [], [], [], []]);
  expect(new Set([...inputs, ...results]).size).toBe(12);
  expect(inputs).toEqual([[a], [a, a], []]);
});

test('takes any iterable', () => {
  const [a, b] = pair();
  a.send(Buffer.from('a'));
  const map = new Map([
    [a, 'a'],
    [b, 'b'],
  ]);
  function* generator() {
    yield* [a, b];
  }
  expect(select(new Set([a, b]), generator(), map.keys(), 0)).toEqual([[b], [a, b], []]);
  expect(select(map.keys(), new Set([b]), generator(), 0)).toEqual([[b], [b], []]);
  expect(select(Int32Array.of(a.fileno(), b.fileno()), [], new Map<Socket, null>().keys(), 0)).toEqual([
    [b.fileno()],
    [],
    [],
  ]);
});

// CPython's test_select_mutated
test('a fileno() may shorten the list that is walked', () => {
  const [a] = pair();
  for (const make of [(list: Waitable[]) => list, (list: Waitable[]) => list.values()]) {
    const list: Waitable[] = [];
    const element = {
      fileno() {
        list.pop();
        return a.fileno();
      },
    };
    for (let i = 0; i < 10; i++) list.push(element);
    expect(select([], make(list), [], 0)).toEqual([[], Array(5).fill(element), []]);
    expect(list.length).toBe(5);
  }
});

test('a fileno() may lengthen the list that is walked', () => {
  const [a] = pair();
  const list: Waitable[] = [];
  const element = {
    fileno() {
      if (list.length < 200) list.push(element);
      return a.fileno();
    },
  };
  list.push(element);
  expect(select([], list, [], 0)).toEqual([[], Array(200).fill(element), []]);
});

test('a fileno() may call select()', () => {
  const [a, b] = pair();
  const idle = readEnd();
  a.send(Buffer.from('a'));
  const inner: unknown[] = [];
  const nest = (depth: number): Waitable => ({
    fileno() {
      if (depth > 0) inner.push(select([idle, b, idle], [nest(depth - 1), a], [idle], 0));
      return b.fileno();
    },
  });
  const outer = nest(3);
  expect(select([a, outer, b], [idle, b, outer], [b, outer], 0)).toEqual([[outer, b], [b, outer], []]);
  expect(inner.length).toBe(9); // outer is there three times, and three deep
  for (const [readable, writable, exceptional] of inner as unknown[][][]) {
    expect([readable, writable.slice(1), exceptional]).toEqual([[b], [a], []]);
  }
});

test('what can be read, be written and is exceptional, at once', async () => {
  const listener = createServer(['127.0.0.1', 0]);
  const [, port] = listener.getsockname() as [string, number];
  const peer = Python.program(
    `import socket, sys
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as s:
    s.send(b'data'); s.send(b'!', socket.MSG_OOB); sys.stdin.read()`,
    [port],
  );
  expect(select([listener], [], [], 20)).toEqual([[listener], [], []]);
  const [conn] = listener.accept();
  expect(select([], [], [conn], 20)).toEqual([[], [], [conn]]);
  await until('the data is there', () => select([conn], [], [], 0)[0].length);
  const idle = readEnd();
  expect(select([listener, conn], [conn, listener], [listener, conn, idle], 20)).toEqual([
    [conn],
    [conn],
    [conn],
  ]);
  conn.close();
  listener.close();
  peer.child.stdin?.end();
  await peer.exit;
});

test('timeout 0 polls', () => {
  const fd = readEnd();
  for (const timeout of [0, -0]) expect(select([fd], [], [fd], timeout)).toEqual([[], [], []]);
});

test('a timeout is never early', () => {
  const fd = readEnd();
  for (const seconds of [0.000001, 0.000005, 0.0001, 0.00101, 0.0017, 0.003333, 0.01]) {
    for (const rlist of [[], [fd]]) {
      for (let i = 0; i < 10; i++) {
        const begin = performance.now();
        expect(select(rlist, [], [], seconds)).toEqual([[], [], []]);
        expect(performance.now() - begin).toBeGreaterThanOrEqual(seconds * 1000);
      }
    }
  }
});

test('a timeout ends: 100 ms, and all but 1 s, which is rounded up', () => {
  for (const [seconds, atLeast] of [
    [0.1, 100],
    [0.9999999, 999.9999],
  ]) {
    const begin = performance.now();
    expect(select([], [], [], seconds)).toEqual([[], [], []]);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(atLeast);
  }
});

test('a timeout below 1 µs is rounded up: it waits and does not poll', () => {
  // A thread that waits lets go of its CPU; one that polls does not.
  const switches = () =>
    Number(
      readFileSync('/proc/thread-self/status', 'utf8').match(/^voluntary_ctxt_switches:\s*(\d+)$/m)?.[1],
    );
  const during = (seconds: number) => {
    const before = switches();
    for (let i = 0; i < 100; i++) select([], [], [], seconds);
    return switches() - before;
  };
  expect(during(1e-7)).toBeGreaterThan(50);
  expect(during(0)).toBeLessThan(50);
});

test('a timeout of centuries does not keep what is ready waiting', () => {
  const fd = readEnd('x');
  for (const timeout of [1e10, 2 ** 62, 2 ** 63 - 1024])
    expect(select([fd], [], [], timeout)[0]).toEqual([fd]);
});

test.each([null, undefined, 1e6])('timeout %s waits until its descriptor is ready', async (timeout) => {
  const waiter = await Waiter.start('main', 'select', timeout);
  const timeval = (await waiter.blocked())[4];
  if (timeout) expect(timeval).not.toBe('0x0');
  else expect(timeval).toBe('0x0'); // C's NULL
  expect(waiter.ended).toBeNull();
  waiter.child.stdin?.write('x');
  await waiter.out(/^1 ready after/m);
  expect(await waiter.finish()).toBe(0);
});

test('on the main thread a signal ends the wait with EINTR, and then its handler runs', async () => {
  const waiter = await Waiter.start('main', 'select', null);
  expect(await waiter.interrupt()).toBe(true);
  await waiter.out(/^handler$/m);
  expect(waiter.lines.slice(1)).toEqual([
    expect.stringMatching(/^OSError EINTR, select after [\d.]+ ms$/),
    'handler',
  ]);
  expect(await waiter.finish()).toBe(0);
});

// fdset.test.ts shows that such signals do interrupt the call of a worker thread.
test('on a worker thread signals neither end nor prolong the wait', async () => {
  const waiter = await Waiter.start('worker', 'select', 2);
  while (await waiter.interrupt());
  expect(waiter.ended?.how).toBe('0 ready');
  expect(waiter.ended?.ms).toBeGreaterThanOrEqual(2000);
  expect(waiter.handled).toBeGreaterThan(1);
  expect(await waiter.finish()).toBe(0);
});

test('on a worker thread an endless wait survives signals, until its descriptor is ready', async () => {
  const waiter = await Waiter.start('worker', 'select', null);
  for (let i = 0; i < 3; i++) expect(await waiter.interrupt()).toBe(true);
  expect((await waiter.blocked())[4]).toBe('0x0');
  waiter.child.stdin?.write('x');
  await waiter.out(/^1 ready after/m);
  expect(waiter.handled).toBe(3);
  expect(await waiter.finish()).toBe(0);
});
