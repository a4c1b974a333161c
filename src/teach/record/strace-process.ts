/** A command under strace(1), whose output is read while it grows. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { threads } from '../observe/proc.js';
import { UserError } from '../user-error.js';
import { GrowingFile, type Reader } from './growing-file.js';

/** The calls that are recorded; `?` allows for systems that do not have one. */
const CALLS = [
  '?select,?_newselect,?pselect6,?pselect6_time64,?poll,?ppoll,?ppoll_time64',
  '?epoll_create,epoll_create1,epoll_ctl,?epoll_wait,epoll_pwait,?epoll_pwait2',
  'socket,socketpair,bind,listen,?accept,accept4,connect,shutdown,getsockname,getpeername,setsockopt,getsockopt',
  '?recv,?send,recvfrom,sendto,recvmsg,sendmsg,read,write,readv,writev,close,fcntl,?fcntl64,ioctl',
  'dup,?dup2,dup3,?pipe,pipe2,?eventfd,eventfd2,?signalfd4,?timerfd_create',
  '?open,openat,execve,clone,?clone3,?fork,?vfork,wait4,exit_group,?nanosleep,clock_nanosleep,?clock_nanosleep_time64',
].join();

/**
 * -ttt: one clock, no midnight. -s: whole messages, and whole lists of epoll. No -yy: strace looks up each descriptor
 * of each set anew, and 900 clients take minutes; what a descriptor is, the calls that make it say, and /proc of what was
 * open before. To a file and never to stderr: there strace would die of Ctrl-C, and mix with the program's output. To no FIFO either: strace, and
 * the program with it, would wait for whoever reads.
 */
export const STRACE_OPTIONS = ['-f', '-q', '-ttt', '-T', '-s', '4096', '-a', '1', '-e', `trace=${CALLS}`];

/** The program comes first: where no processor is free, its calls are read when it has ended. */
const NICENESS = 19;

/** Signals that someone may send to the recorder and means for the program. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What strace is to trace: a command that it starts, or processes that run. */
export type Target = { command: string[] } | { pids: number[] };

export const NOT_INSTALLED =
  'strace is not installed, and without it only our own programs can be recorded: apt-get install strace';

export function isInstalled(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, 'strace')));
}

/** What becomes of strace's output. */
export interface LineReader extends Pick<Reader, 'onAllRead' | 'onQuiet'> {
  onLine: (line: string) => void;
}

/**
 * Runs strace to its end.
 *
 * @throws UserError where strace cannot be started
 */
export async function runStrace(target: Target, { onLine, onAllRead, onQuiet }: LineReader): Promise<Ended> {
  if (!isInstalled()) throw new UserError(NOT_INSTALLED);
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  try {
    const file = join(folder, 'strace');
    const output = new GrowingFile(file);
    const lines = new Lines(onLine);
    const isCommand = 'command' in target;
    const args = isCommand
      ? ['--seccomp-bpf', ...STRACE_OPTIONS, '-o', file, '--', ...target.command]
      : [...STRACE_OPTIONS, '-o', file, ...target.pids.flatMap((pid) => ['-p', String(pid)])];
    const child = spawn('strace', args, { stdio: 'inherit' });
    for (const tid of threads(process.pid)) setPriority(tid, NICENESS);
    const unforward = forwardSignals((signal) => {
      if (isCommand) void lines.firstPid.then((pid) => isAlive(pid) && process.kill(pid, signal));
      else child.kill(signal);
    });
    const exit = exitOf(child);
    try {
      await output.read(exit, {
        onText: (text) => lines.push(text),
        onAllRead,
        onQuiet,
        hold: (isToWait) => void child.kill(isToWait ? 'SIGSTOP' : 'SIGCONT'),
      });
      lines.end();
      return await exit;
    } finally {
      unforward();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function exitOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (err) => reject(new UserError(`strace: ${err.message}`)));
  });
}

/** Cuts what is read into lines. */
class Lines {
  /** The process of the first line: the program's own. A signal for the program may come before it. */
  readonly firstPid: Promise<number>;
  #foundPid: (pid: number) => void = () => {};
  #isFirst = true;
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
    this.firstPid = new Promise((resolve) => {
      this.#foundPid = resolve;
    });
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #line(line: string): void {
    if (this.#isFirst) this.#findPid(line);
    this.#onLine(line);
  }

  #findPid(line: string): void {
    const pid = Number.parseInt(line, 10);
    if (!pid) return;
    this.#isFirst = false;
    this.#foundPid(pid);
  }
}

/**
 * What is sent to the recorder goes on to the program; strace itself ignores it. Ctrl-C reaches the program without
 * us: a terminal sends it to the whole group in its foreground.
 *
 * @returns what ends it
 */
function forwardSignals(forward: (signal: NodeJS.Signals) => void): () => void {
  const handlers = FORWARDED.map((signal) => {
    const handler = () => {
      if (signal === 'SIGTERM' || !isInForeground()) forward(signal);
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Whether this process is in the foreground group of its terminal. */
function isInForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 1).split(' ');
  return group === foreground;
}
