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
  '?restart_syscall,?rt_sigreturn,?sigreturn', // whether a call that was interrupted goes on
].join();

/**
 * -ttt: one clock, no midnight. -s: whole messages, and whole lists of epoll. No -yy: strace looks up each descriptor
 * of each set anew, and 900 clients take minutes; what a descriptor is, the calls that make it say, and /proc of what was
 * open before. Never to stderr: there strace would die of Ctrl-C, and mix with the program's output. To no FIFO either:
 * that has room for some hundred calls, and then strace, and the program with it, wait for whoever reads it.
 */
export const STRACE_OPTIONS = ['-f', '-q', '-ttt', '-T', '-s', '4096', '-a', '1', '-e', `trace=${CALLS}`];

/** Bytes of strace's output that may be unread, where nobody looks at what comes of it before the program has ended. */
const MAX_LATER_BYTES = 32 * 2 ** 20;

/** The same where somebody does: what is shown is not old. */
const MAX_SHOWN_BYTES = 2 ** 18;

/** The program comes first: where no processor is free, its calls are read later. */
const NICENESS = 19;

/** Signals that someone may send to the recorder and means for the program. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** A signal that ended the program may reach the recorder so many milliseconds later: it is no other one. */
const SAME_SIGNAL_MS = 1000;

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
  /** @param isLater says whether a text stands in a later line; undefined where that cannot be said */
  onLine: (line: string, isLater: (text: string) => boolean | undefined) => void;
  /** Somebody looks at it while the program runs. */
  isShown: boolean;
}

/**
 * Runs strace to its end. What is sent to the recorder goes on to the program, for strace itself ignores it. Ctrl-C
 * reaches the program without us: a terminal sends it to the whole group in its foreground. Once the program has ended,
 * a signal ends the reading.
 *
 * @throws UserError where strace cannot be started
 */
export async function runStrace(
  target: Target,
  { onLine, onAllRead, onQuiet, isShown }: LineReader,
): Promise<Ended> {
  if (!isInstalled()) throw new UserError(NOT_INSTALLED);
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  try {
    const file = join(folder, 'strace');
    const output = new GrowingFile(file, isShown ? MAX_SHOWN_BYTES : MAX_LATER_BYTES);
    const lines = new Lines(onLine, () => output.ahead());
    const isCommand = 'command' in target;
    const args = isCommand
      ? ['--seccomp-bpf', ...STRACE_OPTIONS, '-o', file, '--', ...target.command]
      : [...STRACE_OPTIONS, '-o', file, ...target.pids.flatMap((pid) => ['-p', String(pid)])];
    let endedMs = Infinity;
    // Before strace is started: a signal would end a recorder that does not handle it, and leave the program behind.
    const off = onSignals((signal) => {
      if (performance.now() - endedMs > SAME_SIGNAL_MS) output.stop();
      if (endedMs < Infinity || (signal !== 'SIGTERM' && isInForeground())) return;
      if (isCommand) void lines.firstPid.then((pid) => send(pid, signal));
      else child.kill(signal);
    });
    const child = spawn('strace', args, { stdio: 'inherit' });
    const exit = exitOf(child);
    const onEnd = () => {
      endedMs = performance.now();
    };
    exit.then(onEnd, onEnd);
    if (!isShown) stepBack();
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
      off();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets all others go first. V8's threads collect garbage: they step back, too. */
function stepBack(): void {
  for (const tid of threads(process.pid)) {
    try {
      setPriority(tid, NICENESS);
    } catch {
      // The thread has ended, or /proc is that of another PID namespace.
    }
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
  readonly #onLine: LineReader['onLine'];
  readonly #ahead: () => string | undefined;
  /** Those that have come, and how many of them are handled. */
  #lines: string[] = [];
  #handled = 0;
  #rest = '';

  constructor(onLine: LineReader['onLine'], ahead: () => string | undefined) {
    this.#onLine = onLine;
    this.#ahead = ahead;
    this.firstPid = new Promise((resolve) => {
      this.#foundPid = resolve;
    });
  }

  push(text: string): void {
    this.#lines = (this.#rest + text).split('\n');
    this.#rest = this.#lines.pop() ?? '';
    for (this.#handled = 0; this.#handled < this.#lines.length; )
      this.#line(this.#lines[this.#handled++] ?? '');
  }

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #line(line: string): void {
    if (this.#isFirst) this.#findPid(line);
    this.#onLine(line, this.#isLater);
  }

  #isLater = (text: string): boolean | undefined => {
    const ahead = this.#ahead();
    if (ahead === undefined) return undefined;
    for (let i = this.#handled; i < this.#lines.length; i++) if (this.#lines[i]?.includes(text)) return true;
    return (this.#rest + ahead).includes(text);
  };

  #findPid(line: string): void {
    const pid = Number.parseInt(line, 10);
    if (!pid) return;
    this.#isFirst = false;
    this.#foundPid(pid);
  }
}

/** @returns what ends it */
function onSignals(handle: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of FORWARDED) process.on(signal, handle);
  return () => {
    for (const signal of FORWARDED) process.off(signal, handle);
  };
}

/** Sends a signal to a process that may have ended. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has.
  }
}

/** Whether this process is in the foreground group of its terminal. */
function isInForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 1).split(' ');
  return group === foreground;
}
