/** A socket's address: as JavaScript has it, and as text. */

/** `[host, port]` for AF_INET, `[host, port, flowinfo, scopeId]` for AF_INET6, a path for AF_UNIX. */
export type Address = [host: string, port: number, flowinfo?: number, scopeId?: number] | string;

/** `127.0.0.1:80`, `[::1]:80`. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `127.0.0.1:80`, `[::1]:80`, a path; an abstract name (Linux) begins with `@`, as in ss(8). */
export function addressText(address: Address): string {
  if (typeof address === 'string') return address.replace('\0', '@');
  return hostPort(address[0], address[1]);
}
