/** What a process's descriptors are, by name (Linux). */
import { addressText } from '../../posix/sockaddr.js';
import { openFiles, type TcpSocket, tcpSockets, unixSockets } from './proc.js';

export interface Descriptor {
  fd: number;
  /** `listener 127.0.0.1:3490 (LISTEN)`, `connected to 127.0.0.1:50312`, `pipe`, `terminal /dev/pts/0` … */
  name: string;
  /** Of a TCP socket. */
  tcp?: TcpSocket;
}

/** Milliseconds for which names hold, as long as the same files are open: the kernel's tables of sockets are slow. */
const FRESH = 100;
const recent = new Map<number, { files: string; at: number; named: Map<number, Descriptor> }>();

/** Names the open descriptors of a process. */
export function descriptors(pid: number): Map<number, Descriptor> {
  for (const [old, { at }] of recent) if (performance.now() - at >= FRESH) recent.delete(old);
  const files = openFiles(pid);
  const last = recent.get(pid);
  if (last?.files === String([...files])) return last.named;
  const named = nameAll(pid, files);
  recent.set(pid, { files: String([...files]), at: performance.now(), named });
  return named;
}

function nameAll(pid: number, files: Map<number, string>): Map<number, Descriptor> {
  const inodeOf = (file: string) => Number(/^socket:\[(\d+)\]$/.exec(file)?.[1]);
  const unknown = new Set([...files.values()].map(inodeOf).filter((inode) => inode > 0));
  const tcp = new Map<number, TcpSocket>();
  for (const table of ['tcp', 'tcp6'] as const) {
    for (const socket of unknown.size > 0 ? tcpSockets(pid, table) : [])
      if (unknown.delete(socket.inode)) tcp.set(socket.inode, socket);
  }
  const unix = unknown.size > 0 ? unixSockets(pid) : new Map<number, string>();
  return new Map(
    [...files].map(([fd, file]) => {
      const socket = tcp.get(inodeOf(file));
      const path = unix.get(inodeOf(file));
      const name = socket ? ofTcp(socket) : path !== undefined ? `Unix socket ${path}`.trim() : ofFile(file);
      return [fd, { fd, name, tcp: socket }];
    }),
  );
}

function ofTcp({ state, local, remote }: TcpSocket): string {
  if (state === 'LISTEN') return `listener ${addressText(local)} (LISTEN)`;
  if (state === 'ESTABLISHED') return `connected to ${addressText(remote)}`;
  if (state === 'SYN_SENT') return `connecting to ${addressText(remote)}`;
  if (state === 'CLOSE') return 'TCP socket, not connected';
  return `connected to ${addressText(remote)} (${state})`;
}

function ofFile(file: string): string {
  const kind = /^(?:anon_inode:)?\[?(\w+)\]?(?::\[\d+\])?$/.exec(file)?.[1];
  if (kind) return kind === 'socket' ? 'socket, not connected' : kind.replace('eventpoll', 'epoll');
  if (/^\/dev\/(tty|pts\/|console)/.test(file)) return `terminal ${file}`;
  return file;
}
