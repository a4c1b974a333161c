/** Sockets and other descriptors in the states that tests want, closed when the test ends; and waiting for them. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errno, OSError, select } from 'posix-select';
import {
  type Address,
  AF_UNIX,
  createConnection,
  createServer,
  pipe,
  SO_LINGER,
  SOCK_STREAM,
  SOL_SOCKET,
  Socket,
  socketpair,
} from 'posix-select/socket';
import { afterAll, expect, onTestFinished } from 'vitest';
import { until } from './process.js';

export const HERE = '127.0.0.1';

export function own<T extends { close(): void }>(resource: T): T {
  onTestFinished(() => resource.close());
  return resource;
}

export function pair(): [Socket, Socket] {
  const [a, b] = socketpair();
  return [own(a), own(b)];
}

/** A Socket owns any descriptor: fileno() and close() are all that a pipe needs. */
export function pipeEnds(): [readEnd: Socket, writeEnd: Socket] {
  const [r, w] = pipe().map((fd) => own(new Socket(AF_UNIX, SOCK_STREAM, 0, fd)));
  return [r, w];
}

/** The repository's package.json, for reading. */
export function regularFile(): number {
  const fd = openSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'r');
  onTestFinished(() => closeSync(fd));
  return fd;
}

/** Two connected TCP sockets: the one that connected, the one that was accepted. */
export function tcp(): [client: Socket, server: Socket] {
  using listener = createServer([HERE, 0]);
  const client = own(createConnection(listener.getsockname()));
  return [client, own(listener.accept()[0])];
}

/** Closes with a reset instead of an end of the stream. */
export function reset(socket: Socket): void {
  socket.setsockopt(SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0));
  socket.close();
}

/** A connection that is under way and will be refused: its port is taken, and nobody listens there. */
export function refused(): Socket {
  const port = own(new Socket());
  port.bind([HERE, 0]);
  const socket = own(new Socket());
  socket.setblocking(false);
  expect(socket.connectEx(port.getsockname())).toBe(errno.EINPROGRESS);
  return socket;
}

/** A port that refuses connections while the test runs. */
export function refusingPort(): number {
  const bound = own(new Socket());
  bound.bind([HERE, 0]);
  return (bound.getsockname() as [string, number])[1];
}

/** Writes until not a byte more is taken. */
export function fill(end: Socket): void {
  end.setblocking(false);
  const data = Buffer.alloc(4096);
  for (const chunk of [data, data.subarray(0, 1)]) {
    expect(() => {
      while (true) writeSync(end.fileno(), chunk);
    }).toThrow('EAGAIN');
  }
}

/** Opens a socket with this number, which must be free. */
export function reuse(fd: number): Socket {
  const socket = new Socket();
  if (socket.fileno() > fd) throw new Error(`descriptor ${fd} is not free`);
  if (socket.fileno() === fd) return own(socket);
  try {
    return reuse(fd);
  } finally {
    socket.close();
  }
}

/** Waits until the socket can be read: on loopback too, what a peer does may take a while to arrive. */
export function settle(socket: Socket): Socket {
  expect(select([socket], [], [], 20)[0]).toEqual([socket]);
  return socket;
}

/** What the call throws: its code, or else its class; and its message. */
export function thrown(call: () => unknown): [kind: string, message: string] {
  try {
    call();
  } catch (err) {
    const { code, name, message } = err as Error & { code?: string };
    return [code ?? name, message];
  }
  throw new Error('it did not throw');
}

/** The read end of a pipe: it can be read if there is data, and else it is idle. */
export function readEnd(data = ''): number {
  const fds = pipe();
  onTestFinished(() => fds.forEach(closeSync));
  if (data) writeSync(fds[1], data);
  return fds[0];
}

/** The number of a descriptor that has just been closed: the lowest there is. */
export function closedFd(): number {
  const fds = pipe();
  fds.forEach(closeSync);
  return fds[0];
}

/** Gives the paths of a temporary folder, each once. It is removed when all tests of the file have ended. */
export function temporaryPaths(): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let n = 0;
  return () => join(folder, String(n++));
}

/** Closes the sockets when the test ends. */
export function kept<T extends Socket[]>(...sockets: T): T {
  sockets.forEach(own);
  return sockets;
}

export const isReadable = (s: Socket) => select([s], [], [], 0)[0].length > 0;
export const isWritable = (s: Socket) => select([], [s], [], 0)[1].length > 0;
export const readable = (s: Socket) => until(`${s} is readable`, () => isReadable(s));
export const writable = (s: Socket) => until(`${s} is writable`, () => isWritable(s));

export async function accept(server: Socket): Promise<[Socket, Address]> {
  await readable(server);
  const [conn, address] = server.accept();
  kept(conn);
  return [conn, address];
}

/** What comes until the end of the stream, or until there are n bytes. */
export async function drain(s: Socket, n = Infinity): Promise<string> {
  let text = '';
  while (text.length < n) {
    await readable(s);
    const data = s.recv(65_536);
    if (data.length === 0) break;
    text += data.toString('latin1');
  }
  return text;
}

/** The code of the OSError that a call fails with. */
export function failure(call: () => unknown): string {
  try {
    call();
  } catch (err) {
    if (err instanceof OSError) return err.code;
    throw err;
  }
  return 'none';
}
