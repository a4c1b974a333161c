/** What a program has taken of what came for it, and what is still in the kernel (Linux). */

import { type TcpSocket, tcpSockets } from '../observe/proc.js';
import type { ThreadState } from '../observe/snapshot.js';

/** This end of a connection, by its port; the other end is the program's. */
interface End {
  port: number;
}

/** A program's ends of connections, and the listeners; nothing where that cannot be seen. */
function socketsOf([first]: ThreadState[]): TcpSocket[] {
  return first ? (['tcp', 'tcp6'] as const).flatMap((table) => tcpSockets(first.pid, table)) : [];
}

/** Whether a server has accepted a client and read all that it has sent, as far as that can be seen here. */
export function hasRead(server: End, { port }: End, all: ThreadState[]): boolean {
  const conn = socketsOf(all).find(({ local, remote }) => local[1] === server.port && remote[1] === port);
  return conn !== undefined && conn.inode !== 0 && conn.unread === 0;
}

/** What a program fails to take, for the reader; undefined when nothing is left in the kernel. */
export function unreadInput(server: End, ends: End[], all: ThreadState[]): string | undefined {
  const sockets = socketsOf(all);
  const conns = sockets.filter(
    ({ state, remote }) =>
      ['ESTABLISHED', 'CLOSE_WAIT'].includes(state) && ends.some(({ port }) => port === remote[1]),
  );
  const queue = sockets.find(({ state, local }) => state === 'LISTEN' && local[1] === server.port);
  if (queue?.unread || conns.some(({ inode }) => inode === 0)) return 'it accepts no client';
  return conns.some(({ unread }) => unread > 0) ? 'it does not read what it was sent' : undefined;
}
