/** The Socket class: a descriptor with Python's methods over POSIX's calls. */
import { inspect } from 'node:util';
import { resolve } from './address.js';
import { type BytesLike, bytesOf } from './bytes.js';
import { F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFL, O_NONBLOCK } from './posix/call-constants.js';
import { errno, OSError, type Subject, TimeoutError } from './posix/errors.js';
import { type Ancillary, packed, unpacked } from './posix/message.js';
import { POLLIN, POLLOUT } from './posix/select-constants.js';
import type { Address } from './posix/sockaddr.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SO_DOMAIN,
  SO_ERROR,
  SO_PROTOCOL,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
  SOMAXCONN,
} from './posix/socket-constants.js';
import { sys } from './posix/sys.js';
import { disown, own } from './posix/unclosed.js';
import { type Bytes, bufferFor, checkSize, received } from './recv-buffer.js';
import { repr, shown } from './repr.js';
import { SocketFile } from './socket-file.js';
import { deadlineMs, isToRetry, leftS, TIME_T_END_S, untilReady } from './wait.js';

/** A Socket for a descriptor that is open already. */
export interface SocketOptions {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  family?: number;
  /** SOCK_STREAM or SOCK_DGRAM. */
  type?: number;
  /** The protocol. */
  proto?: number;
  /** An open socket's descriptor: what else is not given, it is asked for. */
  fileno: number;
}

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
  /** Seconds that a call waits at most, on a descriptor that is non-blocking; 0 unless `settimeout` has set one. */
  #timeoutS = 0;

  /**
   * @param family AF_INET, AF_INET6 or AF_UNIX; or `{ fileno }`, which finds out the rest from the descriptor
   * @param type SOCK_STREAM or SOCK_DGRAM
   * @param proto 0 takes the family's own protocol for the type
   * @param fileno an open socket's descriptor, which the new object takes over
   * @throws OSError EMFILE when the process has no descriptor left; ENOTSOCK for a `{ fileno }` that is no socket
   */
  constructor(family: number | SocketOptions = AF_INET, type = SOCK_STREAM, proto = 0, fileno?: number) {
    if (typeof family === 'object') {
      this.#fd = openFd(family?.fileno);
      const found = kindOf(this.#fd);
      this.family = family.family ?? found.family;
      this.type = family.type ?? found.type;
      this.proto = family.proto ?? found.proto;
    } else {
      this.family = family;
      this.type = type;
      this.proto = proto;
      this.#fd = fileno === undefined ? checked(sys.socket(family, type, proto), 'socket') : openFd(fileno);
    }
    own(this, this.#fd, describe);
    if (defaultTimeoutS !== null && fileno === undefined) this.settimeout(defaultTimeoutS);
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
    let accepted = sys.accept(this.#fd);
    if (typeof accepted === 'number') accepted = this.#again(accepted, POLLIN, 'accept', sys.accept);
    const [fd, address] = accepted;
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
    const result = this.#connect(address);
    if (result === -errno.EAGAIN && this.#timeoutS)
      throw new TimeoutError('connect', { address }, this.#timeoutS);
    checked(result, 'connect', { address });
  }

  /** 0, or the negative errno; EAGAIN where the timeout is over. */
  #connect(address: Address): number {
    const result = sys.connect(this.#fd, resolve(address, this.family));
    // A connection that a signal interrupts goes on by itself: it is waited for, not begun anew (POSIX).
    const isUnderWay = this.#timeoutS ? result === -errno.EINPROGRESS : isToRetry(result);
    if (!isUnderWay) return result;
    const count = untilReady(this.#fd, POLLOUT, this.#timeoutS || null);
    if (count <= 0) return count || -errno.EAGAIN;
    return -this.getsockopt(SOL_SOCKET, SO_ERROR) || 0;
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
    return -this.#connect(address) || 0;
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
    let got = sys.recv(this.#fd, buffer, n, flags);
    if (got < 0) got = this.#again(got, POLLIN, 'recv', sys.recv, buffer, n, flags);
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
    if (length === 0) return 0;
    const got = sys.recv(this.#fd, bytes, length, flags);
    return got < 0 ? this.#again(got, POLLIN, 'recv', sys.recv, bytes, length, flags) : got;
  }

  /**
   * Receives a datagram of up to n bytes; the rest of a longer one is lost.
   *
   * @returns the bytes and the sender's address; null on a stream
   * @see man 2 recvfrom
   */
  recvfrom(n: number, flags = 0): [data: Bytes, address: Address | null] {
    const buffer = bufferFor(n);
    let answer = sys.recvfrom(this.#fd, buffer, n, flags);
    if (typeof answer === 'number')
      answer = this.#again(answer, POLLIN, 'recvfrom', sys.recvfrom, buffer, n, flags);
    const [got, address] = answer;
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
    const bytes = bytesOf(data);
    const sent = sys.send(this.#fd, bytes, flags);
    return sent < 0 ? this.#again(sent, POLLOUT, 'send', sys.send, bytes, flags) : sent;
  }

  /**
   * Sends all of it, in as many sends as it takes. A timeout is for all of them together.
   *
   * @throws OSError as `send`; how much was sent before is then unknown
   * @see Python's socket.sendall
   */
  sendall(data: BytesLike, flags = 0): void {
    const bytes = bytesOf(data);
    const deadline = deadlineMs(this.#timeoutS);
    let sent = this.send(bytes, flags);
    while (sent < bytes.length) {
      const rest = bytes.subarray(sent);
      let more = sys.send(this.#fd, rest, flags);
      if (more < 0) more = this.#againUntil(deadline, more, POLLOUT, 'sendall', sys.send, rest, flags);
      sent += more;
    }
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
    const bytes = bytesOf(data);
    let sent = sys.sendto(this.#fd, bytes, flags, to);
    if (sent === -errno.EINTR || sent === -errno.EAGAIN)
      sent = this.#again(sent, POLLOUT, 'sendto', sys.sendto, bytes, flags, to);
    return checked(sent, 'sendto', { address });
  }

  /**
   * Sends bytes with what goes beside them.
   *
   * @param buffers sent one after the other, as one message
   * @param ancillary `[level, type, data]` each: `[SOL_SOCKET, SCM_RIGHTS, Int32Array.of(fd)]` hands a descriptor over
   * @returns how many bytes were taken
   * @see man 2 sendmsg; Python's socket.sendmsg
   */
  sendmsg(
    buffers: Iterable<BytesLike>,
    ancillary: Iterable<readonly [level: number, type: number, data: BytesLike]> = [],
    flags = 0,
    address: Address | null = null,
  ): number {
    const bytes = Buffer.concat(Array.from(buffers, bytesOf));
    const records = packed(Array.from(ancillary, ([level, type, data]) => [level, type, bytesOf(data)]));
    const to = address === null ? null : resolve(address, this.family);
    const sent = sys.sendmsg(this.#fd, bytes, records, flags, to);
    return sent < 0 ? this.#again(sent, POLLOUT, 'sendmsg', sys.sendmsg, bytes, records, flags, to) : sent;
  }

  /**
   * Receives up to n bytes with what goes beside them. Descriptors come close-on-exec, and are the receiver's to close.
   *
   * @param ancillaryBytes room for it: `CMSG_SPACE(4 * n)` for n descriptors
   * @returns the bytes, the ancillary data, the message's flags (MSG_CTRUNC where the room was too small), the sender
   * @see man 2 recvmsg; Python's socket.recvmsg
   */
  recvmsg(
    n: number,
    ancillaryBytes = 0,
    flags = 0,
  ): [data: Bytes, ancillary: Ancillary[], flags: number, address: Address | null] {
    checkSize(ancillaryBytes);
    const [buffer, records] = [bufferFor(n), Buffer.alloc(ancillaryBytes)];
    let answer = sys.recvmsg(this.#fd, buffer, records, n, flags);
    if (typeof answer === 'number')
      answer = this.#again(answer, POLLIN, 'recvmsg', sys.recvmsg, buffer, records, n, flags);
    const [got, used, messageFlags, address] = answer;
    return [received(buffer, Math.min(got, n)), unpacked(records.subarray(0, used)), messageFlags, address];
  }

  /** What a call that failed gives in the end: made again after a signal, and within the timeout. */
  #again<Args extends unknown[], Result>(
    result: number,
    events: number,
    syscall: string,
    call: (fd: number, ...args: Args) => Result,
    ...args: Args
  ): Answer<Result> {
    return this.#againUntil(deadlineMs(this.#timeoutS), result, events, syscall, call, ...args);
  }

  #againUntil<Args extends unknown[], Result>(
    deadline: number,
    failed: number,
    events: number,
    syscall: string,
    call: (fd: number, ...args: Args) => Result,
    ...args: Args
  ): Answer<Result> {
    let result: Result | number = failed;
    while (typeof result === 'number' && result < 0) {
      if (this.#timeoutS && result === -errno.EAGAIN) {
        const count = untilReady(this.#fd, events, leftS(this.#timeoutS, deadline));
        if (count === 0) throw new TimeoutError(syscall, { fd: this.#fd }, this.#timeoutS);
        checked(count, 'poll', { fd: this.#fd });
      } else if (!isToRetry(result)) throw new OSError(result, syscall, { fd: this.#fd });
      result = call(this.#fd, ...args);
    }
    return result as Answer<Result>;
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
    if (blocking === undefined) throw new TypeError('setblocking takes true or false');
    this.#timeoutS = 0;
    const flags = checked(sys.fcntl(this.#fd, F_GETFL, 0), 'fcntl', { fd: this.#fd });
    const wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    if (wanted !== flags) checked(sys.fcntl(this.#fd, F_SETFL, wanted), 'fcntl', { fd: this.#fd });
  }

  /** Whether calls wait: what `setblocking` has set. */
  getblocking(): boolean {
    if (this.#timeoutS) return true;
    return (checked(sys.fcntl(this.#fd, F_GETFL, 0), 'fcntl', { fd: this.#fd }) & O_NONBLOCK) === 0;
  }

  /**
   * How long a call waits: null for ever, as a socket begins; 0 not at all, which is `setblocking(false)`.
   *
   * @param timeoutS seconds; a call that takes longer throws a TimeoutError
   * @see Python's socket.settimeout
   */
  settimeout(timeoutS: number | null): void {
    checkTimeout(timeoutS);
    this.setblocking(timeoutS === null);
    this.#timeoutS = timeoutS ?? 0;
  }

  /** The timeout in seconds; null where calls wait for ever, 0 where they do not wait. */
  gettimeout(): number | null {
    return this.#timeoutS || (this.getblocking() ? null : 0);
  }

  /**
   * A second socket object on a descriptor of its own for the same socket, close-on-exec.
   *
   * @see man 2 dup; Python's socket.dup
   */
  dup(): Socket {
    const fd = checked(sys.fcntl(this.#fd, F_DUPFD_CLOEXEC, 0), 'dup', { fd: this.#fd });
    const socket = new Socket(this.family, this.type, this.proto, fd);
    socket.#timeoutS = this.#timeoutS;
    return socket;
  }

  /**
   * A reader and writer of lines and bytes over this socket, which stays open when the file is closed.
   *
   * @param mode `'r'`, `'w'`, `'rw'`, each with `'b'` for bytes; without, UTF-8
   * @see Python's socket.makefile
   */
  makefile(mode?: 'r' | 'w' | 'rw'): SocketFile<string>;
  makefile(mode: 'rb' | 'wb' | 'rwb'): SocketFile<Bytes>;
  makefile(mode = 'r'): SocketFile<string | Bytes> {
    return new SocketFile(this, mode);
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
  if (Array.isArray(address) || address instanceof Uint8Array) return `, ${name}=${repr(address)}`;
  return `, ${name}=${address.startsWith('\0') ? repr(Buffer.from(address)) : address}`;
}

/** How a warning names a socket that nobody has closed. */
const describe = (fd: number) => `<socket.socket fd=${fd}${addressesOf(fd)}>`;

/** What a call gives where it does not fail. */
type Answer<Result> = [Extract<Result, readonly unknown[]>] extends [never]
  ? number
  : Extract<Result, readonly unknown[]>;

/** What the kernel says of a socket. @throws OSError ENOTSOCK */
function kindOf(fd: number): { family: number; type: number; proto: number } {
  const value = new Int32Array(1);
  const ask = (option: number) => {
    const bytes = new Uint8Array(value.buffer);
    checked(sys.getsockopt(fd, SOL_SOCKET, option, bytes), 'socket', { fd });
    return value[0] as number;
  };
  const type = ask(SO_TYPE);
  if (SO_DOMAIN !== undefined) return { family: ask(SO_DOMAIN), type, proto: ask(SO_PROTOCOL) };
  // macOS has no option for it: the address at this end tells.
  const address = checked(sys.getsockname(fd), 'socket', { fd });
  const family = Array.isArray(address) ? (address.length === 2 ? AF_INET : AF_INET6) : AF_UNIX;
  return { family, type, proto: 0 };
}

function checkTimeout(timeoutS: number | null): void {
  if (timeoutS === null) return;
  if (typeof timeoutS !== 'number' || Number.isNaN(timeoutS))
    throw new TypeError(`a timeout must be a number of seconds or null, not ${shown(timeoutS)}`);
  if (timeoutS < 0) throw new RangeError(`a timeout cannot be negative (${timeoutS})`);
  if (timeoutS >= TIME_T_END_S) throw new RangeError(`timeout out of range for time_t (${timeoutS})`);
}

let defaultTimeoutS: number | null = null;

/** The timeout of the sockets that are made from now on: see `Socket.settimeout`. */
export function setdefaulttimeout(timeoutS: number | null): void {
  checkTimeout(timeoutS);
  defaultTimeoutS = timeoutS;
}

/** The timeout of new sockets; null unless one was set. */
export function getdefaulttimeout(): number | null {
  return defaultTimeoutS;
}

/** The result of a system call; throws what it failed with. */
export function checked<T>(result: T | number, syscall: string, subject?: Subject): T {
  if (typeof result === 'number' && result < 0) throw new OSError(result, syscall, subject);
  return result as T;
}

/** An int as C has it in memory. */
function bytesOfInt(value: number | boolean): Uint8Array {
  const number = Number(value);
  if (!Number.isInteger(number))
    throw new TypeError(`an option must be an integer or bytes, not ${shown(value)}`);
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
