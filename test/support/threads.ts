/** What a child process's threads are doing, and its end. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Process, until } from './peers.js';

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
export async function ended(process: Process, ms = 10_000): Promise<{ exit: number | string; ms: number }> {
  const begin = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, ms, `still running after ${ms} ms`);
  });
  const exit = await Promise.race([process.exit, tooLate]);
  clearTimeout(timer);
  return { exit, ms: performance.now() - begin };
}
