/** What /proc shows of processes and their threads (Linux). */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import * as nodeProcess from 'node:process';

export interface Process {
  pid: number;
  /** the kernel's short name: `python3`; of Node that of its file */
  name: string;
  ppid: number;
  /** the process group: a signal from the terminal goes to all of it */
  group: number;
  session: number;
  /** by a signal (SIGSTOP, Ctrl-Z) or a debugger */
  isStopped: boolean;
  /** a thread of the kernel's own: it runs no program */
  isKernelThread: boolean;
  /** CPU time used so far, user and system, in clock ticks of 10 ms */
  ticks: number;
}

/** All processes that can be seen; a zombie is none any more. */
export function processes(): Process[] {
  return processIds().flatMap((pid) => process(pid) ?? []);
}

export const processIds = () => numbers('/proc');

/** The id of the process or thread that was made last: as long as it is the same, there are no new ones. */
export function newestId(): number | undefined {
  const [, id] = /(\d+)\s*$/.exec(tryRead('/proc/loadavg') ?? '') ?? [];
  return id === undefined ? undefined : Number(id);
}

/**
 * Whether what /proc shows is this process's own surroundings.
 *
 * @returns why not, in a sentence; undefined when it is
 */
export function whyProcIsBlind(): string | undefined {
  let self: string;
  try {
    self = readlinkSync('/proc/self');
  } catch {
    return 'there is no /proc here: what a program is blocked in cannot be seen';
  }
  return self === String(nodeProcess.pid)
    ? undefined
    : 'the /proc here is that of another PID namespace (mount one with unshare --mount-proc): what a program is blocked in cannot be seen';
}

/** @returns undefined when there is no such process, or when it has ended */
export function process(pid: number): Process | undefined {
  return inState(pid, (state) => !'ZX'.includes(state));
}

/** A process that has ended and whose parent has not called wait(2) yet. */
export function zombie(pid: number): Process | undefined {
  return inState(pid, (state) => state === 'Z');
}

function inState(pid: number, isWanted: (state: string) => boolean): Process | undefined {
  const stat = tryRead(`/proc/${pid}/stat`);
  const parts = stat && /^\d+ \((.*)\) (\S) (.*)$/s.exec(stat);
  if (!parts || !isWanted(parts[2] ?? '')) return undefined;
  const [, comm = '', state = '', rest = ''] = parts;
  const fields = rest.split(' ').map(Number);
  const field = (number: number) => fields[number - FIRST_FIELD] ?? 0;
  return {
    pid,
    name: THREAD_NAME.test(comm) ? (programOf(pid) ?? comm) : comm,
    ppid: field(4),
    group: field(5),
    session: field(6),
    isStopped: 'Tt'.includes(state),
    isKernelThread: (field(9) & PF_KTHREAD) !== 0,
    ticks: field(14) + field(15),
  };
}

/** What Node 24 and newer call their first thread: the kernel knows the process by that name. */
const THREAD_NAME = /^(node-)?MainThread$/;

/** The name of the file that a process runs. */
function programOf(pid: number): string | undefined {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return undefined;
  }
}

/** Of /proc/PID/stat, as proc(5) counts its fields: the first behind the state. */
const FIRST_FIELD = 4;
const PF_KTHREAD = 0x200000;

/** The id of the process that a thread belongs to; undefined when there is no such thread. */
export function processOfThread(tid: number): number | undefined {
  const [, pid] = /^Tgid:\s*(\d+)/m.exec(tryRead(`/proc/${tid}/status`) ?? '') ?? [];
  return pid === undefined ? undefined : Number(pid);
}

/** What the scheduler knows of a thread. */
export interface Schedule {
  /** CPU time used */
  cpuMs: number;
  /** time that it could have run and was kept waiting by other programs */
  delayedMs: number;
  /** how many times it has been put on a processor */
  turns: number;
}

