import { select } from 'posix-select';
import { Outbox, Pending, PendingMemory } from 'posix-select/outbox';
import type { Socket } from 'posix-select/socket';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startNode, until } from '../support/process.js';
import { tcp } from '../support/sockets.js';

/** What the peer has to read. */
const read = (peer: Socket) => String(peer.recv(65_536));

/** A socket that takes no more, and its peer, which has all of that still to read. */
function full(outbox: Outbox): [Socket, Socket, bytes: number] {
  const [conn, peer] = tcp();
  let bytes = 0;
  for (const piece = Buffer.alloc(65_536, '.'); outbox.size(conn) === 0; bytes += piece.length)
    outbox.send(conn, piece);
  return [conn, peer, bytes];
}

/** What the peer gets, while the outbox goes on sending to whom select() calls writable. */
function carry(outbox: Outbox, peer: Socket, bytes: number): Buffer {
  const pieces: Buffer[] = [];
  for (let got = 0; got < bytes; ) {
    const [readable, writable] = select([peer], outbox.wlist, [], 10);
    for (const conn of writable) outbox.flush(conn);
    if (readable.length > 0) pieces.push(peer.recv(Math.min(65_536, bytes - got)));
    got = pieces.reduce((total, { length }) => total + length, 0);
  }
  return Buffer.concat(pieces);
}

/** The n-th message: each another, of a length of its own. */
const message = (n: number) => Buffer.from(`${n}${'~'.repeat((n * 37) % 600)}\n`);

test('what a socket does not take comes later, whole and in order, whatever is sent meanwhile', () => {
  const outbox = new Outbox();
  const [conn, peer, before] = full(outbox);
  carry(outbox, peer, before - 60_000);
  let expected = '';
  let got = '';
  for (let n = 0; n < 5000; n++) {
    const data = message(n);
    expected += data;
    outbox.send(conn, data);
    data.fill('x'); // the caller's own again
    if (n % 10 === 0 && outbox.size(conn) > 100_000) got += carry(outbox, peer, 30_000);
  }
  got += carry(outbox, peer, 60_000 + expected.length - got.length);
  expect(got.replaceAll('.', '')).toBe(expected);
  expect([...outbox.wlist]).toEqual([]);
  expect(outbox.size(conn)).toBe(0);
});

test('the bound is exact, and going over it loses the peer with a reason', () => {
  const outbox = new Outbox(200_000);
  const [conn] = full(outbox);
  outbox.send(conn, Buffer.alloc(200_000 - outbox.size(conn)));
  expect([outbox.size(conn), outbox.lost.size]).toEqual([200_000, 0]);
  outbox.send(conn, Buffer.alloc(1));
  expect([...outbox.lost]).toEqual([[conn, 'does not read: more than 200000 bytes are waiting for it']]);
  expect([...outbox.wlist]).toEqual([]);
});

test('small messages cost the memory of their bytes', () => {
  const outbox = new Outbox();
  const conns = Array.from({ length: 8 }, () => full(outbox)[0]);
  const before = process.memoryUsage.rss();
  const small = Buffer.from('ab');
  for (let n = 0; n < 400_000; n++) for (const conn of conns) outbox.send(conn, small);
  expect(outbox.lost.size).toBe(0);
  expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(64);
});

test('a slow reader that comes back to many small messages is sent to in large pieces', () => {
  const outbox = new Outbox();
  const [conn, peer, before] = full(outbox);
  for (let n = 0; n < 250_000; n++) outbox.send(conn, Buffer.from('ab'));
  const { send } = conn;
  let calls = 0;
  conn.send = (...args) => {
    calls++;
    return send.apply(conn, args);
  };
  carry(outbox, peer, before + 500_000);
  expect(calls).toBeLessThan(1000);
});

test('a socket that is closed while output waits is closed once that is sent', async () => {
  const outbox = new Outbox();
  const [conn, peer, bytes] = full(outbox);
  outbox.send(conn, Buffer.from('last'));
  outbox.close(conn);
  expect(conn.fileno()).toBeGreaterThan(0);
  expect(String(carry(outbox, peer, bytes + 4)).slice(-5)).toBe('.last');
  await until('it is closed', () => {
    for (const writable of select([], outbox.wlist, [], 0)[1]) outbox.flush(writable);
    return conn.fileno() === -1;
  });
  expect(peer.recv(1)).toHaveLength(0);
});

