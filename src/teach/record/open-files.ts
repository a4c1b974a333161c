/** What a process has open that runs already: what the calls that are recorded do not show. */
import { readFileSync, readlinkSync } from 'node:fs';
import { addressText } from '../../posix/sockaddr.js';
import { descriptors } from '../observe/fds.js';
import { openFiles, type TcpSocket, tcpSockets } from '../observe/proc.js';
import type { Ends } from '../recording/format.js';
import type { OpenFile } from '../strace/files.js';

/** @returns the ends of a TCP socket; undefined where it is closed by now, or is none */
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

/** All that a process has open, each as strace -yy shows it. */
export function openFilesOf(pid: number): OpenFile[] {
  const files = openFiles(pid);
  const known = descriptors(pid, files);
  return [...files].map(([fd, file]) => {
    const { tcp, name = '' } = known.get(fd) ?? {};
    const shown = tcp
      ? shownTcp(tcp)
      : name.startsWith('Unix socket')
        ? file.replace('socket', 'UNIX')
        : file;
    return { fd, file: shown, isClosedOnExec: isClosedOnExec(pid, fd) };
  });
}

function shownTcp({ state, local, remote }: TcpSocket): string {
  const protocol = local[0].includes(':') ? 'TCPv6' : 'TCP';
  const hasPeer = state !== 'LISTEN' && state !== 'CLOSE';
  return `${protocol}:[${addressText(local)}${hasPeer ? `->${addressText(remote)}` : ''}]`;
}

const O_CLOEXEC = 0o2000000;

function isClosedOnExec(pid: number, fd: number): boolean {
  try {
    const [, flags = '0'] =
      /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0;
  } catch {
    return false; // it is closed by now
  }
}

function tryReadLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
