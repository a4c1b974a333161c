/** What /proc tells of processes and their threads (Linux). */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import * as nodeProcess from 'node:process';

export interface Process {
  pid: number;
  /** the kernel's short name: `python3` */
  name: string;
  ppid: number;
  session: number;
  /** by a signal (SIGSTOP, Ctrl-Z) or a debugger */
  isStopped: boolean;
  /** CPU time used so far, user and system, in clock ticks of 10 ms */
  ticks: number;
}

/** All processes that can be seen; a zombie is none any more. */
export function processes(): Process[] {
  return numbers('/proc').flatMap((pid) => process(pid) ?? []);
}

/** @returns undefined when there is no such process, or only what is left of it */
export function process(pid: number): Process | undefined {
  return inState(pid, (state) => !'ZX'.includes(state));
}

/** What is left of a process that has ended: its parent has not asked yet how it did. */
export function zombie(pid: number): Process | undefined {
  return inState(pid, (state) => state === 'Z');
}

function inState(pid: number, isWanted: (state: string) => boolean): Process | undefined {
  const stat = tryRead(`/proc/${pid}/stat`);
  const parts = stat && /^\d+ \((.*)\) (\S) (.*)$/s.exec(stat);
  if (!parts || !isWanted(parts[2])) return undefined;
  const fields = parts[3].split(' ').map(Number);
  const [name, isStopped] = [parts[1], 'Tt'.includes(parts[2])];
  return { pid, name, ppid: fields[0], session: fields[2], isStopped, ticks: fields[10] + fields[11] };
}

/** The user and the group that a process acts as; undefined when there is no such process. */
export function ownerOf(pid: number): { uid: number; gid: number } | undefined {
  const [, uid, gid] =
    /^Uid:\s*\d+\s+(\d+).*\nGid:\s*\d+\s+(\d+)/m.exec(tryRead(`/proc/${pid}/status`) ?? '') ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/**
 * Looks into a process. Root may not where it lacks CAP_SYS_PTRACE, as in a container: the process's own user may.
 *
 * @throws what `read` does
 */
export function asOneMay<T>(pid: number, read: () => T): T {
  try {
    return read();
  } catch (err) {
    const owner = ownerOf(pid);
    if (!isForbidden(err) || nodeProcess.geteuid?.() !== 0 || !owner || owner.uid === 0) throw err;
    return asUser(owner, read);
  }
}

function asUser<T>({ uid, gid }: { uid: number; gid: number }, read: () => T): T {
  const own = nodeProcess.getegid?.() as number;
  nodeProcess.setegid?.(gid);
  try {
    nodeProcess.seteuid?.(uid);
    try {
      return read();
    } finally {
      nodeProcess.seteuid?.(0);
    }
  } finally {
    nodeProcess.setegid?.(own);
  }
}

const isForbidden = (err: unknown) => ['EPERM', 'EACCES'].includes((err as NodeJS.ErrnoException).code ?? '');

/** A process and all that come from it, those included whose own parent has gone, as long as they are in its session. */
export function family(root: number, all = processes()): Process[] {
  const members = new Set([root]);
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const { pid, ppid, session } of all) if (members.has(ppid) || session === root) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

/** The processes that were started with a variable in their environment: `NAME=value`. */
export function withVariable(variable: string, all = processes()): Process[] {
  return all.filter(({ pid }) => tryRead(`/proc/${pid}/environ`)?.split('\0').includes(variable));
}

/** How many descriptors the process's table has room for: the kernel looks at no bit of an fd_set beyond it. */
export function tableSize(pid: number): number {
  return Number(/^FDSize:\s*(\d+)/m.exec(tryRead(`/proc/${pid}/status`) ?? '')?.[1]);
}

export function threads(pid: number): number[] {
  return numbers(`/proc/${pid}/task`);
}

/**
 * What a thread is blocked in: the number of the system call and its arguments.
 *
 * @returns 'running' when it is on a processor or could be; undefined when it has gone
 * @throws of code EPERM or EACCES where one may not look, ENOENT where the kernel does not tell
 */
export function blockedIn(
  pid: number,
  tid: number,
): { number: number; args: bigint[] } | 'running' | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'latin1').trim().split(' ');
    if (fields[0] === 'running' || fields[0] === '-1') return 'running';
    return { number: Number(fields[0]), args: fields.slice(1, 7).map(BigInt) };
  } catch (err) {
    if (!process(pid) || !threads(pid).includes(tid)) return undefined;
    throw err;
  }
}

/** Reads a process's memory; undefined where there is none. */
export function memory(pid: number, address: number, length: number): Buffer | undefined {
  try {
    const fd = openSync(`/proc/${pid}/mem`, 'r');
    try {
      const buffer = Buffer.alloc(length);
      return readSync(fd, buffer, 0, length, address) === length ? buffer : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** The open descriptors with what they refer to: `socket:[4711]`, `/dev/pts/0`. */
export function openFiles(pid: number): Map<number, string> {
  return new Map(
    numbers(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [[fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]];
      } catch {
        return []; // it was closed meanwhile
      }
    }),
  );
}

/** The descriptors that an epoll descriptor watches, with their event masks. */
export function epollSet(pid: number, epfd: number): { fd: number; events: number }[] {
  const info = tryRead(`/proc/${pid}/fdinfo/${epfd}`) ?? '';
  return [...info.matchAll(/^tfd:\s*(\d+) events:\s*([0-9a-f]+)/gm)].map(([, fd, events]) => ({
    fd: Number(fd),
    events: Number.parseInt(events, 16),
  }));
}

export interface TcpSocket {
  inode: number;
  local: [host: string, port: number];
  remote: [host: string, port: number];
  /** LISTEN, ESTABLISHED … as in tcp(7) */
  state: string;
  /** bytes that the other end has not taken yet */
  unsent: number;
  /** bytes that have come and that nobody has read yet; of a listener, connections that nobody has accepted */
  unread: number;
}

const TCP_STATES =
  'ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING'.split(
    ' ',
  );

/** All TCP sockets of the network that a process is in. One that nobody has accepted yet has the inode 0. */
export function tcpSockets(pid: number, table: 'tcp' | 'tcp6'): TcpSocket[] {
  return rows(`/proc/${pid}/net/${table}`).map((fields) => ({
    local: address(fields[1]),
    remote: address(fields[2]),
    state: TCP_STATES[Number.parseInt(fields[3], 16) - 1] ?? 'unknown',
    unsent: Number.parseInt(fields[4].split(':')[0], 16),
    unread: Number.parseInt(fields[4].split(':')[1], 16),
    inode: Number(fields[9]),
  }));
}

/** The Unix sockets of the network that a process is in: their paths, '' for those without, by inode. */
export function unixSockets(pid: number): Map<number, string> {
  return new Map(rows(`/proc/${pid}/net/unix`).map((fields) => [Number(fields[6]), fields[7] ?? '']));
}

function rows(path: string): string[][] {
  const lines = (tryRead(path) ?? '').split('\n').slice(1, -1);
  return lines.map((line) => line.trim().split(/\s+/));
}

/** `0100007F:0DA2` is 127.0.0.1:3490: the address is in words of the machine's byte order. */
function address(text: string): [string, number] {
  const [words, port] = text.split(':');
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  const mapped = bytes.length === 16 && bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  const host = bytes.length === 4 || mapped ? bytes.slice(-4).join('.') : ipv6(bytes);
  return [host, Number.parseInt(port, 16)];
}

function ipv6(bytes: number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] * 256 + bytes[2 * i + 1]).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function numbers(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