test('a peer that has gone is lost with the reason; closed already, it is just closed', () => {
  const outbox = new Outbox();
  const [conn, peer] = tcp();
  peer.close();
  while (outbox.lost.size === 0) outbox.send(conn, Buffer.from('anybody?'));
  expect(outbox.lost.get(conn)).toMatch(/^send fd \d+: .*\((EPIPE|ECONNRESET)\)$/);
  outbox.close(conn);
  expect([conn.fileno(), outbox.lost.size]).toEqual([-1, 0]);

  const [other, reader] = full(outbox);
  outbox.close(other);
  reader.close();
  while (other.fileno() >= 0)
    for (const writable of select([], outbox.wlist, [], 10)[1]) outbox.flush(writable);
  expect(outbox.lost.size).toBe(0);
});

test('sendQueued: each peer gets what was queued for it and nothing else, however the rounds are mixed', () => {
  const outbox = new Outbox();
  const pairs = Array.from({ length: 7 }, () => tcp());
  const expected = pairs.map(() => '');
  const got = pairs.map(() => '');
  for (let n = 0; n < 1500; n++) {
    const data = message(n);
    // In runs, as those who flood a chat: one is left out of its own messages.
    const leftOut = Math.floor(n / 5) % 9;
    for (const [i, [conn]] of pairs.entries()) {
      if (i === leftOut) continue;
      expected[i] += data;
      if (n % 97 === i) outbox.send(conn, data);
      else outbox.queue(conn, data);
    }
    if (n % 250 !== 249) continue; // 75 kB: more than the memory for a round has to begin with
    for (const [i, [conn]] of pairs.entries())
      expect(outbox.size(conn)).toBeLessThanOrEqual((expected[i] as string).length);
    outbox.sendQueued();
    for (const [i, [, peer]] of pairs.entries())
      got[i] += carry(outbox, peer, (expected[i] as string).length - (got[i] as string).length);
  }
  expect(got).toEqual(expected);
  for (const [conn] of pairs) expect(outbox.size(conn)).toBe(0);
});

test('memory that is used again between two peers: each gets what was in it', () => {
  const outbox = new Outbox();
  const [[a, first], [b, second], [c, third]] = [tcp(), tcp(), tcp()];
  const memory = Buffer.from('one');
  outbox.queue(a, memory);
  outbox.queue(b, memory);
  memory.write('two');
  outbox.queue(b, memory);
  outbox.queue(c, memory);
  outbox.sendQueued();
  expect([first, second, third].map(read)).toEqual(['one', 'onetwo', 'two']);
});

test('what will not be sent to a peer that is lost is counted: what waited, and what comes after', () => {
  const outbox = new Outbox();
  const [conn, peer, bytes] = full(outbox);
  const waited = outbox.size(conn);
  outbox.queue(conn, Buffer.from('queued'));
  peer.close();
  while (outbox.lost.size === 0) for (const each of select([], outbox.wlist, [], 10)[1]) outbox.flush(each);
  outbox.send(conn, Buffer.from('too late'));
  outbox.queue(conn, Buffer.from('much too late'));
  expect(outbox.lostBytes + outbox.sentBytes).toBe(bytes + 27);
  expect(outbox.lostBytes).toBeGreaterThan(27);
  expect(outbox.lostBytes).toBeLessThanOrEqual(waited + 27);
});

test('the memory of a round that brought much is given back after it', async () => {
  const node = startNode(`
    import { Outbox } from 'posix-select/outbox';
    import { socketpair } from 'posix-select/socket';
    const outbox = new Outbox();
    const [conn] = socketpair();
    const held = async () => {
      for (let i = 0; i < 10; i++) await new Promise((resolve) => (gc(), setImmediate(resolve)));
      return process.memoryUsage().arrayBuffers;
    };
    const before = await held();
    outbox.queue(conn, Buffer.from('x'));
    outbox.queue(conn, Buffer.alloc(2 ** 25));
    outbox.sendQueued();
    console.log(outbox.lost.size, await held() - before < 2 ** 23);`);
  expect(await node.exit).toBe(0);
  expect(node.stdout).toBe('1 true\n');
});

interface Resizable {
  resize(bytes: number): void;
}

test('what comes and goes costs no resize; what was much is given back', () => {
  const resize = vi.spyOn(ArrayBuffer.prototype as unknown as Resizable, 'resize');
  onTestFinished(() => resize.mockRestore());
  const pending = new Pending(new PendingMemory(2 ** 26));
  for (let i = 0; i < 1000; i++) {
    expect(pending.push(message(i))).toBe(true);
    pending.drop(pending.size);
  }
  expect(resize).toHaveBeenCalledTimes(1);
  expect(pending.push(Buffer.alloc(2 ** 25))).toBe(true);
  pending.clear();
  expect(resize.mock.lastCall?.[0]).toBeLessThanOrEqual(2 ** 21);
});
