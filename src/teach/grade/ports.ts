/** Ports to listen on. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { OSError } from '../../posix/errors.js';
import { Socket } from '../../socket.js';
import { openFiles, processes, tcpSockets } from '../observe/proc.js';
import { askForSocket } from '../observe/sock-diag.js';
import { NotGraded } from './failure.js';

/** Below the ports that the kernel gives to clients: none of those is to take one of these meanwhile. */
const [FIRST_PORT, PORTS] = [13_000, 19_000];

/** A port that nobody uses, or has used in the last minute, and that no other grader is given meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (!isBindable('0.0.0.0', port)) continue;
    const lock = await lockPort(port);
    if (!lock) continue;
    lock.unref();
    return port;
  }
}

/** Takes a name that there is only once on the machine. */
async function lockPort(port: number): Promise<Server | undefined> {
  const lock = createServer();
  if (process.platform !== 'linux') return lock;
  try {
    await once(lock.listen(`\0posix-select-grade-${port}`), 'listening');
    return lock;
  } catch {
    return undefined;
  }
}

/** Whether nobody listens on a port, on any address. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** @throws OSError */
export async function listening(server: Server, port: number, host = '127.0.0.1'): Promise<void> {
  try {
    await once(server.listen(port, host), 'listening');
  } catch (err) {
    throw new OSError((err as { errno: number }).errno, 'listen', { address: [host, port] });
  }
}

/** Whether a listener on :: takes no IPv4: the port is free for another one then. */
export const isFreeForIPv4 = (port: number) => isBindable('127.0.0.1', port);

/** Whether bind() takes an address, without SO_REUSEADDR. */
function isBindable(host: string, port: number): boolean {
  const sock = new Socket();
  try {
    sock.bind([host, port]);
    return true;
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
    return false;
  } finally {
    sock.close();
  }
}

/** Listens on a free port, for a server that finds it in use. */
export async function occupyPort(): Promise<{ port: number; release: () => void }> {
  const server = createServer();
  const port = await freePort();
  await once(server.listen(port), 'listening');
  return { port, release: () => server.close() };
}

const LOCK_RETRY_MS = 50;
const LOCK_RETRIES = 1200;

/**
 * Waits until no other grader on this machine uses a port that there is only once.
 *
 * @returns what gives it free again
 */
export async function holdPort(port: number): Promise<() => void> {
  for (let i = 0; i < LOCK_RETRIES; i++) {
    const lock = await lockPort(port);
    if (lock) return () => lock.close();
    await pause(LOCK_RETRY_MS);
  }
  return () => {};
}

/** Waits until nobody listens on these ports, or for as long as a lock. */
export async function untilUnused(ports: number[]): Promise<void> {
  for (let i = 0; i < LOCK_RETRIES; i++) {
    if (!ports.some((port) => listenerOn(port))) return;
    await pause(LOCK_RETRY_MS);
  }
}

/** The address that somebody listens on, as the kernel says it; undefined where there is none, null where that is not to be had. */
export function listenerOn(port: number): string | undefined | null {
  for (const [host, nobody] of [
    ['127.0.0.1', '0.0.0.0'],
    ['::1', '::'],
  ] as const) {
    const socket = askForSocket([host, port], [nobody, 0]);
    if (socket?.state === 'LISTEN') return host;
    if (socket === null) return null;
  }
  return undefined;
}

/** @throws NotGraded when another program listens on a port that a submission is to listen on */
export async function mustBeFree(port: number): Promise<void> {
  if (await isFree(port)) return;
  const holder = holderOf(port);
  throw new NotGraded(
    `port ${port} is in use${holder ? ` by ${holder}` : ''}: end that program, or give another port`,
  );
}

/** The program that listens on a port: `python3 (pid 4711)`; undefined where that cannot be seen. */
function holderOf(port: number): string | undefined {
  const sockets = (['tcp', 'tcp6'] as const).flatMap((table) => tcpSockets(process.pid, table));
  const listener = sockets.find(({ state, local }) => state === 'LISTEN' && local[1] === port);
  const holder = processes().find(({ pid }) =>
    [...openFiles(pid).values()].includes(`socket:[${listener?.inode}]`),
  );
  return holder && `${holder.name} (pid ${holder.pid})`;
}
