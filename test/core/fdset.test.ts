import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  errno,
  FD_CLR,
  FD_ISSET,
  FD_SET,
  FD_SETSIZE,
  FD_ZERO,
  FdSet,
  OSError,
  select,
  selectFdSets,
  strerror,
} from 'posix-select';
import { describe, expect, onTestFinished, test } from 'vitest';
import { needs } from '../support/needs.js';
import { closedFd, pair, readEnd } from '../support/sockets.js';
import { Waiter } from '../support/waiter.js';

const POLL = () => ({ tv_sec: 0, tv_usec: 0 });

/** A function as JavaScript may call it. */
type Untyped = (...args: unknown[]) => unknown;
const untyped = selectFdSets as Untyped;
const MACROS = [FD_SET, FD_CLR, FD_ISSET] as Untyped[];

function setOf(fds: Iterable<number>, size?: number): FdSet {
  const set = new FdSet(size);
  for (const fd of fds) FD_SET(fd, set);
  return set;
}

test('FD_SET, FD_CLR, FD_ISSET, FD_ZERO and iteration, on each bit', () => {
  const set = new FdSet();
  expect([...set]).toEqual([]);
  for (let fd = 0; fd < FD_SETSIZE; fd++) {
    expect(FD_ISSET(fd, set)).toBe(false);
    FD_SET(fd, set);
    FD_SET(fd, set);
    expect(FD_ISSET(fd, set)).toBe(true);
    expect([...set]).toEqual([fd]);
    FD_CLR(fd, set);
    FD_CLR(fd, set);
    expect([...set]).toEqual([]);
  }
  const fds = [0, 1, 31, 32, 33, 63, 64, 1000, 1023];
  for (const fd of fds.toReversed()) FD_SET(fd, set);
  expect([...set]).toEqual(fds);
  FD_CLR(63, set);
  expect([...set]).toEqual(fds.filter((fd) => fd !== 63));
  FD_ZERO(set);
  expect([...set]).toEqual([]);
});

needs('cc')('its memory is that of an fd_set in C', () => {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const source = `#include <stdio.h>
    #include <stdlib.h>
    #include <sys/select.h>
    int main(int argc, char **argv) {
      fd_set set;
      FD_ZERO(&set);
      for (int i = 1; i < argc; i++) FD_SET(atoi(argv[i]), &set);
      printf("%d %d ", FD_SETSIZE, (int)sizeof set);
      for (size_t i = 0; i < sizeof set; i++) printf("%02x", ((unsigned char *)&set)[i]);
    }`;
  writeFileSync(join(folder, 'bits.c'), source);
  execFileSync('cc', ['-o', join(folder, 'bits'), join(folder, 'bits.c')]);
  const all = Array.from({ length: FD_SETSIZE }, (_, fd) => fd);
  const thirds = all.filter((fd) => fd % 3 === 0);
  for (const fds of [[], [0], [31], [32], [63], [64], [1023], thirds, all]) {
    const theirs = execFileSync(join(folder, 'bits'), fds.map(String), { encoding: 'utf8' });
    const { words } = setOf(fds);
    const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    expect(`${FD_SETSIZE} ${bytes.length} ${bytes.toString('hex')}`).toBe(theirs);
  }
});

test.each([1, 63, 64, 65, 100, FD_SETSIZE, 10_000])('a set of size %d holds that many', (size) => {
  const set = new FdSet(size);
  expect(set.size).toBe(size);
  for (let fd = 0; fd < size; fd++) FD_SET(fd, set);
  expect([...set].length).toBe(size);
  const before = set.words.slice();
  for (const macro of MACROS) {
    for (const fd of [size, size + 1, 2 ** 31, 2 ** 32, -1, -64, -(2 ** 32)]) {
      expect(() => macro(fd, set)).toThrow(RangeError);
      expect(() => macro(fd, set)).toThrow(`${macro.name}: fd ${fd} `);
      if (fd >= size) expect(() => macro(fd, set)).toThrow(`new FdSet(${fd + 1})`);
    }
  }
  expect(set.words).toEqual(before);
});

test.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 31, 2 ** 53])('a set of size %d is refused', (size) => {
  expect(() => new FdSet(size)).toThrow(RangeError);
});

test('FD_SET, FD_CLR and FD_ISSET take integers only', () => {
  const set = setOf([1]);
  for (const macro of MACROS) {
    for (const fd of ['1', 1.5, Number.NaN, null, undefined, true, {}, 1n]) {
      expect(() => macro(fd, set)).toThrow(TypeError);
    }
  }
  expect([...set]).toEqual([1]);
});

test('FD_SET, FD_CLR, FD_ISSET and FD_ZERO take sets only', () => {
  for (const none of [null, undefined, [], {}, 5, Int32Array.of(0)]) {
    for (const macro of MACROS) expect(() => macro(1, none)).toThrow(TypeError);
    expect(() => (FD_ZERO as Untyped)(none)).toThrow(TypeError);
  }
});

