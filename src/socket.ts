/** socket as Python has it, over POSIX's calls. */
import { inspect } from 'node:util';
import { candidates, familyOf, resolve } from './address.js';
import { errno, OSError, type Subject } from './posix/errors.js';
import { F_GETFD, F_GETFL, F_SETFL, O_NONBLOCK } from './posix/fcntl-constants.js';
import type { Address } from './posix/sockaddr.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
  SOMAXCONN,
} from './posix/socket-constants.js';
import { sys } from './posix/sys.js';
import { disown, own } from './posix/unclosed.js';
import { type Bytes, bufferFor, checkSize, received } from './recv-buffer.js';
import { repr } from './repr.js';

export { familyOf } from './address.js';
export type { Address } from './posix/sockaddr.js';
export * from './posix/socket-constants.js';
export type { Bytes } from './recv-buffer.js';

/** Bytes: what `send` takes and `recvInto` fills. */
export type BytesLike = NodeJS.ArrayBufferView | ArrayBuffer;

/**
 * A socket: a descriptor with the calls that it takes. Where a call fails, OSError says which and why.
 *
 * @see man 2 socket; Python's socket.socket
 */
export class Socket implements Disposable {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  /** SOCK_STREAM or SOCK_DGRAM. */
  readonly type: number;
  /** The protocol; 0 is the family's own for the type. */
  readonly proto: number;
  #fd: number;

