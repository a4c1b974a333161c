/** `posix-select observe`: shows live what any program is blocked in (Linux). */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { print, visible, warn } from '../../loop/terminal.js';
import { errno, OSError } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';
import { pageWidth, wrap } from '../text.js';
import { UserError } from '../user-error.js';
import { groupsOf, nameOf } from './groups.js';
import { ownProcesses, process as processOf, processOfThread, zombie } from './proc.js';
import { Screen } from './screen.js';
import { mustSeeProc, namesOf, type SeenBefore, sentence, snapshot, type ThreadState } from './snapshot.js';

/** Between two samples. */
const INTERVAL_MS = 100;

/**
 * Shows a process that runs already, or one thread of it, until it ends or Ctrl-C: redrawn in place on a terminal,
 * else line by line.
 *
 * @param id of a process, or of a thread as `ps -L` shows it
 * @throws UserError; OSError when stdout cannot be written, EPIPE also when nothing changes and its reader has gone
 */
export async function observe(id: number): Promise<number> {
  mustSeeProc();
  const pid = processOfThread(id) ?? id;
  const found = processOf(pid);
  if (!found) throw new UserError(whyNone(pid));
  if (found.isKernelThread)
    throw new UserError(
      `process ${pid} (${found.name}) is a thread of the kernel: it runs no program, and makes no system calls`,
    );
  const own = ownProcesses(); // of a shell, the observer is a descendant
  const seen: SeenBefore = new Map();
  const look = () => snapshot(pid, own, seen).filter(({ tid }) => id === pid || tid === id);
  const screen = process.stdout.isTTY ? new Screen(process.stdout, process.stdin) : undefined;
  const showChanges = changes(print, process.stdout);
  let isOver = false;
  process.once('SIGINT', () => (isOver = true));
  try {
    for (let all = look(); all.length > 0 && !isOver && !screen?.isClosed; all = look()) {
      if (screen) screen.show(all);
      else showChanges(all);
      await pause(INTERVAL_MS);
      if (hasHungUp(1)) throw new OSError(errno.EPIPE, 'write', 'stdout');
    }
  } finally {
    screen?.close();
  }
  return 0;
}

function whyNone(pid: number): string {
  const ended = zombie(pid);
  if (!ended) return `there is no process ${pid}`;
  const { name, ppid } = ended;
  return `process ${pid} (${name}) has ended; its parent ${ppid} (${processOf(ppid)?.name}) has not called wait(2) yet`;
}

/** Whether the other end of a descriptor is gone: poll(2) says so, whatever it is asked. */
const hasHungUp = (fd: number) => sys.poll(Int32Array.of(fd, 0), 1, 0) > 0;

/**
 * Runs a command, to which the terminal belongs: what it is blocked in is printed line by line on stderr.
 *
 * @param otherReading what is said of a command that is not found, where a process may have been meant
 * @returns the command's exit code
 * @throws UserError
 */
export async function observeCommand([command = '', ...args]: string[], otherReading = ''): Promise<number> {
  if (command === '') throw new UserError("'': command not found"); // spawn() takes no empty name
  // Before the command runs: a signal may come as soon as anybody sees what it does.
  process.on('SIGINT', () => {}); // Ctrl-C on the terminal is sent to both
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const child: ChildProcess = spawn(command, args, { stdio: 'inherit' });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (err: NodeJS.ErrnoException) => {
      reject(
        new UserError(
          `${command}: ${err.code === 'ENOENT' ? `command not found${otherReading}` : err.message}`,
        ),
      );
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals]));
  });

  const show = changes(warn, process.stderr);
  const seen: SeenBefore = new Map();
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    show(snapshot(child.pid, undefined, seen));
    await Promise.race([ended, pause(INTERVAL_MS)]);
  }
  return ended;
}

/** Prints a line when what a thread is blocked in changes. */
function changes(say: (line: string) => void, stream: NodeJS.WriteStream): (all: ThreadState[]) => void {
  let shown = new Map<number, string>();
  let ran = new Set<number>();
  return (all) => {
    const running = new Set(all.filter(({ call }) => call === 'running').map(({ tid }) => tid));
    // Between any two waits it runs: worth a line only if it goes on.
    const settled = all.filter(({ tid }) => !running.has(tid) || ran.has(tid));
    const changed = settled.filter((thread) => shown.get(thread.tid) !== identityOf(thread));
    for (const same of groupsOf(changed, identityOf)) {
      const [{ tid, pid }] = same;
      const threads = same.length > 1 ? `, ${same.length} threads` : tid === pid ? '' : `, thread ${tid}`;
      const line = `${nameOf(same[0])}${threads}: ${sentence(same[0])}`;
      say(stream.isTTY ? wrap(visible(line), pageWidth(stream), 2).join('\n') : line);
    }
    const alive = all.map(({ tid }) => [tid, shown.get(tid) ?? ''] as const);
    shown = new Map([...alive, ...changed.map((thread) => [thread.tid, identityOf(thread)] as const)]);
    ran = running;
  };
}

/** The timeout is no part of it: that of an event loop is another each time. The name is: exec(2) gives another. */
const identityOf = (thread: ThreadState) => `${nameOf(thread)} ${thread.call} ${namesOf(thread)}`;
