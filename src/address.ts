/** From names to numbers: what getaddrinfo(3) makes of the hosts in addresses. */
import { isIPv4, isIPv6 } from 'node:net';
import { unknownHost } from './posix/errors.js';
import type { Address } from './posix/sockaddr.js';
import { AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC } from './posix/socket-constants.js';
import { sys } from './posix/sys.js';
import { repr } from './repr.js';

type Tuple = Exclude<Address, string>;

function tupleOf(address: Address): Tuple {
  if (!Array.isArray(address)) throw new TypeError(`address must be [host, port], not ${repr(address)}`);
  const [host] = address;
  if (typeof host !== 'string') throw new TypeError(`host must be a string, not ${repr(host)}`);
  if (host.includes('\0')) throw new TypeError('host must not have a NUL in it');
  return address;
}

function getaddrinfo(host: string, family: number): Tuple[] {
  const found = sys.getaddrinfo(host || null, family);
  if (typeof found === 'number') throw unknownHost(found, host);
  return found as Tuple[];
}

/**
 * The address in numbers, as the addon takes it; the host `''` is the wildcard address.
 *
 * @throws TypeError and RangeError for what is no address of the family; OSError for an unknown host
 */
export function resolve(address: Address, family: number): Address {
  if (family === AF_UNIX) {
    if (typeof address === 'string') return address;
    throw new TypeError(`an AF_UNIX address must be a path, not ${repr(address)}`);
  }
  const [host, port, flowinfo = 0, scopeId = 0] = tupleOf(address);
  if (!Number.isInteger(port)) throw new TypeError(`port must be an integer, not ${repr(port)}`);
  if (port < 0 || port > 65_535) throw new RangeError(`port must be 0-65535 (${port})`);
  if (family === AF_INET && isIPv4(host)) return [host, port];
  if (family === AF_INET6 && isIPv6(host) && !host.includes('%')) return [host, port, flowinfo, scopeId];

  const [ip, , , scope] = getaddrinfo(host, family)[0] as Tuple;
  return family === AF_INET ? [ip, port] : [ip, port, flowinfo, scopeId || scope];
}

/** The family that an address asks for; for a host that has addresses in both, AF_INET. */
export function familyOf(address: Address): number {
  if (typeof address === 'string') return AF_UNIX;
  const [host] = tupleOf(address);
  if (isIPv6(host)) return AF_INET6;
  if (isIPv4(host) || typeof sys.getaddrinfo(host || null, AF_INET) !== 'number') return AF_INET;
  return AF_INET6;
}

/**
 * The addresses of a host in the system's order of preference, with the family of each.
 *
 * @throws OSError for an unknown host
 */
export function candidates(address: Address): [family: number, address: Address][] {
  if (typeof address === 'string') return [[AF_UNIX, address]];
  const [host, port] = tupleOf(address);
  return getaddrinfo(host, AF_UNSPEC).map(([ip, , ...rest]) => [
    isIPv6(ip) ? AF_INET6 : AF_INET,
    [ip, port, ...rest],
  ]);
}