/** @returns undefined when there is no such thread, or where the kernel does not show it */
export function schedule(pid: number, tid: number): Schedule | undefined {
  const text = tryRead(`/proc/${pid}/task/${tid}/schedstat`);
  const [cpuNs, delayedNs, turns] = (text ?? '').split(' ').map(Number);
  if (cpuNs === undefined || delayedNs === undefined || !turns) return undefined;
  return { cpuMs: cpuNs / 1e6, delayedMs: delayedNs / 1e6, turns };
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

/** A process and its descendants; those whose parent has gone too, as long as they are in its session. */
export function family(root: number, all = processes()): Process[] {
  const members = new Set([root]);
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const { pid, ppid, session } of all) if (members.has(ppid) || session === root) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

/** What runs a package's command: npx is `npm exec`, in a process of that name. */
const RUNNER = /^(?:npm|npx|pnpm|yarn)\b/;

/** This process; and the npx that has started it, if one has, with the shell between the two. */
export function ownProcesses(): Set<number> {
  const above = [process(nodeProcess.ppid)];
  if (above[0]?.name === 'sh') above.push(process(above[0].ppid));
  const isRun = RUNNER.test(above.at(-1)?.name ?? '');
  return new Set([nodeProcess.pid, ...(isRun ? above.map((one) => one?.pid ?? 0) : [])]);
}

/** Whether a process was started with a variable in its environment: `NAME=value`. */
export function hasVariable(pid: number, variable: string): boolean {
  return tryRead(`/proc/${pid}/environ`)?.split('\0').includes(variable) ?? false;
}

/** The PID namespace of a process; undefined when there is no such process, or where one may not look. */
export function pidNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** How many descriptors the process's table has room for: the kernel looks at no bit of an fd_set beyond it. */
export function tableSize(pid: number): number {
  return Number(/^FDSize:\s*(\d+)/m.exec(tryRead(`/proc/${pid}/status`) ?? '')?.[1]);
}

export function threads(pid: number): number[] {
  return numbers(`/proc/${pid}/task`);
}

/**
 * What a thread is blocked in, as the kernel writes it: the number of the system call, its arguments, the stack pointer
 * and the program counter.
 *
 * @returns 'running' when it is on a processor or could be; undefined when it has gone
 * @throws of code EPERM or EACCES where one may not look, ENOENT where the kernel does not show it
 */
export function blockedIn(pid: number, tid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'utf8').trim();
    return text === 'running' || text.startsWith('-1') ? 'running' : text;
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
    events: Number.parseInt(events ?? '', 16),
  }));
}

export type TcpAddress = [host: string, port: number];

export interface TcpSocket {
  inode: number;
  local: TcpAddress;
  remote: TcpAddress;
  /** LISTEN, ESTABLISHED … as in tcp(7) */
  state: string;
  /** bytes that the other end has not acknowledged yet */
  unsent: number;
  /** bytes that have come and that nobody has read yet; of a listener, connections that nobody has accepted */
  unread: number;
}

export const TCP_STATES =
  'ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING'.split(
    ' ',
  );

/** Whether a process is in the same network namespace as this one. */
export function isInOwnNetwork(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net');
  } catch {
    return false;
  }
}

/**
 * TCP sockets of the network that a process is in. One that nobody has accepted yet has the inode 0.
 *
 * @param inodes of those that are wanted, and maybe some more; all without it. A machine may have thousands
 */
export function tcpSockets(pid: number, table: 'tcp' | 'tcp6', inodes?: Set<number>): TcpSocket[] {
  const marks = [...(inodes ?? [])].map((inode) => ` ${inode} `);
  const isWanted = (row: string) => !inodes || marks.some((mark) => row.includes(mark));
  return rows(`/proc/${pid}/net/${table}`, isWanted).map((fields) => {
    const [, local = '', remote = '', state = '', queues = ''] = fields;
    const [unsent = '', unread = ''] = queues.split(':');
    return {
      local: address(local),
      remote: address(remote),
      state: TCP_STATES[Number.parseInt(state, 16) - 1] ?? 'unknown',
      unsent: Number.parseInt(unsent, 16),
      unread: Number.parseInt(unread, 16),
      inode: Number(fields[9]),
    };
  });
}

/** The Unix sockets of the network that a process is in: their paths, '' for those without, by inode. */
export function unixSockets(pid: number): Map<number, string> {
  return new Map(rows(`/proc/${pid}/net/unix`).map((fields) => [Number(fields[6]), fields[7] ?? '']));
}

function rows(path: string, isWanted = (_row: string) => true): string[][] {
  const lines = (tryRead(path) ?? '').split('\n').slice(1, -1);
  return lines.filter(isWanted).map((line) => line.trim().split(/\s+/));
}

/** `0100007F:0DA2` is 127.0.0.1:3490: the address is in words of the machine's byte order. */
function address(text: string): [string, number] {
  const [words = '', port = ''] = text.split(':');
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  return [hostOf(bytes), Number.parseInt(port, 16)];
}

/** An address in network byte order as text; IPv4 in IPv6's form is IPv4. */
export function hostOf(bytes: number[]): string {
  const isMapped = bytes.length === 16 && bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  return bytes.length === 4 || isMapped ? bytes.slice(-4).join('.') : ipv6(bytes);
}

function ipv6(bytes: number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0)).toString(16),
  );
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
