/** A call as strace(1) shows it. */
import { isIPv6 } from 'node:net';
import { errno, strerror } from '../../posix/errors.js';
import type { Call, OtherCall, SelectCall } from '../recording/format.js';
import { messageFlags } from './constants.js';
import { rowOf } from './syscalls.js';

/** Bytes of data that are shown. */
const MAX_SHOWN_BYTES = 32;

/** The sizes of struct sockaddr_in, sockaddr_in6, sockaddr_storage. */
const [IN_SIZE, IN6_SIZE, STORAGE_SIZE] = [16, 28, 128];

/** `accept(5, {sa_family=AF_INET, …}, [128 => 16]) = 7` */
export function strace(call: Call): string {
  const args = isSelect(call) ? selectArgs(call) : otherArgs(call);
  return `${call.call}(${args.join(', ')}) = ${outcome(call)}`;
}

export function isSelect(call: Call): call is SelectCall {
  return call.call === 'select';
}

function selectArgs({ nfds, readfds, writefds, exceptfds, timeout }: SelectCall): string[] {
  return [String(nfds), ...[readfds, writefds, exceptfds].map(set), timeval(timeout)];
}

function set(fds: number[] | null): string {
  return fds ? `[${fds.join(' ')}]` : 'NULL';
}

function timeval(seconds: number | null): string {
  if (seconds === null) return 'NULL';
  const micros = Math.round(seconds * 1e6);
  return `{tv_sec=${Math.floor(micros / 1e6)}, tv_usec=${micros % 1e6}}`;
}

function otherArgs(call: OtherCall): string[] {
  const { fd, length, flags, address, rest = [] } = call;
  const args: string[] = [];
  if (fd !== undefined) args.push(String(fd));
  if (length !== undefined) args.push(data(call), String(length));
  if (flags !== undefined) args.push(messageFlags(flags));
  if (rowOf(call.call).address === 'filled in') {
    if (address !== undefined) args.push(sockaddr(address), `[${STORAGE_SIZE} => ${sizeOf(address)}]`);
    else if (call.errno) args.push('NULL', `[${STORAGE_SIZE}]`);
    else args.push('NULL', 'NULL');
  } else if (address !== undefined) {
    args.push(sockaddr(address), String(sizeOf(address)));
  }
  return [...args, ...rest];
}

/** The bytes in C's notation. Where a call that was to fill a buffer has failed, NULL stands for the buffer. */
function data({ data, asked, length = 0, call, result }: OtherCall): string {
  const base64 = asked ?? data;
  if (base64 === undefined) return 'NULL';
  const size = rowOf(call).data === 'received' ? result : length;
  const bytes = Buffer.from(base64.slice(0, 2 * MAX_SHOWN_BYTES), 'base64').subarray(0, MAX_SHOWN_BYTES);
  return `"${quoted(bytes)}"${size > MAX_SHOWN_BYTES ? '...' : ''}`;
}

const ESCAPES: Record<string, string> = {
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** Before a digit, an octal escape needs all of its three. */
function quoted(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^ !#-[\]-~](?=(\d)?)/g, (char, digit) => {
    const octal = char.charCodeAt(0).toString(8);
    return ESCAPES[char] ?? `\\${digit ? octal.padStart(3, '0') : octal}`;
  });
}

function sockaddr(address: NonNullable<OtherCall['address']>): string {
  if (typeof address === 'string') {
    if (address === '') return '{sa_family=AF_UNIX}';
    const path = quoted(Buffer.from(address.replace('\0', '')));
    return `{sa_family=AF_UNIX, sun_path=${address.startsWith('\0') ? '@' : ''}"${path}"}`;
  }
  const [host, port, flowinfo = 0, scopeId = 0] = address;
  if (!isIPv6(host)) return `{sa_family=AF_INET, sin_port=htons(${port}), sin_addr=inet_addr("${host}")}`;
  return (
    `{sa_family=AF_INET6, sin6_port=htons(${port}), sin6_flowinfo=htonl(${flowinfo}), ` +
    `inet_pton(AF_INET6, "${host}", &sin6_addr), sin6_scope_id=${scopeId}}`
  );
}

function sizeOf(address: NonNullable<OtherCall['address']>): number {
  if (typeof address === 'string') return 2 + (address ? Buffer.byteLength(address) + 1 : 0);
  return isIPv6(address[0]) ? IN6_SIZE : IN_SIZE;
}

function outcome(call: Call): string {
  const { errno: name, result } = call;
  if (name !== undefined) {
    const number = errno[name as keyof typeof errno];
    return `-1 ${name}${number === undefined ? '' : ` (${strerror(number)})`}`;
  }
  const { zero } = rowOf(call.call);
  if (result === 0 && zero) return `0 (${zero})`;
  const notes = isSelect(call) ? selectNotes(call) : call.note;
  const number = notes?.startsWith('flags ') ? `0x${result.toString(16)}` : String(result);
  return notes ? `${number} (${notes})` : number;
}

function selectNotes({ after, left, timeout }: SelectCall): string {
  const { readfds, writefds, exceptfds } = after;
  const sets = Object.entries({ in: readfds, out: writefds, except: exceptfds })
    .filter(([, fds]) => fds && fds.length > 0)
    .map(([name, fds]) => `${name} ${set(fds)}`);
  if (timeout !== null && left !== undefined) sets.push(`left ${timeval(left)}`);
  return sets.join(', ');
}
