/** What all threads of a program are blocked in, their descriptors named (Linux). */
import { existsSync, readFileSync } from 'node:fs';
import { UserError } from '../user-error.js';
import { type BlockedThread, blockedThreads, UnknownAbi } from './blocked.js';
import { type Descriptor, descriptors } from './fds.js';
import {
  asOneMay,
  family,
  openFiles,
  ownerOf,
  type Process,
  process as processOf,
  whyProcIsBlind,
} from './proc.js';

/** A thread with what it is blocked in. */
export interface ThreadState extends BlockedThread {
  process: Process;
  descriptors: Map<number, Descriptor>;
}

/** What was seen of a process. As long as no thread of it runs, it is what it was, and need not be read again. */
interface Seen {
  threads: BlockedThread[];
  files: Map<number, string>;
  /** by `performance.now()` */
  atMs: number;
}

/** What was seen of each process, by its id. */
export type SeenBefore = Map<number, Seen>;

/** Why nothing can be seen, in a line. */
export class CannotObserve extends UserError {}

/**
 * What each thread is blocked in, of a process and of its descendants.
 *
 * @param without processes that are not to be shown
 * @param seen what was seen of them before; it is renewed
 * @throws CannotObserve
 */
export function snapshot(
  root: number,
  without: ReadonlySet<number> = new Set(),
  seen: SeenBefore = new Map(),
): ThreadState[] {
  mustSeeProc();
  return snapshotOf(
    family(root).filter(({ pid }) => pid === root || !without.has(pid)),
    seen,
  );
}

/** @throws CannotObserve where /proc does not show what is to be seen */
export function mustSeeProc(): void {
  if (process.platform !== 'linux')
    throw new CannotObserve(
      `what a program is blocked in cannot be seen here: ${process.platform} has no /proc`,
    );
  const why = whyProcIsBlind();
  if (why) throw new CannotObserve(why);
}

/** @param seen what was seen of them before; it is renewed. @throws CannotObserve */
export function snapshotOf(members: Process[], seen: SeenBefore): ThreadState[] {
  const there = new Set(members.map(({ pid }) => pid));
  for (const pid of seen.keys()) if (!there.has(pid)) seen.delete(pid);
  return members.flatMap((member) => {
    try {
      const [blocked, named] = asOneMay(member.pid, () => look(member.pid, seen));
      const stopped = member.isStopped && { call: 'stopped', fds: [], timeoutS: undefined };
      return blocked.map((thread) => ({ ...thread, ...stopped, process: member, descriptors: named }));
    } catch (err) {
      if (!processOf(member.pid)) return [];
      if (err instanceof UnknownAbi)
        throw new CannotObserve(
          `${member.name} ${member.pid} is a program for another kind of processor: its system calls cannot be read here`,
        );
      throw new CannotObserve(whyNot(member.pid, (err as NodeJS.ErrnoException).code));
    }
  });
}

function look(pid: number, seen: SeenBefore): [BlockedThread[], Map<number, Descriptor>] {
  const before = seen.get(pid);
  const atMs = performance.now();
  const threads = blockedThreads(pid, before?.threads, before?.atMs);
  const files = before && threads === before.threads ? before.files : openFiles(pid);
  seen.set(pid, { threads, files, atMs });
  return [threads, descriptors(pid, files)];
}

function whyNot(pid: number, code?: string): string {
  if (code === 'ENOENT')
    return 'this kernel does not show what a thread is blocked in: it has no /proc/PID/syscall';
  const owner = ownerOf(pid)?.uid;
  const self = process.geteuid?.();
  if (self === 0)
    return `process ${pid} is closed even to root here: that takes CAP_SYS_PTRACE, which this container has not`;
  if (owner !== self)
    return `process ${pid} is another user's (uid ${owner}): only that user and root may look into it`;
  const scope = '/proc/sys/kernel/yama/ptrace_scope';
  if (existsSync(scope) && readFileSync(scope, 'utf8').trim() !== '0')
    return `kernel.yama.ptrace_scope forbids to look into process ${pid}: start it with "posix-select observe -- command", or be root`;
  return `the system forbids to look into process ${pid} (${code})`;
}

const MEANING: Record<string, string> = {
  running: 'running: it waits for nothing',
  stopped: 'stopped: by a signal, until SIGCONT',
  futex: 'futex: for another thread',
  wait: 'wait: for a child process',
  nanosleep: 'nanosleep: for time to pass',
};

/** The call and how long it may take: `select, no timeout`. Those of locks and sleeps are left out: they are another each time. */
export function callOf({ call, timeoutS }: ThreadState): string {
  const isNamed = timeoutS !== undefined && call !== 'futex' && call !== 'nanosleep';
  const limit = timeoutS === null ? ', no timeout' : `, timeout ${timeoutS} s`;
  return `${MEANING[call] ?? call}${isNamed ? limit : ''}`;
}

/** The descriptors: `3 listener 127.0.0.1:3490 (LISTEN)`; with the events, when they are not reading alone. */
export function namesOf({ fds, descriptors }: ThreadState): string[] {
  return fds.map(({ fd, events }) => {
    const purpose = events.join() === 'read' ? '' : ` [${events.join(', ') || 'errors only'}]`;
    return `${fd} ${descriptors.get(fd)?.name ?? 'closed'}${purpose}`;
  });
}

/** All in a line: `select, no timeout: 3 listener 127.0.0.1:3490 (LISTEN), 4 connected to 127.0.0.1:50312`. */
export function sentence(thread: ThreadState): string {
  return [callOf(thread), namesOf(thread).join(', ')].filter(Boolean).join(': ');
}
