/** What /proc says of a child process: its threads, their system calls, its descriptors, its CPU time (Linux). */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Process, until, WAIT_MS } from './process.js';

/** System calls by number: those that may stand behind the C library's function of the name. */
const NUMBERS: Record<string, Record<'select' | 'connect' | 'write', number[]>> = {
  x64: { select: [23, 270], connect: [42], write: [1] },
  arm64: { select: [72], connect: [203], write: [64] },
};

const { select, connect, write } = NUMBERS[process.arch];

/** Calls that block, each with how to know it by its number and its first argument. */
const CALLS = {
  select: (number: number) => select.includes(number),
  connect: (number: number) => connect.includes(number),
  /** write(2), or where that would fail with EAGAIN, select(2) with an nfds of 2. */
  'write to stdout': (number: number, first: number) =>
    (write.includes(number) && first === 1) || (select.includes(number) && first === 2),
};

/** Waits until so many of a process's threads are blocked in a call (Linux), and returns their ids. */
export async function blockedIn(call: keyof typeof CALLS, process: Process, threads = 1): Promise<number[]> {
  const folder = `/proc/${process.pid}/task`;
  const isBlocked = (tid: string) => {
    const [number, first] = readThread(`${folder}/${tid}/syscall`).split(' ').map(Number);
    const state = readThread(`${folder}/${tid}/stat`).split(') ')[1]?.[0];
    return CALLS[call](number, first) && state === 'S';
  };
  return until(`${threads} threads in ${call}`, () => {
    if (!existsSync(folder)) throw new Error(`the process has ended: ${process.stderr}`);
    const tids = readdirSync(folder).filter(isBlocked).map(Number);
    return tids.length === threads ? tids : null;
  });
}

/** Threads come and go. */
function readThread(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Waits for a process to end, and returns its exit code with the milliseconds that it took from now on. */
export async function ended(process: Process, ms = WAIT_MS): Promise<{ exit: number | string; ms: number }> {
  const begin = performance.now();
  await until('the process ends', () => process.hasEnded, ms);
  return { exit: await process.exit, ms: performance.now() - begin };
}

/** Stops a process with SIGSTOP, all its threads; `thaw` lets it go on. */
export async function freeze({ pid, child }: Process): Promise<void> {
  child.kill('SIGSTOP');
  // Linux stops one thread at once, and the others when that one runs: what comes meanwhile, they still see.
  const stopped = (tid: string) => / T /.test(readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8'));
  const state = () => execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
  await until('all threads are stopped', () =>
    process.platform === 'linux'
      ? readdirSync(`/proc/${pid}/task`).every(stopped)
      : state().trim().startsWith('T'),
  );
}

export function thaw({ child }: Process): void {
  child.kill('SIGCONT');
}

/** How many descriptors a process has open (Linux). */
export function openFds(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many sockets this process has open (Linux): Node's threads open files of their own at any time. */
export function openSockets(): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // it was the descriptor of the folder itself, or of a thread
    }
  });
  return links.filter((link) => link.startsWith('socket:')).length;
}

/** The numbers of the system calls that a process's threads are in, by thread id (Linux). */
export function syscalls(pid: number): Map<number, number> {
  const threads = readdirSync(`/proc/${pid}/task`);
  return new Map(
    threads.map((tid) => [
      Number(tid),
      Number.parseInt(readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'utf8'), 10),
    ]),
  );
}

/** CPU time that a process has used so far, user and system, in clock ticks of 10 ms (Linux). */
export function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
