/**
 * Whether a program sleeps (Linux). What a thread is blocked in, with which time limit, and how long it has run, says
 * /proc: a sleep without a time limit need not be watched for long to know that it has no end of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Process, until } from './process.js';

type Call = 'select' | 'poll' | 'epoll';

/** Each call's numbers; which argument is its time limit; and the limit that means none: a null pointer, or -1. */
const CALLS: Record<string, Record<number, [Call, argument: number, none: string]>> = {
  x64: {
    23: ['select', 4, '0x0'],
    270: ['select', 4, '0x0'],
    7: ['poll', 2, '0xffffffff'],
    271: ['poll', 2, '0x0'],
    232: ['epoll', 3, '0xffffffff'],
    281: ['epoll', 3, '0xffffffff'],
  },
  arm64: { 72: ['select', 4, '0x0'], 73: ['poll', 2, '0x0'], 22: ['epoll', 3, '0xffffffff'] },
};

/** A thread that waits for descriptors. */
export interface Wait {
  tid: number;
  call: Call;
  /** Its first argument: of an epoll the descriptor. */
  first: number;
  hasTimeout: boolean;
  /** Nanoseconds that the thread has run so far. */
  runNs: number;
  /** How often it has gone to sleep so far. */
  sleeps: number;
}

/** The threads that wait for descriptors; but for the main thread in Node's event loop, which has timers. */
export function waits({ pid }: Process): Wait[] {
  const file = (tid: number, name: string) => readFileSync(`/proc/${pid}/task/${tid}/${name}`, 'utf8');
  const wait = (tid: number): Wait[] => {
    const [number, ...args] = file(tid, 'syscall').trim().split(' ');
    const known = CALLS[process.arch]?.[Number(number)];
    const isAsleep = file(tid, 'stat').split(') ')[1]?.startsWith('S');
    if (!known || !isAsleep) return [];
    const [call, argument, none] = known;
    if (tid === pid && call === 'epoll') return []; // Node's event loop
    const runNs = Number(file(tid, 'schedstat').split(' ')[0]);
    const sleeps = Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(file(tid, 'status'))?.[1]);
    // An int in a register: its upper half may be anything.
    const limit = none === '0x0' ? args[argument] : `0x${args[argument]?.slice(-8)}`;
    return [{ tid, call, first: Number(args[0]), hasTimeout: limit !== none, runNs, sleeps }];
  };
  return readdirSync(`/proc/${pid}/task`)
    .map(Number)
    .flatMap((tid) => {
      try {
        return wait(tid);
      } catch {
        return []; // the thread has ended meanwhile
      }
    });
}

/** How long the threads are watched: a loop that spins, or wakes again and again, has run meanwhile. */
const WATCH_MS = 300;

/** How long each thread of a process has run so far: ids and nanoseconds. */
function runTimes({ pid }: Process): string {
  const tids = readdirSync(`/proc/${pid}/task`);
  return tids.map((tid) => `${tid} ${readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8')}`).join('');
}

/**
 * Waits until no thread of the programs has run for a while, and their loops wait without a time limit: a loop that
 * spins, or wakes again and again, never gets there. (V8 has a thread that waits in epoll_wait, at times with a limit.)
 */
export async function untilAsleep(...programs: Process[]): Promise<void> {
  const isEndless = (program: Process) => {
    const threads = waits(program);
    const isLimited = threads.some(({ call, hasTimeout }) => call !== 'epoll' && hasTimeout);
    return !isLimited && threads.some(({ hasTimeout }) => !hasTimeout);
  };
  let before = '';
  let sinceMs = 0;
  await until('all sleep', () => {
    const now = programs.map(runTimes).join();
    if (now !== before) [before, sinceMs] = [now, performance.now()];
    return performance.now() - sinceMs > WATCH_MS && programs.every(isEndless);
  }).catch((err) => {
    throw new Error(`${err.message}: ${JSON.stringify(programs.map(waits))}`);
  });
}

/** CPU time that a loop may use between two pauses. */
const MAX_RUN_NS = 10_000_000;

/** Waits until a program's loop has paused five times, and fails if it has used much CPU time meanwhile. */
export async function expectPauses(program: Process): Promise<void> {
  const selects = () => waits(program).find(({ call }) => call === 'select');
  const [first] = [await until('the loop is in select()', selects)];
  const later = () => {
    const now = selects();
    return now && now.sleeps >= first.sleeps + 5 ? now : null;
  };
  const { runNs, sleeps } = await until('the loop has paused five times', later);
  expect((runNs - first.runNs) / (sleeps - first.sleeps)).toBeLessThan(MAX_RUN_NS);
}