test('assign makes a set equal to another, and independent of it', () => {
  const [from, to] = [setOf([1, 64, 1023]), setOf([2, 64])];
  expect(to.assign(from)).toBe(to);
  FD_CLR(64, from);
  expect([...to]).toEqual([1, 64, 1023]);
  expect([...from]).toEqual([1, 1023]);
  for (const size of [FD_SETSIZE - 1, 2 * FD_SETSIZE]) {
    expect(() => to.assign(new FdSet(size))).toThrow(RangeError);
  }
  expect([...to]).toEqual([1, 64, 1023]);
});

test('inspect shows the members', () => {
  expect(inspect(setOf([64, 3]))).toBe('FdSet(1024) [3 64]');
  expect(inspect(new FdSet(10))).toBe('FdSet(10) []');
});

describe('selectFdSets', () => {
  test('leaves in the sets what is ready, and counts it', () => {
    const [a, b] = pair();
    const idle = readEnd();
    a.send(Buffer.from('a'));
    const fds = [a.fileno(), b.fileno(), idle];
    const [readfds, writefds, exceptfds] = [setOf(fds), setOf(fds.slice(0, 2)), setOf(fds)];
    expect(selectFdSets(Math.max(...fds) + 1, readfds, writefds, exceptfds, POLL())).toBe(3);
    expect([[...readfds], [...writefds], [...exceptfds]]).toEqual([
      [b.fileno()],
      [a.fileno(), b.fileno()].sort((x, y) => x - y),
      [],
    ]);
  });

  test('empties the sets when nothing is ready', () => {
    const fds = [readEnd(), readEnd()];
    const [readfds, exceptfds] = [setOf(fds), setOf(fds)];
    expect(selectFdSets(Math.max(...fds) + 1, readfds, null, exceptfds, { tv_sec: 0, tv_usec: 1000 })).toBe(
      0,
    );
    expect([[...readfds], [...exceptfds]]).toEqual([[], []]);
  });

  test('does not look at a descriptor from nfds on', () => {
    const fd = readEnd('x');
    expect(selectFdSets(fd, setOf([fd]), null, null, POLL())).toBe(0);
    expect(selectFdSets(0, setOf([fd]), null, null, POLL())).toBe(0);
    expect(selectFdSets(fd, setOf([fd, FD_SETSIZE - 1]), null, null, POLL())).toBe(0); // closed
    const readfds = setOf([fd]);
    expect(selectFdSets(fd + 1, readfds, null, null, POLL())).toBe(1);
    expect([...readfds]).toEqual([fd]);
  });

  test('takes null for each set: three make a sleep', () => {
    const [a] = pair();
    const nfds = a.fileno() + 1;
    for (const place of [0, 1, 2]) {
      const [r, w, x] = [0, 1, 2].map((i) => (i === place ? setOf([a.fileno()]) : null));
      expect(selectFdSets(nfds, r, w, x, POLL())).toBe(place === 1 ? 1 : 0);
    }
    for (const nfds of [0, 5000]) {
      const begin = performance.now();
      expect(selectFdSets(nfds, null, null, null, { tv_sec: 0, tv_usec: 20_000 })).toBe(0);
      expect(performance.now() - begin).toBeGreaterThanOrEqual(20);
    }
  });

  test('writes the time left into the timeout', () => {
    const [ready, idle] = [readEnd('x'), readEnd()];
    const timeout = { tv_sec: 1000, tv_usec: 0 };
    expect(selectFdSets(ready + 1, setOf([ready]), null, null, timeout)).toBe(1);
    expect(timeout.tv_sec).toBeGreaterThan(500);
    expect(timeout.tv_sec).toBeLessThan(1000);
    expect(timeout.tv_usec).toBeGreaterThanOrEqual(0);
    expect(timeout.tv_usec).toBeLessThan(1e6);
    const over = { tv_sec: 0, tv_usec: 1000 };
    expect(selectFdSets(idle + 1, setOf([idle]), null, null, over)).toBe(0);
    expect(over).toEqual(POLL());
  });

  test.each([
    ['1', TypeError],
    [1.5, TypeError],
    [Number.NaN, TypeError],
    [null, TypeError],
    [undefined, TypeError],
    [FD_SETSIZE + 1, RangeError],
    [2 ** 31, RangeError],
  ])('nfds %s is refused', (nfds, error) => {
    for (const place of [0, 1, 2]) {
      const sets = [0, 1, 2].map((i) => (i === place ? setOf([0]) : null));
      expect(() => untyped(nfds, ...sets, POLL())).toThrow(error);
      expect(sets[place]).toEqual(setOf([0]));
    }
  });

  test('nfds is held against the smallest of the sets, and the error says what would be large enough', () => {
    const sets = [new FdSet(2000), new FdSet(100), new FdSet(3000)];
    for (const order of [
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
    ]) {
      const [r, w, x] = order.map((i) => sets[i]);
      expect(selectFdSets(100, r, w, x, POLL())).toBe(0);
      expect(() => selectFdSets(101, r, w, x, POLL())).toThrow(RangeError);
      expect(() => selectFdSets(101, r, w, x, POLL())).toThrow(/\b101\b.*\b100\b.*new FdSet\(101\)/);
    }
  });

  test.each([0, 1, 2])('what is no FdSet is a TypeError, in place %d', (place) => {
    for (const none of [[0], new Set([0]), Int32Array.of(1), 0, 'set', {}]) {
      const sets = [0, 1, 2].map((i) => (i === place ? none : null));
      expect(() => untyped(1, ...sets, POLL())).toThrow(TypeError);
    }
  });

  test('a set with less memory than its size is a TypeError, and no stray write', () => {
    for (const place of [0, 1, 2]) {
      const set = new FdSet(64);
      (set as { size: number }).size = 1e6;
      const sets = [0, 1, 2].map((i) => (i === place ? set : null));
      expect(() => untyped(65, ...sets, POLL())).toThrow(TypeError);
      expect(() => untyped(1e6, ...sets, POLL())).toThrow(TypeError);
      expect(untyped(64, ...sets, POLL())).toBe(0);
    }
  });

  test.each([
    undefined,
    0,
    '1',
    {},
    { tv_sec: 1 },
    { tv_sec: 0, tv_usec: 0.5 },
    { tv_sec: Number.NaN, tv_usec: 0 },
    { tv_sec: '0', tv_usec: 0 },
    { tv_sec: Infinity, tv_usec: 0 },
  ])('timeout %o is a TypeError', (timeout) => {
    const readfds = setOf([0]);
    expect(() => untyped(1, readfds, null, null, timeout)).toThrow(TypeError);
    expect([...readfds]).toEqual([0]);
  });

  test('fails with EBADF and EINVAL, and leaves the sets alone', () => {
    const idle = readEnd();
    const closed = closedFd();
    const nfds = Math.max(idle, closed) + 1;
    for (const [code, nfdsGiven, fds, tv_sec, tv_usec] of [
      ['EBADF', nfds, [idle, closed], 0, 0],
      ['EINVAL', -1, [idle], 0, 0],
      ['EINVAL', nfds, [idle], -1, 0],
      ['EINVAL', nfds, [idle], 0, -1],
    ] as const) {
      const [readfds, writefds, exceptfds] = [setOf(fds), setOf(fds), setOf([idle])];
      const call = () => selectFdSets(nfdsGiven, readfds, writefds, exceptfds, { tv_sec, tv_usec });
      const message = `select: ${strerror(errno[code])} (${code})`;
      expect(call).toThrow(OSError);
      expect(call).toThrow(
        expect.objectContaining({ code, errno: -errno[code], syscall: 'select', message }),
      );
      expect([readfds, writefds, exceptfds]).toEqual([setOf(fds), setOf(fds), setOf([idle])]);
    }
  });

  test('10,000 places: waits for descriptors that an fd_set of C has no place for', () => {
    const low = readEnd('x');
    const spare: number[] = [];
    onTestFinished(() => spare.forEach(closeSync));
    while ((spare.at(-1) ?? 0) < FD_SETSIZE + 100) spare.push(openSync('/dev/null', 'r'));
    const [ready, idle, after] = [readEnd('x'), readEnd(), readEnd('x')];
    expect(Math.min(ready, idle, after)).toBeGreaterThan(FD_SETSIZE);

    for (const nfds of [after + 1, 10_000]) {
      const [readfds, exceptfds] = [setOf([low, ready, idle, after], 10_000), setOf([ready, idle], 10_000)];
      expect(selectFdSets(nfds, readfds, null, exceptfds, { tv_sec: 20, tv_usec: 0 })).toBe(3);
      expect([[...readfds], [...exceptfds]]).toEqual([[low, ready, after], []]);
    }
    expect(selectFdSets(idle + 1, setOf([idle], 10_000), null, null, { tv_sec: 0, tv_usec: 1 })).toBe(0);
    expect(() => FD_SET(ready, new FdSet())).toThrow(RangeError);
    expect(() => selectFdSets(ready + 1, new FdSet(), null, null, POLL())).toThrow(RangeError);
    expect(() => select([ready], [], [], 0)).toThrow(RangeError);
  });

  test('a null timeout waits for ever, for a descriptor that is ready at last', async () => {
    const waiter = await Waiter.start('main', 'selectFdSets', null);
    expect((await waiter.blocked())[4]).toBe('0x0'); // C's NULL
    waiter.child.stdin?.write('x');
    await waiter.out(/^1 ready after/m);
    expect(await waiter.finish()).toBe(0);
  });

  test.each(['main', 'worker'] as const)(
    'a signal to the %s thread: EINTR, sets kept, time left',
    async (thread) => {
      const waiter = await Waiter.start(thread, 'selectFdSets', 1000);
      expect(await waiter.interrupt()).toBe(true);
      await waiter.out(/^handler$/m);
      await waiter.out(/ after /);
      expect(waiter.ended?.how).toBe('OSError EINTR, select');
      const [, left] = await waiter.out(/^readfds \[0\], (\d+) s left$/m);
      expect(Number(left)).toBeGreaterThan(500);
      expect(Number(left)).toBeLessThan(1000);
      expect(await waiter.finish()).toBe(0);
    },
  );
});
