/** What the select() of every selector promises, whatever it is built on. */
import { writeSync } from 'node:fs';
import { errno } from 'posix-select';
import { type BaseSelector, EVENT_READ, EVENT_WRITE, type SelectorKey } from 'posix-select/selectors';
import { SO_ERROR, SOL_SOCKET } from 'posix-select/socket';
import { expect, test } from 'vitest';
import { fill, own, pair, pipeEnds, refused, reset, settle, tcp, thrown } from '../support/sockets.js';

const BOTH = EVENT_READ | EVENT_WRITE;

const ascending = ([x]: number[], [y]: number[]) => x - y;
const byFd = (ready: [SelectorKey, number][]) =>
  ready.map(([key, events]) => [key.fd, events]).sort(ascending);

export function selectSuite(Selector: new () => BaseSelector): void {
  const make = () => own(new Selector());

  test('reports read, write, and both as one pair', () => {
    const selector = make();
    const [a, b] = pair();
    const reader = selector.register(a, EVENT_READ);
    const writer = selector.register(b, EVENT_WRITE);
    const [[key, events], ...others] = selector.select(20);
    expect([key, events, others]).toEqual([writer, EVENT_WRITE, []]);
    expect(key).toBe(writer);
    selector.unregister(b);
    b.send(Buffer.from('x'));
    expect(selector.select(20)).toEqual([[reader, EVENT_READ]]);
    const both = selector.modify(a, BOTH);
    expect(selector.select(20)).toEqual([[both, BOTH]]);
    const onlyWriter = selector.modify(a, EVENT_WRITE);
    expect(selector.select(20)).toEqual([[onlyWriter, EVENT_WRITE]]);
    a.recv(1);
    selector.modify(a, EVENT_READ);
    expect(selector.select(0)).toEqual([]);
  });

  test('reports, of many descriptors, those that are ready for what they are watched for', () => {
    const selector = make();
    const pairs = Array.from({ length: 150 }, pair);
    const watched = new Map<number, number>();
    for (const [i, [a, b]] of pairs.entries()) {
      watched.set(selector.register(a, 1 + (i % 3)).fd, 1 + (i % 3));
      if (i % 4 === 0) b.send(Buffer.from('x'));
    }
    for (const [a] of pairs.filter((_, i) => i % 5 === 0)) watched.delete(selector.unregister(a).fd);
    for (const [a] of pairs.filter((_, i) => i % 7 === 0)) {
      const events = BOTH - (watched.get(a.fileno()) ?? 0) || EVENT_READ;
      if (watched.has(a.fileno())) selector.modify(a, events);
      else selector.register(a, events);
      watched.set(a.fileno(), events);
    }
    const expected = pairs.flatMap(([a], i) => {
      const ready = (watched.get(a.fileno()) ?? 0) & (i % 4 === 0 ? BOTH : EVENT_WRITE);
      return ready ? [[a.fileno(), ready]] : [];
    });
    expect(expected.length).toBeGreaterThan(70);
    expect(byFd(selector.select(20))).toEqual(expected.sort(ascending));
  });

  test.each([EVENT_READ, EVENT_WRITE, BOTH])('tells who waits for %i of a refused connect', (events) => {
    const selector = make();
    const socket = refused();
    const key = selector.register(socket, events);
    expect(selector.select(20)).toEqual([[key, events]]);
    expect(socket.getsockopt(SOL_SOCKET, SO_ERROR)).toBe(errno.ECONNREFUSED);
  });

  test('tells a reader that the other end is gone', () => {
    const selector = make();
    const [r, w] = pipeEnds();
    const [a, b] = pair();
    const [client, server] = tcp();
    const keys = [r, a, client].map((end) => selector.register(end, EVENT_READ));
    expect(selector.select(0)).toEqual([]);
    w.close();
    b.close();
    reset(server);
    settle(client);
    expect(byFd(selector.select(0))).toEqual(keys.map((key) => [key.fd, EVENT_READ]).sort(ascending));
  });

  test('tells a writer that the other end is gone', () => {
    const selector = make();
    const [r, w] = pipeEnds();
    fill(w);
    const key = selector.register(w, EVENT_WRITE);
    expect(selector.select(0)).toEqual([]);
    r.close();
    expect(selector.select(20)).toEqual([[key, EVENT_WRITE]]);
    expect(() => writeSync(w.fileno(), 'x')).toThrow('EPIPE');
  });

  test.each(['1', {}, true, 1n])('refuses %s as a timeout', (timeout) => {
    const refusal = ['TypeError', 'timeout must be a number or null'];
    expect(thrown(() => make().select(timeout as number))).toEqual(refusal);
  });

  test('refuses NaN as a timeout', () => {
    expect(['RangeError', 'TypeError']).toContain(thrown(() => make().select(Number.NaN))[0]);
  });

  test('polls with a timeout of 0 and below', () => {
    const selector = make();
    const [a, b] = pair();
    for (const timeout of [0, -0.5, -1, -Infinity]) expect(selector.select(timeout)).toEqual([]);
    selector.register(a, EVENT_READ);
    const writer = selector.register(b, EVENT_WRITE);
    for (const timeout of [0, -1]) expect(selector.select(timeout)).toEqual([[writer, EVENT_WRITE]]);
    selector.unregister(b);
    for (const timeout of [0, -1]) expect(selector.select(timeout)).toEqual([]);
  });

  test('returns at once what is ready, however long the timeout', () => {
    const selector = make();
    const key = selector.register(pair()[0], EVENT_WRITE);
    for (const timeout of [1, 1e9, 1e15, null, undefined]) {
      expect(selector.select(timeout)).toEqual([[key, EVENT_WRITE]]);
    }
  });

  test.each([1e19, Infinity])('takes %s as a timeout, or says that it is too long', (timeout) => {
    const selector = make();
    const key = selector.register(pair()[0], EVENT_WRITE);
    let ready: unknown;
    try {
      ready = selector.select(timeout);
    } catch (err) {
      expect(err).toBeInstanceOf(RangeError);
      return;
    }
    expect(ready).toEqual([[key, EVENT_WRITE]]);
  });

  test('waits out its timeout, without any descriptor too', () => {
    const selector = make();
    for (const timeout of [1, 0.05]) {
      const begin = performance.now();
      expect(selector.select(timeout)).toEqual([]);
      expect(performance.now() - begin).toBeGreaterThanOrEqual(timeout * 1000);
      selector.register(pair()[0], EVENT_READ);
    }
  });

  test('is never early: one call takes a loop to its deadline', () => {
    const selector = make();
    selector.register(pair()[0], EVENT_READ);
    for (let i = 0; i < 50; i++) {
      const timeout = 0.00013 + i * 0.000137;
      const begin = performance.now();
      expect(selector.select(timeout)).toEqual([]);
      expect(performance.now() - begin).toBeGreaterThanOrEqual(timeout * 1000);
    }
  });
}
