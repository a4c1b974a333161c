/** From names to numbers: getaddrinfo(3) and its relatives. */
import { bytesOf } from './bytes.js';
import { errno, gaierror, OSError } from './posix/errors.js';
import type { Address } from './posix/sockaddr.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  AI_PASSIVE,
  EAI_NONAME,
  SOCK_STREAM,
} from './posix/socket-constants.js';
import { sys } from './posix/sys.js';
import { repr, shown } from './repr.js';

type Tuple = Exclude<Address, string | Uint8Array>;

/** Python's name for 255.255.255.255. */
const BROADCAST = '<broadcast>';

/** Whether the host is a number. node:net has isIPv4 and isIPv6, which take 3 ms of a program's start. */
function isNumeric(family: number, host: string): boolean {
  return sys.inet_pton(family, host) instanceof Uint8Array;
}

function tupleOf(address: Address): Tuple {
  if (!Array.isArray(address)) throw new TypeError(`address must be [host, port], not ${shown(address)}`);
  if (address.length > 4) {
    const parts = `${address.length} parts`;
    throw new TypeError(`address must be [host, port] or [host, port, flowinfo, scopeId], not of ${parts}`);
  }
  const [host] = address;
  if (typeof host !== 'string') throw new TypeError(`host must be a string, not ${shown(host)}`);
  if (host.includes('\0')) throw new TypeError('host must not have a NUL in it');
  return address;
}

/** A host's addresses, port 0; `''` is the wildcard address. */
function addressesOf(host: string, family: number): Tuple[] {
  const service = host === '' ? '0' : null;
  const found = sys.getaddrinfo(host || null, service, family, SOCK_STREAM, 0, AI_PASSIVE);
  if (typeof found === 'number') throw new gaierror(found, host);
  return found.map(([, , , , address]) => address as Tuple);
}

/**
 * The address in numbers, as the addon takes it; the host `''` is the wildcard address.
 *
 * @throws TypeError and RangeError for what is no address of the family; gaierror for an unknown host
 */
export function resolve(address: Address, family: number): Address {
  if (family === AF_UNIX) {
    if (typeof address === 'string') return address;
    if (address instanceof Uint8Array) return bytesOf(address);
    throw new TypeError(`an AF_UNIX address must be a path, not ${shown(address)}`);
  }
  const tuple = tupleOf(address);
  const [host, port, flowinfo = 0, scopeId = 0] = tuple;
  if (family === AF_INET && tuple.length > 2)
    throw new TypeError(`an AF_INET address must be [host, port], not ${shown(tuple)}`);
  if (!Number.isInteger(port)) throw new TypeError(`port must be an integer, not ${shown(port)}`);
  if (port < 0 || port > 65_535) throw new RangeError(`port must be 0-65535 (${port})`);
  if (family === AF_INET && isNumeric(family, host)) return [host, port];
  if (family === AF_INET && host === BROADCAST) return ['255.255.255.255', port];
  if (family === AF_INET6 && isNumeric(family, host)) return [host, port, flowinfo, scopeId];

  const [ip, , , scope] = addressesOf(host, family)[0] as Tuple;
  return family === AF_INET ? [ip, port] : [ip, port, flowinfo, scopeId || scope];
}

/**
 * Whether an address is a path. A bare name is refused: `createServer('127.0.0.1', 8080)` would make a socket of that
 * name in the current folder, and no port.
 */
function isPath(address: Address): address is string | Uint8Array {
  if (address instanceof Uint8Array) return true;
  if (typeof address !== 'string') return false;
  if (/[/\0]/.test(address) || address === '') return true;
  const path = `a path with a / in it ('./${address}')`;
  throw new TypeError(`address must be [host, port] or ${path}, not ${shown(address)}`);
}

/** The family that an address asks for; for a host that has addresses in both, AF_INET. */
export function familyOf(address: Address): number {
  if (isPath(address)) return AF_UNIX;
  const [host] = tupleOf(address);
  if (isNumeric(AF_INET6, host.replace(/%.*/, ''))) return AF_INET6;
  if (isNumeric(AF_INET, host) || host === BROADCAST) return AF_INET;
  try {
    return addressesOf(host, AF_INET).length > 0 ? AF_INET : AF_INET6;
  } catch {
    return AF_INET6;
  }
}

