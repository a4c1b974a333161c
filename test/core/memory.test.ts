/** Memory that was transferred to another thread, or shrank: an error, never an empty buffer or set. */
import { FD_CLR, FD_ISSET, FD_SET, FD_ZERO, FdSet, selectFdSets } from 'posix-select';
import { AF_UNIX, type BytesLike, Socket, socketpair } from 'posix-select/socket';
import { describe, expect, test } from 'vitest';
import { sys } from '../../dist/posix/sys.js';
import { own, thrown } from '../support/sockets.js';

const transfer = (buffer: ArrayBuffer) => structuredClone(buffer, { transfer: [buffer] });

/** Node 20 has them, TypeScript's es2023 does not. */
interface Resizable extends ArrayBuffer {
  resize(bytes: number): void;
}
const resizable = (bytes: number) =>
  new (ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable)(bytes, {
    maxByteLength: 64,
  });

const GONE: [what: string, () => BytesLike][] = [
  [
    'a Uint8Array that was transferred',
    () => {
      const bytes = new Uint8Array(8);
      transfer(bytes.buffer);
      return bytes;
    },
  ],
  [
    'an ArrayBuffer that was transferred',
    () => {
      const { buffer } = new Uint8Array(8);
      transfer(buffer);
      return buffer;
    },
  ],
  [
    'a Float64Array that was transferred',
    () => {
      const numbers = new Float64Array(2);
      transfer(numbers.buffer);
      return numbers;
    },
  ],
  [
    'a Uint8Array past the end of a buffer that shrank',
    () => {
      const buffer = resizable(16);
      const bytes = new Uint8Array(buffer, 8, 8);
      buffer.resize(10);
      return bytes;
    },
  ],
  [
    'a Float64Array past the end of a buffer that shrank',
    () => {
      const buffer = resizable(16);
      const numbers = new Float64Array(buffer, 8, 1);
      buffer.resize(8);
      return numbers;
    },
  ],
  [
    'a DataView past the end of a buffer that shrank',
    () => {
      const buffer = resizable(16);
      const view = new DataView(buffer, 8, 8);
      buffer.resize(10);
      return view;
    },
  ],
];

describe.each(GONE)('%s', (_, make) => {
  const gone = ['TypeError', 'the bytes have no memory any more: it was transferred, or it shrank'];

  test('is not sent, filled or set as an option', () => {
    const [a, b] = socketpair().map(own) as ReturnType<typeof socketpair>;
    a.sendall(Buffer.from('x'));
    for (const call of [a.send, a.sendall, b.recvInto] as ((data: BytesLike) => unknown)[])
      expect(thrown(() => call.call(a, make()))).toEqual(gone);
    expect(thrown(() => a.setsockopt(1, 2, make()))).toEqual(gone);
    expect(String(b.recv(9))).toBe('x');
  });
});

test('an AF_UNIX address that was transferred is no empty one, which would be a name of the system’s choice', () => {
  const path = new Uint8Array(8);
  transfer(path.buffer);
  const sock = own(new Socket(AF_UNIX));
  const gone = ['TypeError', 'the bytes have no memory any more: it was transferred, or it shrank'];
  for (const call of [sock.bind, sock.connect, sock.connectEx])
    expect(thrown(() => call.call(sock, path))).toEqual(gone);
  expect(sock.getsockname()).toBe('');
});

test('an empty one is still an empty one', () => {
  const [a, b] = socketpair().map(own) as ReturnType<typeof socketpair>;
  for (const empty of [new Uint8Array(0), new ArrayBuffer(0), new Float64Array(0), Buffer.alloc(0)]) {
    expect(a.send(empty)).toBe(0);
    expect(b.recvInto(empty)).toBe(0);
  }
});

test('an FdSet that was transferred is no NULL: each call with it is refused', () => {
  const [a, b] = socketpair().map(own) as ReturnType<typeof socketpair>;
  b.send(Buffer.from('x'));
  const [set, other] = [new FdSet(), new FdSet()];
  FD_SET(a.fileno(), set);
  expect(selectFdSets(a.fileno() + 1, set, null, null, { tv_sec: 0, tv_usec: 0 })).toBe(1);
  transfer(set.words.buffer as ArrayBuffer);
  const uses = [
    () => selectFdSets(a.fileno() + 1, set, null, null, { tv_sec: 0, tv_usec: 0 }),
    () => FD_SET(a.fileno(), set),
    () => FD_CLR(a.fileno(), set),
    () => FD_ISSET(a.fileno(), set),
    () => FD_ZERO(set),
    () => set.assign(other),
    () => other.assign(set),
    () => [...set],
  ];
  for (const use of uses) expect(thrown(use)[0], String(use)).toBe('TypeError');
});

test('the addon does not take transferred memory for null', () => {
  const [a] = socketpair().map(own) as ReturnType<typeof socketpair>;
  const words = new Int32Array(32);
  transfer(words.buffer);
  const nfds = a.fileno() + 1;
  expect(thrown(() => sys.selectFdSets(nfds, words, null, null, new Float64Array(2)))).toEqual([
    'TypeError',
    'readfds must be memory that was not transferred',
  ]);
  const timeout = new Float64Array(2);
  transfer(timeout.buffer);
  expect(thrown(() => sys.selectFdSets(0, null, null, null, timeout))[0]).toBe('TypeError');
  const buffer = new Uint8Array(9);
  transfer(buffer.buffer);
  expect(thrown(() => sys.recv(a.fileno(), buffer, 9, 0))[0]).toBe('TypeError');
});
