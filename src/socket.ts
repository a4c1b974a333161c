/** socket as Python has it, over POSIX's calls. */
import { candidates, familyOf } from './address.js';
import { type BytesLike, bytesOf } from './bytes.js';
import { OSError } from './posix/errors.js';
import { type Ancillary, CMSG_SPACE } from './posix/message.js';
import type { Address } from './posix/sockaddr.js';
import {
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SCM_RIGHTS,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
} from './posix/socket-constants.js';
import { sys } from './posix/sys.js';
import type { Bytes } from './recv-buffer.js';
import { shown } from './repr.js';
import { checked, getdefaulttimeout, Socket } from './socket-object.js';

export {
  type AddressInfo,
  familyOf,
  getaddrinfo,
  gethostbyname,
  gethostname,
  htonl,
  htons,
  inetNtop,
  inetPton,
  ntohl,
  ntohs,
} from './address.js';
export type { BytesLike } from './bytes.js';
export { gaierror, TimeoutError } from './posix/errors.js';
export { type Ancillary, CMSG_LEN, CMSG_SPACE } from './posix/message.js';
export type { Address } from './posix/sockaddr.js';
export * from './posix/socket-constants.js';
export type { Bytes } from './recv-buffer.js';
export { SocketFile } from './socket-file.js';
export {
  getdefaulttimeout,
  Socket,
  type SocketOptions,
  setdefaulttimeout,
} from './socket-object.js';

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
 * @param address `[host, port]`, port 0 for a free one, host `''` for all interfaces; or a path with a `/` in it
 * @throws OSError EADDRINUSE, EACCES, EADDRNOTAVAIL; EAI_NONAME for an unknown host
 * @see Python's socket.create_server
 */
export function createServer(address: Address, options: ServerOptions = {}): Socket {
  const {
    family = familyOf(address),
    backlog,
    reusePort = false,
    dualstackIpv6 = false,
    ...unknown
  } = options;
  const [name] = typeof options === 'object' ? Object.keys(unknown) : [shown(options)];
  if (name !== undefined)
    throw new TypeError(`options are { family, backlog, reusePort, dualstackIpv6 }, not ${name}`);
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
 * @param address `[host, port]`, or a path with a `/` in it
 * @param timeoutS seconds that each address is tried, and that the socket keeps: see `Socket.settimeout`
 * @param sourceAddress the address at this end
 * @throws OSError of the last address that was tried, a TimeoutError where it took too long; gaierror for an unknown host
 * @see Python's socket.create_connection
 */
export function createConnection(
  address: Address,
  timeoutS: number | null = getdefaulttimeout(),
  sourceAddress?: Address,
): Socket {
  let failure: unknown;
  for (const [family, candidate] of candidates(address)) {
    const socket = new Socket(family, SOCK_STREAM);
    try {
      if (timeoutS !== null) socket.settimeout(timeoutS);
      if (sourceAddress !== undefined) socket.bind(sourceAddress);
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

/**
 * Hands descriptors to the process at the other end of an AF_UNIX socket.
 *
 * @returns how many bytes were taken
 * @throws TypeError for what is no descriptor: of a Socket give the `fileno()`
 * @see Python's socket.send_fds
 */
export function sendFds(sock: Socket, buffers: Iterable<BytesLike>, fds: Iterable<number>): number {
  const rights: Ancillary = [SOL_SOCKET, SCM_RIGHTS, bytesOf(Int32Array.from(fds, descriptor))];
  return sock.sendmsg(buffers, [rights]);
}

function descriptor(fd: number): number {
  if (fd !== (fd | 0)) throw new TypeError(`a descriptor must be an int, not ${shown(fd)}`);
  return fd;
}

/**
 * Receives up to n bytes and up to maxFds descriptors, close-on-exec.
 *
 * @see Python's socket.recv_fds
 */
export function recvFds(
  sock: Socket,
  n: number,
  maxFds: number,
  flags = 0,
): [data: Bytes, fds: number[], flags: number, address: Address | null] {
  const [data, ancillary, messageFlags, address] = sock.recvmsg(n, CMSG_SPACE(4 * maxFds), flags);
  const fds = ancillary
    .filter(([level, type]) => level === SOL_SOCKET && type === SCM_RIGHTS)
    .flatMap(([, , bytes]) => [...new Int32Array(new Uint8Array(bytes).buffer)]);
  return [data, fds, messageFlags, address];
}

/** Whether one listener can take IPv4 and IPv6 connections. @see Python's socket.has_dualstack_ipv6 */
export function hasDualstackIPv6(): boolean {
  try {
    const sock = new Socket(AF_INET6, SOCK_STREAM);
    try {
      sock.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0);
      return true;
    } finally {
      sock.close();
    }
  } catch (err) {
    if (err instanceof OSError) return false;
    throw err;
  }
}

/** Python's name for the class. */
export { Socket as SocketType };
