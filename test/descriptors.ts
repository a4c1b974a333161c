/** Descriptors that are open until the test ends. */
import { closeSync, writeSync } from 'node:fs';
import { pipe, type Socket, socketpair } from 'posix-select/socket';
import { onTestFinished } from 'vitest';

/** Two connected sockets: a new one can be written, and not be read. */
export function pair(): [Socket, Socket] {
  const sockets = socketpair();
  onTestFinished(() => {
    for (const socket of sockets) socket.close();
  });
  return sockets;
}

/** The read end of a pipe: it can be read if there is data, and else it is idle. */
export function readEnd(data = ''): number {
  const fds = pipe();
  onTestFinished(() => fds.forEach(closeSync));
  if (data) writeSync(fds[1], data);
  return fds[0];
}

/** The number of a descriptor that has just been closed: the lowest there is. */
export function closedFd(): number {
  const fds = pipe();
  fds.forEach(closeSync);
  return fds[0];
}
