/**
 * Asks the kernel for one TCP socket by its addresses (Linux, sock_diag(7)): quick, where reading the whole table of
 * /proc/net/tcp takes milliseconds.
 */
import { isIP, isIPv4 } from 'node:net';
import { platform } from 'node:process';
import { sys } from '../../posix/sys.js';
import { TCP_STATES, type TcpAddress, type TcpSocket } from './proc.js';

const [AF_INET, AF_INET6, AF_NETLINK] = [2, 10, 16];
const [SOCK_RAW, SOCK_CLOEXEC] = [3, 0o2000000];
const [NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, IPPROTO_TCP] = [4, 20, 1, 6];
const MSG_DONTWAIT = 0x40;

/** struct nlmsghdr, then struct inet_diag_req_v2. */
const REQUEST_BYTES = 72;
const ANSWER_BYTES = 4096;
/** Of what stands in an answer: struct nlmsghdr, then struct inet_diag_msg. */
const AT = { type: 4, state: 17, unread: 72, unsent: 76, inode: 84, end: 88 };

/** Undefined until it is known whether there is one. */
let netlink: number | undefined;

/** @returns undefined when there is no such socket; null where the kernel cannot be asked */
export function askForSocket(local: TcpAddress, remote: TcpAddress): TcpSocket | undefined | null {
  netlink ??= platform === 'linux' ? sys.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) : -1;
  if (netlink < 0) return null;
  const answer = Buffer.alloc(ANSWER_BYTES);
  if (sys.send(netlink, request(local, remote), 0) < 0) return null;
  const length = sys.recv(netlink, answer, ANSWER_BYTES, MSG_DONTWAIT);
  if (length < 0) return null;
  if (length < AT.end || answer.readUInt16LE(AT.type) !== SOCK_DIAG_BY_FAMILY) return undefined;
  return {
    local,
    remote,
    state: TCP_STATES[(answer[AT.state] ?? 0) - 1] ?? 'unknown',
    unread: answer.readUInt32LE(AT.unread),
    unsent: answer.readUInt32LE(AT.unsent),
    inode: answer.readUInt32LE(AT.inode),
  };
}

function request([localHost, localPort]: TcpAddress, [remoteHost, remotePort]: TcpAddress): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt32LE(REQUEST_BYTES, 0);
  bytes.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST, 6);
  const isShort = isIPv4(localHost) && isIPv4(remoteHost);
  bytes[16] = isShort ? AF_INET : AF_INET6;
  bytes[17] = IPPROTO_TCP;
  bytes.writeUInt32LE(0xffffffff, 20); // all states
  bytes.writeUInt16BE(localPort, 24);
  bytes.writeUInt16BE(remotePort, 26);
  packed(localHost).copy(bytes, 28);
  packed(remoteHost).copy(bytes, 44);
  bytes.fill(0xff, 64); // any cookie
  return bytes;
}

/** An address in network byte order. */
function packed(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number));
  if (isIP(host) === 0) return Buffer.alloc(0);
  const [head = '', tail = ''] = host.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill('0');
  const all = [...groups(head), ...(host.includes('::') ? zeros : []), ...groups(tail)];
  return Buffer.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}
