/** The values in the arguments that strace(1) shows. */
import type { TextAddress } from '../../posix/sockaddr.js';
import type { Ends } from '../recording/format.js';
import { elements, fields } from './syntax.js';

/** A descriptor, with what -y shows of it. */
export interface FdValue {
  fd: number;
  file?: string;
}

/** `3`, `3<TCP:[127.0.0.1:80]>`; undefined for anything else. */
export function fdOf(text = ''): FdValue | undefined {
  const [, number, file] = /^(-?\d+)(?:<(.*)>)?$/s.exec(text) ?? [];
  if (number === undefined) return undefined;
  return file === undefined ? { fd: Number(number) } : { fd: Number(number), file: unescaped(file) };
}

/** With -xx a file's name is in hexadecimal. */
function unescaped(text: string): string {
  return text.includes('\\') ? bytesOf(`"${text}"`).toString('latin1') : text;
}

/** The members of `[3 5<TCP:[…]>]`; null for NULL or an address. */
export function setOf(text = 'NULL'): FdValue[] | null {
  if (!text.startsWith('[')) return null;
  const members: FdValue[] = [];
  for (const [, word = ''] of text.slice(1).matchAll(/(\d+(?:<(?:[^<>]|->|<[^<>]*>)*>)?)(?=[ \]])/g)) {
    const member = fdOf(word);
    if (member) members.push(member);
  }
  return members;
}

const ESCAPES: Record<string, number> = { n: 10, t: 9, v: 11, f: 12, r: 13, a: 7, b: 8, e: 27 };
const ESCAPE = /\\(?:x([\da-f]{2})|([0-7]{1,3})|(.))|([^\\]+)/gis;

/** The bytes of a string as strace writes it; dots behind it are ignored. */
export function bytesOf(text: string): Buffer {
  const [, inner = ''] = /^@?"((?:[^"\\]|\\.)*)"/s.exec(text) ?? [];
  if (!inner.includes('\\')) return Buffer.from(inner, 'latin1');
  const parts: Buffer[] = [];
  for (const [, hex, octal, char, plain] of inner.matchAll(ESCAPE)) {
    if (plain !== undefined) parts.push(Buffer.from(plain, 'latin1'));
    else if (hex !== undefined) parts.push(Buffer.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) parts.push(Buffer.of(Number.parseInt(octal, 8) & 255));
    else parts.push(Buffer.of(ESCAPES[char ?? ''] ?? (char ?? '\\').charCodeAt(0)));
  }
  return Buffer.concat(parts);
}

/** The bytes of `[{iov_base="ab", iov_len=2}, …]`, and how many were to be transferred. */
export function iovOf(text: string): { bytes: Buffer; length: number } {
  const parts: Buffer[] = [];
  let length = 0;
  for (const element of elements(text)) {
    const iov = fields(element);
    const bytes = bytesOf(iov.get('iov_base') ?? iov.get('0') ?? '');
    const size = Number(iov.get('iov_len') ?? iov.get('1') ?? bytes.length);
    parts.push(bytes.subarray(0, size));
    length += size;
  }
  return { bytes: Buffer.concat(parts), length };
}

/** Seconds of `{tv_sec=1, tv_usec=500000}`, `{1, 500000}`; null for NULL. */
export function secondsOf(text: string | undefined, fraction: 1e-6 | 1e-9): number | null {
  if (!text?.startsWith('{')) return null;
  const parts = fields(text);
  const seconds = Number(parts.get('tv_sec') ?? parts.get('0') ?? 0);
  const nanos = parts.get('tv_nsec');
  const rest = Number(nanos ?? parts.get('tv_usec') ?? parts.get('1') ?? 0);
  const micros = rest * (nanos !== undefined ? 1e-3 : fraction * 1e6);
  return Math.round(seconds * 1e6 + micros) / 1e6;
}

/** Milliseconds as seconds; null for ever. */
export function fromMilliseconds(text = '-1'): number | null {
  const ms = Number.parseInt(text, 10) | 0; // 4294967295 is -1
  return ms < 0 ? null : ms / 1000;
}

/** `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}` */
export function addressOf(text = ''): TextAddress | undefined {
  const [, port] = /sin6?_port=(?:htons\((\d+)\))/.exec(text) ?? [];
  const [, host] = /inet_(?:addr\(|pton\(AF_INET6, )("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  if (port !== undefined && host !== undefined) return [String(bytesOf(host)), Number(port)];
  const [, at, path] = /sun_path=(@?)("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  if (path !== undefined) return (at ? '\0' : '') + String(bytesOf(path));
  return text.includes('sa_family=AF_UNIX') || text.includes('sa_family=AF_LOCAL') ? '' : undefined;
}

/** The peer in `TCP:[127.0.0.1:80->127.0.0.1:9]`, `TCPv6:[[::1]:80->[::1]:9]`. */
export function peerOf(file: string): TextAddress | undefined {
  const [, host, port] = /^TCP(?:v6)?:\[.*->\[?([\da-f.:]+?)\]?:(\d+)\]$/i.exec(file) ?? [];
  return host === undefined ? undefined : [host, Number(port)];
}

/** The ends of `TCP:[own->peer]`, `UNIX-STREAM:[inode->inode]`, `pipe:[inode]`; undefined for what has no peer. */
export function endsOf(file: string): Ends | undefined {
  const [, own, peer] = /^TCP(?:v6)?:\[(.*)->(.*)\]$/.exec(file) ?? [];
  if (own !== undefined && peer !== undefined) return [plainAddress(own), plainAddress(peer)];
  const [, inode, peerInode] = /^UNIX(?:-STREAM|-SEQPACKET)?:\[(\d+)->(\d+)/.exec(file) ?? [];
  if (inode !== undefined && peerInode !== undefined) return [`unix:${inode}`, `unix:${peerInode}`];
  return /^pipe:\[\d+\]$/.test(file) ? [file, file] : undefined;
}

/** A server on IPv6 sees a client on IPv4 as `[::ffff:127.0.0.1]:9`; the client itself is `127.0.0.1:9`. */
export function plainAddress(address: string): string {
  return address.replace(/^\[?::ffff:([\d.]+)\]?:/i, '$1:');
}

/** Events by name into bits that mean reading, writing, exceptions, and what poll reports unasked. */
export function eventsOf(text = ''): { read: boolean; write: boolean; except: boolean; error: boolean } {
  const has = (pattern: RegExp) => pattern.test(text);
  return {
    read: has(/(?:POLL|EPOLL)(?:IN|RDNORM|RDHUP)\b/),
    write: has(/(?:POLL|EPOLL)(?:OUT|WRNORM)\b/),
    except: has(/(?:POLL|EPOLL)PRI\b/),
    error: has(/(?:POLL|EPOLL)(?:ERR|HUP|NVAL)\b/),
  };
}
