/** What every selector promises of its keys, whatever it is built on. */
import { type BaseSelector, EVENT_READ, EVENT_WRITE, SelectorKey } from 'posix-select/selectors';
import { SO_ERROR, SOL_SOCKET, type Socket } from 'posix-select/socket';
import { describe, expect, test } from 'vitest';
import { own, pair, reuse, thrown } from '../support/sockets.js';

const BOTH = EVENT_READ | EVENT_WRITE;
const CLOSED = ['ERR_SELECTOR_CLOSED', expect.stringMatching(/selector is closed/i)];

export function keySuite(Selector: new () => BaseSelector): void {
  const make = () => own(new Selector());
  const sizeOf = (selector: BaseSelector) => selector.getMap()?.size;

  describe('register', () => {
    test('gives a key with the object, its descriptor, the events and the data', () => {
      const selector = make();
      const [a, b] = pair();
      const data = {};
      const key = selector.register(a, BOTH, data);
      expect(key).toBeInstanceOf(SelectorKey);
      expect({ ...key }).toEqual({ fileobj: a, fd: a.fileno(), events: BOTH, data });
      expect(key.fileobj).toBe(a);
      expect(key.data).toBe(data);
      const bare = selector.register(b.fileno(), EVENT_WRITE);
      expect({ ...bare }).toEqual({ fileobj: b.fileno(), fd: b.fileno(), events: EVENT_WRITE, data: null });
    });

    test('gives a key that cannot be changed', () => {
      const key = make().register(pair()[0], EVENT_READ);
      expect(Object.isFrozen(key)).toBe(true);
      expect(() => Object.assign(key, { events: EVENT_WRITE })).toThrow(TypeError);
    });

    test.each([0, 4, 99, -1, 1.5, Number.NaN, 2 ** 32, 2 ** 32 + 1, '1', null, undefined])(
      'refuses events %s',
      (events) => {
        const selector = make();
        const [a] = pair();
        const refusal = ['RangeError', `Invalid events: ${events}`];
        expect(thrown(() => selector.register(a, events as number))).toEqual(refusal);
        expect(sizeOf(selector)).toBe(0);
      },
    );

    test.each([
      ['abc', "'abc'"],
      [null, 'None'],
      [undefined, 'undefined'],
      [true, 'True'],
      [1.5, '1.5'],
      [Number.NaN, 'NaN'],
      [Symbol('s'), 'Symbol(s)'],
      [{}, '[object Object]'],
      [{ fileno: 5 }, '[object Object]'],
      [{ fileno: () => 1.5 }, '[object Object]'],
      [{ fileno: () => '1' }, '[object Object]'],
      [{ fileno: () => null, toString: () => '<a file>' }, '<a file>'],
    ])('refuses %o as an object', (fileobj, shown) => {
      const selector = make();
      const refusal = ['TypeError', `Invalid file object: ${shown}`];
      expect(thrown(() => selector.register(fileobj as never, EVENT_READ))).toEqual(refusal);
      expect(sizeOf(selector)).toBe(0);
    });

    test('refuses a negative descriptor and a closed socket', () => {
      const selector = make();
      const [a] = pair();
      a.close();
      const register = (fileobj: number | Socket) => thrown(() => selector.register(fileobj, EVENT_READ));
      expect(register(-10)).toEqual(['RangeError', 'Invalid file descriptor: -10']);
      expect(register(a)).toEqual(['RangeError', 'Invalid file descriptor: -1']);
      expect(sizeOf(selector)).toBe(0);
    });

    test('refuses a number that no descriptor can have', () => {
      const selector = make();
      const [a] = pair();
      for (const number of [2 ** 31, 2 ** 32 + a.fileno(), Number.MAX_VALUE]) {
        expect(['RangeError', 'TypeError']).toContain(
          thrown(() => selector.register(number, EVENT_WRITE))[0],
        );
        expect(sizeOf(selector)).toBe(0);
      }
    });

    test('passes on what fileno() throws', () => {
      const error = new Error('mine');
      const fileno = () => {
        throw error;
      };
      expect(() => make().register({ fileno }, EVENT_READ)).toThrow(error);
    });

    test('refuses a descriptor twice, by object, by number and by another object', () => {
      const selector = make();
      const [a] = pair();
      const fd = a.fileno();
      const key = selector.register(a, EVENT_READ);
      for (const again of [a, fd, { fileno: () => fd }]) {
        const refusal = ['ERR_ALREADY_REGISTERED', `${again} (FD ${fd}) is already registered`];
        expect(thrown(() => selector.register(again, EVENT_WRITE))).toEqual(refusal);
      }
      expect(selector.getKey(a)).toBe(key);
      expect(selector.select(0)).toEqual([]);
    });
  });

  describe('unregister', () => {
    test.each(['object', 'number'])('by %s: gives the key, and the descriptor is no more reported', (by) => {
      const selector = make();
      const [a, b] = pair();
      const key = selector.register(a, BOTH);
      expect(selector.select(0)).toHaveLength(1);
      expect(selector.unregister(by === 'object' ? a : a.fileno())).toBe(key);
      expect(selector.select(0)).toEqual([]);
      expect(sizeOf(selector)).toBe(0);
      b.send(Buffer.from('open'));
      expect(String(a.recv(10))).toBe('open');
      expect(selector.register(a, EVENT_WRITE)).not.toBe(key);
    });

    test('refuses what is not registered', () => {
      const selector = make();
      const [a, b] = pair();
      selector.register(a, EVENT_READ);
      selector.unregister(a);
      const unregister = (fileobj: unknown) => thrown(() => selector.unregister(fileobj as never));
      expect(unregister(999999)).toEqual(['ERR_NOT_REGISTERED', '999999 is not registered']);
      expect(unregister(a)).toEqual(['ERR_NOT_REGISTERED', `${a} is not registered`]);
      b.close();
      expect(unregister(b)).toEqual(['ERR_NOT_REGISTERED', `${b} is not registered`]);
      expect(unregister(-10)).toEqual(['RangeError', 'Invalid file descriptor: -10']);
      expect(unregister('abc')).toEqual(['TypeError', "Invalid file object: 'abc'"]);
    });

    describe.each(['object', 'number'])('by %s', (by) => {
      test('takes what has been closed', () => {
        const selector = make();
        const ends = pair();
        const keys = ends.map((end) => selector.register(end, BOTH));
        for (const end of ends) end.close();
        for (const key of keys) {
          expect(selector.unregister(by === 'object' ? key.fileobj : key.fd)).toBe(key);
        }
        expect(selector.select(0)).toEqual([]);
      });

      test('takes what has been closed when another has its number, and leaves that one alone', () => {
        const selector = make();
        const [a] = pair();
        const key = selector.register(a, BOTH);
        a.close();
        const heir = reuse(key.fd);
        expect(selector.unregister(by === 'object' ? a : key.fd)).toBe(key);
        expect(selector.select(0)).toEqual([]);
        expect(heir.getsockopt(SOL_SOCKET, SO_ERROR)).toBe(0);
        const heirs = selector.register(heir, EVENT_WRITE);
        expect(selector.select(0)).toEqual([[heirs, EVENT_WRITE]]);
      });
    });
  });

  describe('modify', () => {
    test('changes events, data or both', () => {
      const selector = make();
      const [a] = pair();
      selector.register(a, EVENT_READ, 'old');
      expect(selector.select(0)).toEqual([]);
      const steps: [number, unknown][] = [
        [EVENT_WRITE, 'old'],
        [EVENT_WRITE, 'new'],
        [BOTH, 'newer'],
        [EVENT_READ, 'newer'],
      ];
      for (const [events, data] of steps) {
        const before = selector.getKey(a);
        const { ...old } = before;
        const key = selector.modify(a, events, data);
        expect({ ...key }).toEqual({ fileobj: a, fd: a.fileno(), events, data });
        expect(selector.getKey(a)).toBe(key);
        expect({ ...before }).toEqual(old);
        const writable = events & EVENT_WRITE;
        expect(selector.select(0)).toEqual(writable ? [[key, EVENT_WRITE]] : []);
      }
      expect(selector.modify(a, EVENT_READ).data).toBe(null);
    });

    test('gives the same key when nothing has changed', () => {
      const selector = make();
      const [a] = pair();
      const data = {};
      const key = selector.register(a, EVENT_READ, data);
      expect(selector.modify(a, EVENT_READ, data)).toBe(key);
      expect(selector.getKey(a)).toBe(key);
    });

    test('by number keeps the object', () => {
      const selector = make();
      const [a] = pair();
      selector.register(a, EVENT_READ);
      expect(selector.modify(a.fileno(), EVENT_WRITE).fileobj).toBe(a);
    });

    test('refuses what is not registered', () => {
      const modify = (fileobj: unknown) => thrown(() => make().modify(fileobj as never, EVENT_READ));
      expect(modify(999999)).toEqual(['ERR_NOT_REGISTERED', '999999 is not registered']);
      expect(modify('abc')).toEqual(['TypeError', "Invalid file object: 'abc'"]);
    });

    test.each([0, 4, 99, 1.5, '1'])('refuses events %s, and all is as it was', (events) => {
      const selector = make();
      const [a] = pair();
      const key = selector.register(a, EVENT_WRITE, 'data');
      const refusal = ['RangeError', `Invalid events: ${events}`];
      expect(thrown(() => selector.modify(a, events as number, 'other'))).toEqual(refusal);
      expect(selector.getKey(a)).toBe(key);
      expect(selector.select(0)).toEqual([[key, EVENT_WRITE]]);
    });
  });

  describe('getKey and getMap', () => {
    test('look up by object and by number', () => {
      const selector = make();
      const map = selector.getMap();
      const [a, b] = pair();
      const key = selector.register(a, EVENT_READ);
      const fd = a.fileno();
      for (const fileobj of [a, fd, { fileno: () => fd }]) {
        expect(selector.getKey(fileobj)).toBe(key);
        expect(map?.get(fileobj)).toBe(key);
        expect(map?.has(fileobj)).toBe(true);
      }
      expect(thrown(() => selector.getKey(999999))).toEqual([
        'ERR_NOT_REGISTERED',
        '999999 is not registered',
      ]);
      expect(thrown(() => selector.getKey(b))[0]).toBe('ERR_NOT_REGISTERED');
      expect(thrown(() => selector.getKey({} as never))[0]).toBe('TypeError');
      for (const unknown of [999999, b]) {
        expect(map?.get(unknown)).toBe(undefined);
        expect(map?.has(unknown)).toBe(false);
      }
      a.close();
      expect(selector.getKey(a)).toBe(key);
      expect(map?.get(a)).toBe(key);
    });

    test('the map is live, and iterates over descriptors in the order of their registration', () => {
      const selector = make();
      const map = selector.getMap();
      if (!map) throw new Error('it has no map');
      expect([...map, map.size]).toEqual([0]);
      const sockets = [...pair(), ...pair()].reverse();
      const keys = sockets.map((socket) => selector.register(socket, EVENT_READ));
      const fds = keys.map((key) => key.fd);
      expect([...map, map.size]).toEqual([...fds, 4]);
      expect([...map.keys()]).toEqual(fds);
      expect([...map.values()]).toEqual(keys);
      expect([...map.entries()]).toEqual(keys.map((key) => [key.fd, key]));

      selector.modify(sockets[0], EVENT_WRITE);
      expect([...map]).toEqual(fds);
      selector.unregister(sockets[1]);
      expect([...map, map.size]).toEqual([fds[0], fds[2], fds[3], 3]);
      selector.register(sockets[1], EVENT_READ);
      expect([...map]).toEqual([fds[0], fds[2], fds[3], fds[1]]);
    });

    test('the map cannot be changed', () => {
      const selector = make();
      selector.register(pair()[0], EVENT_READ);
      const map = selector.getMap() as object;
      for (const change of ['set', 'delete', 'clear']) expect(change in map).toBe(false);
      expect(() => Object.assign(map, { size: 0 })).toThrow(TypeError);
    });
  });

  describe('close', () => {
    test('forgets all and closes none; all but close throws afterwards', () => {
      const selector = make();
      const map = selector.getMap();
      const [a, b] = pair();
      selector.register(a, EVENT_READ);
      selector.close();
      selector.close();
      expect(selector.getMap()).toBe(null);
      expect([map?.size, map?.get(a), map?.get(a.fileno())]).toEqual([0, undefined, undefined]);
      expect(thrown(() => selector.register(b, EVENT_READ))).toEqual(CLOSED);
      expect(thrown(() => selector.unregister(a))).toEqual(CLOSED);
      expect(thrown(() => selector.modify(a, EVENT_WRITE))).toEqual(CLOSED);
      expect(thrown(() => selector.getKey(a))).toEqual(CLOSED);
      expect(thrown(() => selector.select(0))).toEqual(CLOSED);
      b.send(Buffer.from('open'));
      expect(String(a.recv(10))).toBe('open');
    });

    test('happens at the end of a using block', () => {
      const [a] = pair();
      let kept: BaseSelector;
      {
        using selector = new Selector();
        selector.register(a, EVENT_READ);
        kept = selector;
      }
      expect(thrown(() => kept.getKey(a))).toEqual(CLOSED);
    });
  });
}
