/** What a program has read of what came for it, and what is still in the kernel (Linux). */
import { type TcpSocket, tcpSockets } from '../observe/proc.js';
import type { ThreadState } from '../observe/snapshot.js';
import { askForSocket } from '../observe/sock-diag.js';
import type { Client } from './client.js';

/** One end of a connection. */
interface End {
  host: string;
  port: number;
}

/** The program's end of a connection with a client of the grader's. */
function connOf(server: End, { host, port }: End, [first]: ThreadState[]): TcpSocket | undefined {
  if (!first) return undefined;
  const found = askForSocket([server.host, server.port], [host, port]);
  if (found !== null) return found?.local[1] === server.port && found.state !== 'LISTEN' ? found : undefined;
  return tables(first.pid).find(({ local, remote }) => local[1] === server.port && remote[1] === port);
}

const tables = (pid: number) => (['tcp', 'tcp6'] as const).flatMap((table) => tcpSockets(pid, table));

/** Whether a server has accepted a client, as far as that can be seen here. */
export function hasAccepted(server: End, client: End, threads: ThreadState[]): boolean {
  return Boolean(connOf(server, client, threads)?.inode);
}

/** Whether a server has accepted a client and read all that it has sent, as far as that can be seen here. */
export function hasRead(server: End, client: End, threads: ThreadState[]): boolean {
  const conn = connOf(server, client, threads);
  return Boolean(conn?.inode) && conn?.unread === 0;
}

/** What a program does not accept or read, for the reader; undefined when nothing is left in the kernel. */
export function unreadInput(server: End, clients: End[], threads: ThreadState[]): string | undefined {
  const conns = clients.flatMap((client) => connOf(server, client, threads) ?? []);
  const open = conns.filter(({ state }) => ['ESTABLISHED', 'CLOSE_WAIT'].includes(state));
  if (open.some(({ inode }) => inode === 0)) return 'it accepts no client';
  if (open.some(({ unread }) => unread > 0)) return 'it does not read what it was sent';
  const sockets = threads.flatMap(({ descriptors }) => [...descriptors.values()]);
  const listener = sockets.find(({ tcp }) => tcp?.state === 'LISTEN' && tcp.local[1] === server.port);
  return listener?.tcp?.unread ? 'it accepts no client' : undefined;
}

/** Whether bytes are between the two ends: a client of the grader's that does not read has none on their way to it. */
export function bytesOnTheirWay(server: End, client: Client): boolean {
  if (client.ended) return false;
  const theirs = askForSocket([server.host, server.port], [client.host, client.port]);
  const ours = askForSocket([client.host, client.port], [server.host, server.port]);
  if (!theirs || !ours || theirs.state === 'LISTEN') return false;
  return (theirs.unsent > 0 && client.isReading) || (ours.unsent > 0 && theirs.unread === 0);
}

/** Connections that wait for accept(), and how many may; undefined where the kernel does not say it. */
export function listenQueue({ host, port }: End): { waiting: number; most: number } | undefined {
  const listener = askForSocket([host, port], [host.includes(':') ? '::' : '0.0.0.0', 0]);
  return listener?.state === 'LISTEN' ? { waiting: listener.unread, most: listener.unsent } : undefined;
}