/**
 * The addresses of a host in the system's order of preference, with the family of each.
 *
 * @throws gaierror for an unknown host
 */
export function candidates(address: Address): [family: number, address: Address][] {
  if (isPath(address)) return [[AF_UNIX, address]];
  const [host, port] = tupleOf(address);
  return addressesOf(host, AF_UNSPEC).map(([ip, , ...rest]) => [
    isNumeric(AF_INET6, ip) ? AF_INET6 : AF_INET,
    [ip, port, ...rest],
  ]);
}

/** One answer of getaddrinfo: what `new Socket(family, type, proto)` and `connect(address)` take. */
export type AddressInfo = [family: number, type: number, proto: number, canonname: string, address: Address];

/**
 * The addresses of a host and service, in the system's order of preference.
 *
 * @param host a name or a numeric address; null is this machine
 * @param port a number, the name of a service, or null
 * @param family AF_INET, AF_INET6 or 0 for both
 * @param type SOCK_STREAM, SOCK_DGRAM or 0 for all
 * @param flags AI_PASSIVE for a listener, AI_NUMERICHOST …
 * @throws gaierror for an unknown host or service
 * @see man 3 getaddrinfo; Python's socket.getaddrinfo
 */
export function getaddrinfo(
  host: string | null,
  port: number | string | null,
  family = 0,
  type = 0,
  proto = 0,
  flags = 0,
): AddressInfo[] {
  const service = port === null ? null : String(port);
  const found = sys.getaddrinfo(host, service, family, type, proto, flags);
  if (typeof found === 'number') throw new gaierror(found, host);
  return found;
}

/**
 * This machine's name.
 *
 * @see man 2 gethostname; Python's socket.gethostname
 */
export function gethostname(): string {
  return answered(sys.gethostname(), 'gethostname');
}

/**
 * The first IPv4 address of a host.
 *
 * @throws gaierror for an unknown host
 * @see Python's socket.gethostbyname
 */
export function gethostbyname(host: string): string {
  if (host === BROADCAST) return '255.255.255.255';
  const [first] = addressesOf(host, AF_INET);
  if (!first) throw new gaierror(EAI_NONAME, host);
  return first[0];
}

/**
 * The bytes of a numeric address.
 *
 * @throws OSError EINVAL for what is no address of the family
 * @see man 3 inet_pton; Python's socket.inet_pton
 */
export function inetPton(family: number, text: string): Buffer {
  const bytes = answered(sys.inet_pton(family, text), 'inet_pton');
  if (bytes === null)
    throw new OSError(errno.EINVAL, 'inet_pton', repr(text), ['EINVAL', 'no address of the family']);
  return bytes;
}

/**
 * A numeric address as text.
 *
 * @throws TypeError where the bytes are not as long as an address of the family
 * @see man 3 inet_ntop; Python's socket.inet_ntop
 */
export function inetNtop(family: number, bytes: Uint8Array): string {
  return answered(sys.inet_ntop(family, bytes), 'inet_ntop');
}

function answered<T>(result: T | number, syscall: string): T {
  if (typeof result === 'number') throw new OSError(result, syscall);
  return result;
}

function swapped(value: number, bits: 16 | 32): number {
  if (!Number.isInteger(value)) throw new TypeError(`an integer is required, not ${shown(value)}`);
  if (value < 0 || value >= 2 ** bits) throw new RangeError(`must fit ${bits} bits (${value})`);
  const bytes = Buffer.alloc(bits / 8);
  bytes.writeUIntBE(value, 0, bytes.length);
  return isLittleEndian ? bytes.readUIntLE(0, bytes.length) : value;
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** 16 bits from the host's byte order to the network's. @see man 3 htons */
export const htons = (value: number): number => swapped(value, 16);
/** 16 bits from the network's byte order to the host's. @see man 3 ntohs */
export const ntohs = htons;
/** 32 bits from the host's byte order to the network's. @see man 3 htonl */
export const htonl = (value: number): number => swapped(value, 32);
/** 32 bits from the network's byte order to the host's. @see man 3 ntohl */
export const ntohl = htonl;
