/** Why a wait has ended: each sentence, beside the call that shows that it is true. */
import { expect, test } from 'vitest';
import { Process } from '../support/process.js';

/** Runs calls under a trace, in a process of their own; their waits' sentences, without descriptors that it makes. */
async function sentences(script: string): Promise<string[]> {
  const child = new Process(process.execPath, ['--input-type=module', '--eval', PRELUDE + script]);
  expect(await child.exit, child.stderr).toBe(0);
  expect(child.stderr).toBe('');
  return child.lines
    .filter((line) => line.includes('"why":'))
    .flatMap((line) => JSON.parse(line).why.map(({ sentence }: { sentence: string }) => sentence));
}

const PRELUDE = `
import { sys } from './dist/posix/sys.js';
import { begin } from './dist/teach/trace/trace.js';
begin({ program: 'x', args: [], trace: { form: 'json', fd: 1, name: 'stdout' } }, -1);
const { AF_INET, SOCK_STREAM, SOL_SOCKET, SO_LINGER, SHUT_WR, MSG_OOB, F_SETFL, F_GETFL, O_NONBLOCK } = sys.constants;
const read = (fd, timeout = null) => sys.select(Int32Array.of(fd), null, null, timeout);
const write = (fd) => sys.select(null, Int32Array.of(fd), null, null);
const bytes = (text) => new TextEncoder().encode(text);
const recv = (fd) => sys.recv(fd, new Uint8Array(100), 100, 0);
const check = (got, wanted) => { if (got !== wanted) throw new Error(got + ' is not ' + wanted); };
const listener = sys.socket(AF_INET, SOCK_STREAM, 0);
sys.bind(listener, ['127.0.0.1', 0]);
sys.listen(listener, 5);
const address = sys.getsockname(listener);
function pair() {
  const client = sys.socket(AF_INET, SOCK_STREAM, 0);
  sys.connect(client, address);
  return [client, sys.accept(listener)[0]];
}
const reset = (fd) => {
  sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, new Uint8Array(Int32Array.of(1, 0).buffer));
  sys.close(fd);
};
const nonBlocking = (fd) => sys.fcntl(fd, F_SETFL, sys.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
`;

test.each([
  [
    'a connection',
    `sys.connect(sys.socket(AF_INET, SOCK_STREAM, 0), address); read(listener)`,
    'a connection is waiting',
  ],
  [
    'a byte',
    `const [a, b] = pair(); sys.send(a, bytes('x'), 0); read(b); check(recv(b), 1)`,
    '1 byte can be read',
  ],
  [
    'bytes',
    `const [a, b] = pair(); sys.send(a, bytes('four'), 0); read(b); check(recv(b), 4)`,
    '4 bytes can be read',
  ],
  [
    'bytes, then a half-close',
    `const [a, b] = pair(); sys.send(a, bytes('four'), 0); sys.shutdown(a, SHUT_WR); read(b); check(recv(b), 4); check(recv(b), 0)`,
    '4 bytes can be read, and after them the end',
  ],
  [
    'bytes, then a reset',
    `const [a, b] = pair(); sys.send(a, bytes('four'), 0); reset(a); read(b); check(recv(b), 4)`,
    '4 bytes can be read, and after them a reset',
  ],
  [
    'an end',
    `const [a, b] = pair(); sys.close(a); read(b); check(recv(b), 0)`,
    'the peer has closed: recv returns 0 bytes',
  ],
  [
    'a half-close',
    `const [a, b] = pair(); sys.shutdown(a, SHUT_WR); read(b); check(recv(b), 0)`,
    'the peer has closed: recv returns 0 bytes',
  ],
  [
    'a reset',
    `const [a, b] = pair(); reset(a); read(b); check(recv(b) < 0, true)`,
    'the peer has reset the connection',
  ],
  ['room', `const [a, b] = pair(); write(b); check(sys.send(b, bytes('x'), 0), 1)`, 'there is room to send'],
  [
    'a reset, where it waits to write',
    `const [a, b] = pair(); reset(a); read(b); write(b); check(sys.send(b, bytes('x'), 0) < 0, true)`,
    'the peer does not read any more: a send fails',
  ],
  [
    'a connection that is made',
    `const a = sys.socket(AF_INET, SOCK_STREAM, 0); nonBlocking(a); sys.connect(a, address); write(a)`,
    'it is connected',
  ],
  [
    'a connection that fails',
    `const a = sys.socket(AF_INET, SOCK_STREAM, 0); nonBlocking(a); sys.close(listener); check(sys.connect(a, address) < 0, true); write(a)`,
    'the connection has failed',
  ],
  [
    'urgent data',
    `const [a, b] = pair(); sys.send(a, bytes('!'), MSG_OOB); sys.select(null, null, Int32Array.of(b), null)`,
    'urgent data has come',
  ],
  ['a pipe', `const [r, w] = sys.pipe(); sys.write(w, bytes('xy')); read(r)`, '2 bytes can be read'],
  [
    'a pipe, closed behind bytes',
    `const [r, w] = sys.pipe(); sys.write(w, bytes('xy')); sys.close(w); read(r)`,
    '2 bytes can be read, and after them the end',
  ],
  [
    'a pipe that is hung up',
    `const [r, w] = sys.pipe(); sys.close(w); read(r); check(sys.read(r, new Uint8Array(9)), 0)`,
    'the end: read returns 0 bytes',
  ],
  [
    'a pipe whose reader has gone',
    `const [r, w] = sys.pipe(); sys.close(r); write(w); check(sys.write(w, bytes('x')) < 0, true)`,
    'the peer does not read any more: a send fails',
  ],
  ['a timeout', `check(read(listener, 0.02), 0)`, 'nothing was ready within 20 ms'],
  ['a timeout of 0', `check(read(listener, 0), 0)`, 'nothing is ready'],
  [
    'a closed descriptor',
    `const [r, w] = sys.pipe(); sys.close(r); check(read(r) < 0, true)`,
    'it is not open',
  ],
])('%s', async (_, script, sentence) => {
  expect((await sentences(script)).at(-1)).toBe(sentence);
});

test('the end of stdin', async () => {
  const child = new Process(process.execPath, ['--input-type=module', '--eval', `${PRELUDE}read(0)`]);
  child.endInput();
  expect(await child.exit, child.stderr).toBe(0);
  expect(child.stdout).toContain('"the end: read returns 0 bytes"');
});

test('a signal', async () => {
  const script = `
const { reasonsFor } = await import('./dist/teach/trace/readiness.js');
process.stdout.write(JSON.stringify({ why: reasonsFor(sys, new Map(), { result: -1, errno: 'EINTR' }, {}) }) + '\\n')`;
  expect(await sentences(script)).toEqual(['a signal has interrupted the wait']);
});
