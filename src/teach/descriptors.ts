/** What a process's descriptors are, by name (Linux). */
import { openFiles, type TcpSocket, tcpSockets, unixSockets } from './proc.js';

export interface Descriptor {
  fd: number;
  /** `listener 127.0.0.1:3490 (LISTEN)`, `connected to 127.0.0.1:50312`, `pipe`, `terminal /dev/pts/0` … */
  name: string;
  /** Of a TCP socket. */
  tcp?: TcpSocket;
}

/** Names the open descriptors of a process. */
export function descriptors(pid: number): Map<number, Descriptor> {
  const files = openFiles(pid);
  const isSocket = [...files.values()].some((file) => file.startsWith('socket:'));
  const tcp = new Map(isSocket ? tcpSockets(pid).map((socket) => [socket.inode, socket]) : []);
  const unix = isSocket ? unixSockets(pid) : new Map<number, string>();
  return new Map(
    [...files].map(([fd, file]) => {
      const inode = Number(/^socket:\[(\d+)\]$/.exec(file)?.[1]);
      const socket = tcp.get(inode);
      const path = unix.get(inode);
      const name = socket ? ofTcp(socket) : path !== undefined ? `Unix socket ${path}`.trim() : ofFile(file);
      return [fd, { fd, name, tcp: socket }];
    }),
  );
}

export function hostPort([host, port]: [host: string, port: number]): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function ofTcp({ state, local, remote }: TcpSocket): string {
  if (state === 'LISTEN') return `listener ${hostPort(local)} (LISTEN)`;
  if (state === 'ESTABLISHED') return `connected to ${hostPort(remote)}`;
  if (state === 'SYN_SENT') return `connecting to ${hostPort(remote)}`;
  if (state === 'CLOSE') return 'TCP socket, not connected';
  return `connected to ${hostPort(remote)} (${state})`;
}

function ofFile(file: string): string {
  const kind = /^(?:anon_inode:)?\[?(\w+)\]?(?::\[\d+\])?$/.exec(file)?.[1];
  if (kind) return kind === 'socket' ? 'socket, not connected' : kind.replace('eventpoll', 'epoll');
  if (/^\/dev\/(tty|pts\/|console)/.test(file)) return `terminal ${file}`;
  return file;
}
