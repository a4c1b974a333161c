/** What a process's descriptors are, by name (Linux). */
import { addressText } from '../../posix/sockaddr.js';
import { isInOwnNetwork, openFiles, type TcpSocket, tcpSockets, unixSockets } from './proc.js';
import { askForSocket, openSockets } from './sock-diag.js';

export interface Descriptor {
  fd: number;
  /** `listener 127.0.0.1:3490 (LISTEN)`, `connected to 127.0.0.1:50312`, `pipe`, `terminal /dev/pts/0` … */
  name: string;
  /** Of a TCP socket. */
  tcp?: TcpSocket;
}

/** For how long a socket that is in no table is not looked for again: reading the tables takes milliseconds. */
const UNKNOWN_HOLDS_MS = 30;

/** The sockets that have been found in the kernel's tables, by their inodes. */
const tcpByInode = new Map<number, TcpSocket>();
const pathByInode = new Map<number, string>();
const unknownSince = new Map<number, number>();
const MAX_REMEMBERED = 5000;

/** Names the open descriptors of a process. @param files what they refer to */
export function descriptors(pid: number, files = openFiles(pid)): Map<number, Descriptor> {
  const inodeOf = (file: string) => Number(/^socket:\[(\d+)\]$/.exec(file)?.[1]);
  const inodes = [...files.values()].map(inodeOf).filter((inode) => inode > 0);
  const tcp = inodes.length > 0 ? tcpSocketsOf(pid, inodes) : new Map<number, TcpSocket>();
  return new Map(
    [...files].map(([fd, file]) => {
      const socket = tcp.get(inodeOf(file));
      const path = pathByInode.get(inodeOf(file));
      const name = socket
        ? nameOfTcp(socket)
        : path !== undefined
          ? `Unix socket ${path}`.trim()
          : nameOfFile(file);
      return [fd, { fd, name, tcp: socket }];
    }),
  );
}

/** The TCP sockets among these, as they are now; Unix sockets are remembered on the way. */
function tcpSocketsOf(pid: number, inodes: number[]): Map<number, TcpSocket> {
  const found = new Map<number, TcpSocket>();
  const now = performance.now();
  const canAsk = isInOwnNetwork(pid);
  const isKnown = (inode: number) => {
    if (pathByInode.has(inode) || now - (unknownSince.get(inode) ?? -UNKNOWN_HOLDS_MS) < UNKNOWN_HOLDS_MS)
      return true;
    const before = tcpByInode.get(inode);
    const socket = canAsk && before ? askForSocket(before.local, before.remote) : undefined;
    if (socket?.inode !== inode) return false;
    found.set(inode, socket);
    return true;
  };
  const unknown = new Set(inodes.filter((inode) => !isKnown(inode)));
  const all = unknown.size === 0 ? [] : ((canAsk ? openSockets(unknown) : null) ?? tables(pid, unknown));
  for (const socket of all) {
    if (!unknown.delete(socket.inode)) continue;
    found.set(socket.inode, socket);
    remember(tcpByInode, socket.inode, socket);
    unknownSince.delete(socket.inode);
  }
  if (unknown.size > 0)
    for (const [inode, path] of unixSockets(pid))
      if (unknown.delete(inode)) remember(pathByInode, inode, path);
  for (const inode of unknown) remember(unknownSince, inode, now);
  return found;
}

const tables = (pid: number, inodes: Set<number>) =>
  (['tcp', 'tcp6'] as const).flatMap((table) => tcpSockets(pid, table, inodes));

function remember<T>(map: Map<number, T>, inode: number, value: T): void {
  if (map.size >= MAX_REMEMBERED) map.clear();
  map.set(inode, value);
}

function nameOfTcp({ state, local, remote }: TcpSocket): string {
  if (state === 'LISTEN') return `listener ${addressText(local)} (LISTEN)`;
  if (state === 'ESTABLISHED') return `connected to ${addressText(remote)}`;
  if (state === 'SYN_SENT') return `connecting to ${addressText(remote)}`;
  if (state === 'CLOSE') return 'TCP socket, not connected';
  return `connected to ${addressText(remote)} (${state})`;
}

function nameOfFile(file: string): string {
  const kind = /^(?:anon_inode:)?\[?(\w+)\]?(?::\[\d+\])?$/.exec(file)?.[1];
  if (kind) return kind === 'socket' ? 'socket, not connected' : kind.replace('eventpoll', 'epoll');
  if (/^\/dev\/(tty|pts\/|console)/.test(file)) return `terminal ${file}`;
  return file;
}
