/** What all threads of a program wait in, their descriptors named (Linux). */
import { existsSync, readFileSync } from 'node:fs';
import { UserError } from '../user-error.js';
import { type Wait, waits } from './blocked.js';
import { type Descriptor, descriptors } from './fds.js';
import { asOneMay, family, ownerOf, type Process, process as processOf } from './proc.js';

/** A thread with what it waits in. */
export interface ThreadState extends Wait {
  process: Process;
  descriptors: Map<number, Descriptor>;
}

/** Why nothing can be seen, in a line. */
export class CannotObserve extends UserError {}

/**
 * What each thread waits in, of a process and of all that come from it.
 *
 * @throws CannotObserve
 */
export function snapshot(root: number): ThreadState[] {
  if (process.platform !== 'linux')
    throw new CannotObserve(`what a program waits in cannot be seen here: ${process.platform} has no /proc`);
  return snapshotOf(family(root));
}

/** @throws CannotObserve */
export function snapshotOf(members: Process[]): ThreadState[] {
  return members.flatMap((member) => {
    try {
      const [seen, named] = asOneMay(member.pid, () => [waits(member.pid), descriptors(member.pid)] as const);
      const stopped = member.isStopped && { call: 'stopped', fds: [], timeout: undefined };
      return seen.map((wait) => ({ ...wait, ...stopped, process: member, descriptors: named }));
    } catch (err) {
      if (!processOf(member.pid)) return [];
      throw new CannotObserve(whyNot(member.pid, (err as NodeJS.ErrnoException).code));
    }
  });
}

function whyNot(pid: number, code?: string): string {
  if (code === 'ENOENT')
    return 'this kernel does not tell what a thread is blocked in: it has no /proc/PID/syscall';
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

/** The call and how long it may take: `select, no timeout`. A lock's time is the runtime's own matter. */
export function callOf({ call, timeout }: ThreadState): string {
  const limit =
    timeout === undefined || call === 'futex'
      ? ''
      : timeout === null
        ? ', no timeout'
        : `, timeout ${timeout} s`;
  return `${MEANING[call] ?? call}${limit}`;
}

/** The descriptors: `3 listener 127.0.0.1:3490 (LISTEN)`; with what for, when that is not reading alone. */
export function namesOf({ fds, descriptors }: ThreadState): string[] {
  return fds.map(({ fd, events }) => {
    const purpose = events.join() === 'read' ? '' : ` [${events.join(', ') || 'errors only'}]`;
    return `${fd} ${descriptors.get(fd)?.name ?? 'closed'}${purpose}`;
  });
}

/** All in a line: `select, no timeout: 3 listener 127.0.0.1:3490 (LISTEN), 4 connected to 127.0.0.1:50312`. */
export function sentence(seen: ThreadState): string {
  return [callOf(seen), namesOf(seen).join(', ')].filter(Boolean).join(': ');
}