  /**
   * @param family AF_INET, AF_INET6 or AF_UNIX
   * @param type SOCK_STREAM or SOCK_DGRAM
   * @param proto 0 takes the family's own protocol for the type
   * @param fileno an open socket's descriptor, which the new object takes over
   * @throws OSError EMFILE when the process has no descriptor left
   */
  constructor(family = AF_INET, type = SOCK_STREAM, proto = 0, fileno?: number) {
    this.family = family;
    this.type = type;
    this.proto = proto;
    this.#fd = fileno === undefined ? checked(sys.socket(family, type, proto), 'socket') : openFd(fileno);
    own(this, this.#fd, describe);
  }

  /** The descriptor; -1 once the socket is closed or detached. */
  fileno(): number {
    return this.#fd;
  }

  /**
   * Takes the next connection off the listener's queue, and waits for one unless the socket is non-blocking.
   *
   * @returns the connection, blocking, and its peer's address
   * @throws OSError EAGAIN where none is waiting on a non-blocking socket; EMFILE, ECONNABORTED
   * @see man 2 accept
   */
  accept(): [conn: Socket, address: Address] {
    const [fd, address] = checked(sys.accept(this.#fd), 'accept', { fd: this.#fd });
    return [new Socket(this.family, this.type, this.proto, fd), address];
  }

  /**
   * Gives the socket an address at this end.
   *
   * @param address `[host, port]`: the host a name, numeric, or `''` for all interfaces; a path for AF_UNIX
   * @throws OSError EADDRINUSE, EACCES, EADDRNOTAVAIL; EAI_NONAME for an unknown host
   * @see man 2 bind
   */
  bind(address: Address): void {
    checked(sys.bind(this.#fd, resolve(address, this.family)), 'bind', { address });
  }

  /**
   * Lets the socket take connections.
   *
   * @param backlog how many may wait to be accepted, at most
   * @see man 2 listen
   */
  listen(backlog: number = SOMAXCONN): void {
    checked(sys.listen(this.#fd, backlog), 'listen', { fd: this.#fd });
  }

  /**
   * Connects to a peer; on a datagram socket, sets the address for `send`.
   *
   * @throws OSError ECONNREFUSED, ETIMEDOUT; EINPROGRESS on a non-blocking socket; EAI_NONAME for an unknown host
   * @see man 2 connect
   */
  connect(address: Address): void {
    checked(sys.connect(this.#fd, resolve(address, this.family)), 'connect', { address });
  }

  /**
   * `connect`, with the error as an answer.
   *
   * @returns 0 or the errno: `errno.EINPROGRESS` on a non-blocking socket. Once select() calls the socket
   *   writable, `getsockopt(SOL_SOCKET, SO_ERROR)` tells how it went
   * @throws OSError EAI_NONAME for an unknown host
   * @see Python's socket.connect_ex
   */
  connectEx(address: Address): number {
    return -sys.connect(this.#fd, resolve(address, this.family)) || 0;
  }

  /**
   * Receives up to n bytes, and waits for some unless the socket is non-blocking.
   *
   * @param n bytes, at most
   * @param flags MSG_PEEK, MSG_DONTWAIT, MSG_OOB …
   * @returns what has come; empty at the end of the stream
   * @throws OSError EAGAIN where nothing is there on a non-blocking socket; ECONNRESET
   * @see man 2 recv
   */
  recv(n: number, flags = 0): Bytes {
    const buffer = bufferFor(n);
    if (n === 0) return received(buffer, 0);
    const got = checked(sys.recv(this.#fd, buffer, n, flags), 'recv', { fd: this.#fd });
    return received(buffer, Math.min(got, n));
  }

  /**
   * `recv` into memory that is there already.
   *
   * @param n bytes at most, the buffer's size unless given
   * @returns how many bytes have come; 0 at the end of the stream
   */
  recvInto(buffer: BytesLike, n?: number, flags = 0): number {
    const bytes = bytesOf(buffer);
    const length = n ?? bytes.length;
    return length === 0 ? 0 : checked(sys.recv(this.#fd, bytes, length, flags), 'recv', { fd: this.#fd });
  }

  /**
   * Receives a datagram of up to n bytes; the rest of a longer one is lost.
   *
   * @returns the bytes and the sender's address; null on a stream
   * @see man 2 recvfrom
   */
  recvfrom(n: number, flags = 0): [data: Bytes, address: Address | null] {
    const buffer = bufferFor(n);
    const [got, address] = checked(sys.recvfrom(this.#fd, buffer, n, flags), 'recvfrom', { fd: this.#fd });
    return [received(buffer, Math.min(got, n)), address];
  }

  /**
   * Sends what the socket takes at once, or waits until it takes some unless it is non-blocking.
   *
   * @returns how many bytes were taken: it may be fewer than there are
   * @throws OSError EPIPE or ECONNRESET when the peer is gone; EAGAIN on a non-blocking socket that is full
   * @see man 2 send
   */
  send(data: BytesLike, flags = 0): number {
    return checked(sys.send(this.#fd, bytesOf(data), flags), 'send', { fd: this.#fd });
  }

  /**
   * Sends all of it, in as many sends as it takes.
   *
   * @throws OSError as `send`; how much was sent before is then unknown
   * @see Python's socket.sendall
   */
  sendall(data: BytesLike, flags = 0): void {
    const bytes = bytesOf(data);
    let sent = this.send(bytes, flags);
    while (sent < bytes.length) sent += this.send(bytes.subarray(sent), flags);
  }

  /**
   * Sends a datagram: `sendto(data, address)` or `sendto(data, flags, address)`.
   *
   * @returns how many bytes were taken
   * @see man 2 sendto
   */
  sendto(data: BytesLike, address: Address): number;
  sendto(data: BytesLike, flags: number, address: Address): number;
  sendto(data: BytesLike, ...rest: [Address] | [number, Address]): number {
    const [flags, address] = rest.length === 1 ? [0, rest[0]] : rest;
    const to = resolve(address, this.family);
    return checked(sys.sendto(this.#fd, bytesOf(data), flags, to), 'sendto', { address });
  }

  /**
   * Ends one direction of the connection, or both: after SHUT_WR the peer reads the end of the stream.
   *
   * @param how SHUT_RD, SHUT_WR or SHUT_RDWR
   * @see man 2 shutdown
   */
  shutdown(how: number): void {
    checked(sys.shutdown(this.#fd, how), 'shutdown', { fd: this.#fd });
  }

  /** Closes the descriptor; closing again does nothing. */
  close(): void {
    const fd = this.detach();
    if (fd < 0) return;
    const result = sys.close(fd);
    // The descriptor is gone all the same when the peer's reset is reported here (Python ignores it too).
    if (result !== -errno.ECONNRESET) checked(result, 'close', { fd });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Gives the descriptor away: the object is as if closed, the descriptor stays open.
   *
   * @returns the descriptor, -1 when there was none
   */
  detach(): number {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd >= 0) disown(this, fd);
    return fd;
  }

  /**
   * The address at this end.
   *
   * @see man 2 getsockname
   */
  getsockname(): Address {
    return checked(sys.getsockname(this.#fd), 'getsockname', { fd: this.#fd });
  }

  /**
   * The address at the peer's end.
   *
   * @throws OSError ENOTCONN once the peer has reset the connection: keep the address that `accept` gave
   * @see man 2 getpeername
   */
  getpeername(): Address {
    return checked(sys.getpeername(this.#fd), 'getpeername', { fd: this.#fd });
  }

  /**
   * Reads an option that is an int.
   *
   * @param level SOL_SOCKET, IPPROTO_TCP …
   * @param option SO_ERROR, SO_RCVBUF, TCP_NODELAY …
   * @see man 2 getsockopt; man 7 socket
   */
  getsockopt(level: number, option: number): number;
  /**
   * Reads an option that is no int.
   *
   * @param size bytes to read, at most
   * @returns the bytes
   */
  getsockopt(level: number, option: number, size: number): Buffer;
  getsockopt(level: number, option: number, size?: number): number | Buffer {
    if (size !== undefined) checkSize(size);
    const value = size === undefined ? Buffer.from(new Int32Array(1).buffer) : Buffer.alloc(size);
    const got = checked(sys.getsockopt(this.#fd, level, option, value), 'getsockopt', { fd: this.#fd });
    return size === undefined ? (new Int32Array(value.buffer)[0] as number) : value.subarray(0, got);
  }

  /**
   * Sets an option.
   *
   * @param value an int, a boolean, or the bytes of a struct (SO_LINGER: two ints, on and seconds)
   * @see man 2 setsockopt; man 7 socket
   */
  setsockopt(level: number, option: number, value: number | boolean | BytesLike): void {
    const bytes =
      typeof value === 'number' || typeof value === 'boolean' ? bytesOfInt(value) : bytesOf(value);
    checked(sys.setsockopt(this.#fd, level, option, bytes), 'setsockopt', { fd: this.#fd });
  }

  /** Whether calls wait (true, as a socket begins) or fail with EAGAIN where they would. */
  setblocking(blocking: boolean): void {
    const flags = checked(sys.fcntl(this.#fd, F_GETFL, 0), 'fcntl', { fd: this.#fd });
    const wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    if (wanted !== flags) checked(sys.fcntl(this.#fd, F_SETFL, wanted), 'fcntl', { fd: this.#fd });
  }

  /** Whether calls wait: what `setblocking` has set. */
  getblocking(): boolean {
    return (checked(sys.fcntl(this.#fd, F_GETFL, 0), 'fcntl', { fd: this.#fd }) & O_NONBLOCK) === 0;
  }

  /** As Python shows it: `<socket.socket fd=5, family=2, type=1, proto=0, laddr=('127.0.0.1', 80)>` */
  toString(): string {
    const { family, type, proto } = this;
    const state = this.#fd < 0 ? ' [closed]' : '';
    return `<socket.socket${state} fd=${this.#fd}, family=${family}, type=${type}, proto=${proto}${addressesOf(this.#fd)}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** `, laddr=…, raddr=…`: those that the socket has. */
function addressesOf(fd: number): string {
  if (fd < 0) return '';
  const laddr = sys.getsockname(fd);
  const raddr = sys.getpeername(fd);
  return addressField('laddr', laddr) + addressField('raddr', raddr);
}

/** Python shows a path bare, and an abstract name as bytes. */
function addressField(name: string, address: Address | number): string {
  if (typeof address === 'number' || address === '') return '';
  if (typeof address !== 'string') return `, ${name}=${repr(address)}`;
  return `, ${name}=${address.startsWith('\0') ? repr(Buffer.from(address)) : address}`;
}

/** How a warning names a socket that nobody has closed. */
const describe = (fd: number) => `<socket.socket fd=${fd}${addressesOf(fd)}>`;

/** The result of a system call; throws what it failed with. */
function checked<T>(result: T | number, syscall: string, subject?: Subject): T {
  if (typeof result === 'number' && result < 0) throw new OSError(result, syscall, subject);
  return result as T;
}

function bytesOf(data: BytesLike): Uint8Array {
  if (data instanceof Uint8Array && data.length > 0) return data;
  if (!ArrayBuffer.isView(data) && !(data instanceof ArrayBuffer)) {
    const found = typeof data === 'string' ? 'a string: Buffer.from(text) makes bytes of it' : repr(data);
    throw new TypeError(`a bytes-like object is required, not ${found}`);
  }
  try {
    if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
    // An array whose memory was taken away is empty until one of its methods is called: that throws.
    if ('keys' in data) (data as Uint8Array).keys();
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  } catch (cause) {
    throw new TypeError('the bytes have no memory any more: it was transferred, or it shrank', { cause });
  }
}

/** An int as C has it in memory. */
function bytesOfInt(value: number | boolean): Uint8Array {
  const number = Number(value);
  if (!Number.isInteger(number)) throw new TypeError(`an option must be an integer or bytes, not ${value}`);
  if (number !== (number | 0)) throw new RangeError(`an option must fit an int (${value})`);
  return bytesOf(Int32Array.of(number));
}

/** A descriptor that a caller gives, checked to be open. */
function openFd(fd: number): number {
  if (!Number.isInteger(fd)) throw new TypeError('fileno must be an integer');
  if (fd < 0 || fd !== (fd | 0)) throw new RangeError(`fileno must be a descriptor (${fd})`);
  checked(sys.fcntl(fd, F_GETFD, 0), 'socket', { fd });
  return fd;
}

/** What `createServer` and `Listener` can be told beside the address. */
export interface ServerOptions {
  /** AF_INET, AF_INET6 or AF_UNIX; unless given, what the address asks for. */
  family?: number;
  /** How many connections may wait to be accepted, at most. */
  backlog?: number;
  /** Lets several sockets bind the same address, and spreads the connections over them. */
  reusePort?: boolean;
  /** Lets an AF_INET6 socket take IPv4 connections too, as `::ffff:127.0.0.1`. */
  dualstackIpv6?: boolean;
}

/**
 * A listening stream socket: socket(2), SO_REUSEADDR, bind(2), listen(2).
 *
 * @param address `[host, port]`, port 0 for a free one, host `''` for all interfaces; or a path
 * @throws OSError EADDRINUSE, EACCES, EADDRNOTAVAIL; EAI_NONAME for an unknown host
 * @see Python's socket.create_server
 */
export function createServer(address: Address, options: ServerOptions = {}): Socket {
  const { family = familyOf(address), backlog, reusePort = false, dualstackIpv6 = false } = options;
  const server = new Socket(family, SOCK_STREAM);
  try {
    if (family !== AF_UNIX) server.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    if (reusePort) server.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    if (family === AF_INET6) server.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, !dualstackIpv6);
    server.bind(address);
    server.listen(backlog);
    return server;
  } catch (err) {
    server.close();
    throw err;
  }
}

/**
 * A stream socket connected to a host: its addresses are tried one after the other.
 *
 * @param address `[host, port]`, or a path
 * @throws OSError of the last address that was tried; EAI_NONAME for an unknown host
 * @see Python's socket.create_connection
 */
export function createConnection(address: Address): Socket {
  let failure: unknown;
  for (const [family, candidate] of candidates(address)) {
    const socket = new Socket(family, SOCK_STREAM);
    try {
      socket.connect(candidate);
      return socket;
    } catch (err) {
      socket.close();
      failure = err;
    }
  }
  throw failure;
}

/**
 * Two sockets that are connected to each other.
 *
 * @see man 2 socketpair
 */
export function socketpair(family = AF_UNIX, type = SOCK_STREAM, proto = 0): [Socket, Socket] {
  const [a, b] = checked(sys.socketpair(family, type, proto), 'socketpair');
  return [new Socket(family, type, proto, a), new Socket(family, type, proto, b)];
}

/**
 * A pipe: two bare descriptors, for `fs.readSync`, `fs.writeSync` and `fs.closeSync`.
 *
 * @see man 2 pipe; Python's os.pipe
 */
export function pipe(): [readEnd: number, writeEnd: number] {
  return checked(sys.pipe(), 'pipe');
}
