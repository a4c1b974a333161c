/** A socket's address: as JavaScript has it, and as text. */

/** `[host, port]` for AF_INET, `[host, port, flowinfo, scopeId]` for AF_INET6, a path for AF_UNIX. */
export type TextAddress = [host: string, port: number, flowinfo?: number, scopeId?: number] | string;

/** An address; the path of AF_UNIX as its bytes where they are no UTF-8. */
export type Address = TextAddress | Uint8Array;

/** `127.0.0.1:80`, `[::1]:80`. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `127.0.0.1:80`, `[::1]:80`, a path; an abstract name (Linux) begins with `@`, as in ss(8). */
export function addressText(address: Address): string {
  if (address instanceof Uint8Array) return addressText(new TextDecoder().decode(address));
  if (typeof address === 'string') return address.replace('\0', '@');
  return hostPort(address[0], address[1]);
}
