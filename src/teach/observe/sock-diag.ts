/**
 * Asks the kernel for TCP sockets (Linux, sock_diag(7)): for one by its addresses, or for all that are open. That is
 * quick; to read /proc/net/tcp takes milliseconds, as it lists the connections of the last minute, too.
 */
import { isIP, isIPv4 } from 'node:net';
import { platform } from 'node:process';
import { sys } from '../../posix/sys.js';
import { hostOf, TCP_STATES, type TcpAddress, type TcpSocket } from './proc.js';

const [AF_INET, AF_INET6, AF_NETLINK] = [2, 10, 16];
const [SOCK_RAW, SOCK_CLOEXEC] = [3, 0o2000000];
const [NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, IPPROTO_TCP] = [4, 20, 6];
const [NLM_F_REQUEST, NLM_F_DUMP] = [1, 0x300];
const NLMSG_DONE = 3;
const MSG_DONTWAIT = 0x40;

const ALL_STATES = 0xffffffff;
/** A socket has no descriptor before it is accepted, and none in TIME_WAIT. */
const WITHOUT_DESCRIPTOR = ['TIME_WAIT', 'SYN_RECV'].map((state) => TCP_STATES.indexOf(state) + 1);
const STATES = WITHOUT_DESCRIPTOR.reduce((mask, bit) => mask - 2 ** bit, ALL_STATES);

/** struct nlmsghdr, then struct inet_diag_req_v2. */
const [HEADER_BYTES, REQUEST_BYTES] = [16, 72];
const ANSWER_BYTES = 32_768;
/** Of what stands in an answer: struct nlmsghdr, then struct inet_diag_msg. */
const AT = {
  length: 0,
  type: 4,
  family: 16,
  state: 17,
  localPort: 20,
  remotePort: 22,
  localHost: 24,
  remoteHost: 40,
  unread: 72,
  unsent: 76,
  inode: 84,
  end: 88,
};

/** Undefined until it is known whether there is one. */
let netlink: number | undefined;

/** @returns undefined when there is no such socket; null where the kernel cannot be asked */
export function askForSocket(local: TcpAddress, remote: TcpAddress): TcpSocket | undefined | null {
  netlink ??= platform === 'linux' ? sys.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) : -1;
  if (netlink < 0) return null;
  if (sys.send(netlink, request(local, remote), 0) < 0) return null;
  const answer = receive(netlink);
  if (!answer) return null;
  if (answer.length < AT.end || answer.readUInt16LE(AT.type) !== SOCK_DIAG_BY_FAMILY) return undefined;
  return { ...contentsOf(answer), local, remote };
}

/**
 * TCP sockets of this process's network that may have a descriptor.
 *
 * @param inodes of those that are wanted: it stops when all have been found
 * @returns null where the kernel cannot be asked
 */
export function openSockets(inodes?: Set<number>): TcpSocket[] | null {
  const found: TcpSocket[] = [];
  for (const family of [AF_INET, AF_INET6]) {
    if (inodes && found.length >= inodes.size) break;
    const sockets = socketsOf(family, inodes);
    if (!sockets) return null;
    found.push(...sockets);
  }
  return found;
}

function socketsOf(family: number, inodes?: Set<number>): TcpSocket[] | null {
  if (platform !== 'linux') return null;
  // One of its own: an answer that is broken off would hinder the next request.
  const socket = sys.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (socket < 0) return null;
  try {
    if (sys.send(socket, header(family, NLM_F_REQUEST | NLM_F_DUMP, STATES), 0) < 0) return null;
    const found: TcpSocket[] = [];
    for (;;) {
      const answer = receive(socket);
      if (!answer) return null;
      for (const message of messagesIn(answer)) {
        const type = message.readUInt16LE(AT.type);
        if (type === NLMSG_DONE) return found;
        if (type !== SOCK_DIAG_BY_FAMILY || message.length < AT.end) return null;
        const { inode } = contentsOf(message);
        if (inodes?.has(inode) ?? true) found.push({ ...contentsOf(message), ...endsOf(message) });
      }
    }
  } finally {
    sys.close(socket);
  }
}

/** What has been received stands in it until the next answer. */
const buffer = Buffer.alloc(ANSWER_BYTES);

function receive(socket: number): Buffer | undefined {
  const length = sys.recv(socket, buffer, ANSWER_BYTES, MSG_DONTWAIT);
  return length < 0 ? undefined : buffer.subarray(0, length);
}

/** Each begins with its length, at a multiple of 4. */
function messagesIn(answer: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= answer.length; ) {
    const length = answer.readUInt32LE(at + AT.length);
    if (length < HEADER_BYTES) break;
    messages.push(answer.subarray(at, at + length));
    at += (length + 3) & ~3;
  }
  return messages;
}

function contentsOf(message: Buffer): Pick<TcpSocket, 'state' | 'unread' | 'unsent' | 'inode'> {
  return {
    state: TCP_STATES[(message[AT.state] ?? 0) - 1] ?? 'unknown',
    unread: message.readUInt32LE(AT.unread),
    unsent: message.readUInt32LE(AT.unsent),
    inode: message.readUInt32LE(AT.inode),
  };
}

function endsOf(message: Buffer): Pick<TcpSocket, 'local' | 'remote'> {
  const bytes = message[AT.family] === AF_INET ? 4 : 16;
  const host = (at: number) => hostOf([...message.subarray(at, at + bytes)]);
  return {
    local: [host(AT.localHost), message.readUInt16BE(AT.localPort)],
    remote: [host(AT.remoteHost), message.readUInt16BE(AT.remotePort)],
  };
}

function header(family: number, flags: number, states: number): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt32LE(REQUEST_BYTES, AT.length);
  bytes.writeUInt16LE(SOCK_DIAG_BY_FAMILY, AT.type);
  bytes.writeUInt16LE(flags, 6);
  bytes[16] = family;
  bytes[17] = IPPROTO_TCP;
  bytes.writeUInt32LE(states, 20);
  return bytes;
}

function request([localHost, localPort]: TcpAddress, [remoteHost, remotePort]: TcpAddress): Buffer {
  const family = isIPv4(localHost) && isIPv4(remoteHost) ? AF_INET : AF_INET6;
  const bytes = header(family, NLM_F_REQUEST, ALL_STATES);
  bytes.writeUInt16BE(localPort, 24);
  bytes.writeUInt16BE(remotePort, 26);
  packed(localHost, family).copy(bytes, 28);
  packed(remoteHost, family).copy(bytes, 44);
  bytes.fill(0xff, 64); // any cookie
  return bytes;
}

/** An address in network byte order. */
function packed(host: string, family: number): Buffer {
  if (isIPv4(host)) {
    const bytes = host.split('.').map(Number);
    return Buffer.from(family === AF_INET ? bytes : [...Array(10).fill(0), 0xff, 0xff, ...bytes]);
  }
  if (isIP(host) === 0) return Buffer.alloc(0);
  const [head = '', tail = ''] = host.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill('0');
  const all = [...groups(head), ...(host.includes('::') ? zeros : []), ...groups(tail)];
  return Buffer.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}
