/** `posix-select observe`: shows live what any program is blocked in (Linux). */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { print, visible, warn } from '../../loop/terminal.js';
import { errno, OSError } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';
import { pageWidth, wrap } from '../text.js';
import { UserError } from '../user-error.js';
import { process as processOf, zombie } from './proc.js';
import { callOf, namesOf, sentence, snapshot, type ThreadState } from './snapshot.js';

/** Milliseconds between two looks. */
const INTERVAL = 100;

/**
 * Shows a process that runs already, until it ends or Ctrl-C: redrawn in place on a terminal, else line by line.
 *
 * @throws UserError; OSError when stdout cannot be written, EPIPE also when nothing is to be told and its reader has gone
 */
export async function observe(pid: number): Promise<number> {
  if (process.platform === 'linux' && !processOf(pid)) throw new UserError(whyNone(pid));
  const show = process.stdout.isTTY ? redraw(process.stdout) : changes(print, process.stdout);
  let interrupted = false;
  process.once('SIGINT', () => (interrupted = true));
  for (let seen = snapshot(pid); seen.length > 0 && !interrupted; seen = snapshot(pid)) {
    show(seen);
    await pause(INTERVAL);
    if (hasHungUp(1)) throw new OSError(errno.EPIPE, 'write', 'stdout');
  }
  return 0;
}

function whyNone(pid: number): string {
  const ended = zombie(pid);
  if (!ended) return `there is no process ${pid}`;
  const { name, ppid } = ended;
  return `process ${pid} (${name}) has ended; its parent ${ppid} (${processOf(ppid)?.name}) has not asked yet how (wait(2))`;
}

/** Whether the other end of a descriptor is gone: poll(2) tells it, whatever it is asked. */
const hasHungUp = (fd: number) => sys.poll(Int32Array.of(fd, 0), 1, 0) > 0;

/**
 * Runs a command, to which the terminal belongs: what it waits in is told line by line on stderr.
 *
 * @returns the command's exit code
 * @throws UserError
 */
export async function observeCommand([command, ...args]: string[]): Promise<number> {
  if (command === '') throw new UserError("'': command not found"); // spawn() takes no empty name
  const child = spawn(command, args, { stdio: 'inherit' });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (err: NodeJS.ErrnoException) => {
      reject(new UserError(`${command}: ${err.code === 'ENOENT' ? 'command not found' : err.message}`));
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals]));
  });
  process.on('SIGINT', () => {}); // Ctrl-C on the terminal is sent to both
  process.on('SIGTERM', () => child.kill('SIGTERM'));

  const show = changes(warn, process.stderr);
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    show(snapshot(child.pid));
    await Promise.race([ended, pause(INTERVAL)]);
  }
  return ended;
}

const nameOf = ({ process: { name, pid } }: ThreadState) => `${name} ${pid}`;

/** Tells of each thread when what it waits in changes: in a line of its own, which only a terminal has broken. */
function changes(tell: (line: string) => void, stream: NodeJS.WriteStream): (seen: ThreadState[]) => void {
  let told = new Map<number, string>();
  let ran = new Set<number>();
  return (all) => {
    const running = new Set(all.filter(({ call }) => call === 'running').map(({ tid }) => tid));
    // Between any two waits it runs: news only if it goes on.
    const settled = all.filter(({ tid }) => !running.has(tid) || ran.has(tid));
    const news = settled.filter((seen) => told.get(seen.tid) !== whatFor(seen));
    for (const same of groups(news, whatFor)) {
      const [{ tid, pid }] = same;
      const threads = same.length > 1 ? `, ${same.length} threads` : tid === pid ? '' : `, thread ${tid}`;
      const line = `${nameOf(same[0])}${threads}: ${sentence(same[0])}`;
      tell(stream.isTTY ? wrap(visible(line), pageWidth(stream), 2).join('\n') : line);
    }
    const alive = all.map(({ tid }) => [tid, told.get(tid) ?? ''] as const);
    told = new Map([...alive, ...news.map((seen) => [seen.tid, whatFor(seen)] as const)]);
    ran = running;
  };
}

/** The timeout is no part of it: that of an event loop is another each time. The name is: exec(2) gives another. */
const whatFor = (seen: ThreadState) => `${nameOf(seen)} ${seen.call} ${namesOf(seen)}`;

/** Draws over what it has drawn before. */
function redraw(terminal: NodeJS.WriteStream): (seen: ThreadState[]) => void {
  let drawn = 0;
  let before = new Map<number, number>();
  let time = performance.now();
  return (all) => {
    const seconds = (performance.now() - time) / 1000;
    const cpu = ({ process: { pid, ticks } }: ThreadState) =>
      seconds > 0 ? Math.round((ticks - (before.get(pid) ?? ticks)) / seconds) : 0;
    const lines = page(all, cpu).flatMap((line) => wrap(visible(line), terminal.columns || 80, 6));
    const room = (terminal.rows || 24) - 1;
    const shown =
      lines.length <= room
        ? lines
        : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} lines more, for a higher window`];
    cursorTo(terminal, 0);
    moveCursor(terminal, 0, -drawn);
    clearScreenDown(terminal);
    terminal.write(shown.map((line) => `${line}\n`).join(''));
    drawn = shown.length;
    time = performance.now();
    before = new Map(all.map(({ process: { pid, ticks } }) => [pid, ticks]));
  };
}

/** A block for each process, its threads in it; those that wait in the very same are one. */
function page(all: ThreadState[], cpu: (seen: ThreadState) => number): string[] {
  return groups(all, nameOf).flatMap((threads) => [
    `${nameOf(threads[0])}  ${cpu(threads[0])} % CPU`,
    ...groups(threads, sentence).flatMap((same) => [
      `  ${callOf(same[0])}${same.length > 1 ? `  (${same.length} threads)` : ''}`,
      ...namesOf(same[0]).map((name) => `    ${name}`),
    ]),
  ]);
}

function groups<T>(items: T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}
