/** The addresses of a socket of a process that runs: where the calls do not show them (accept without an address). */
import { readlinkSync } from 'node:fs';
import { addressText } from '../../posix/sockaddr.js';
import { tcpSockets } from '../observe/proc.js';
import type { Ends } from '../recording/format.js';

/** @returns undefined where it is closed by now, or no TCP socket */
export function endsOfSocket(pid: number, fd: number): Ends | undefined {
  const [, inode] = /^socket:\[(\d+)\]$/.exec(tryReadLink(`/proc/${pid}/fd/${fd}`)) ?? [];
  if (inode === undefined) return undefined;
  for (const table of ['tcp', 'tcp6'] as const) {
    const [socket] = tcpSockets(pid, table, new Set([Number(inode)])).filter(
      (s) => s.inode === Number(inode),
    );
    if (socket) return [addressText(socket.local), addressText(socket.remote)];
  }
  return undefined;
}

function tryReadLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
