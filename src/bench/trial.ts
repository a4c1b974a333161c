/** One trial: a process of its own, in circumstances that are the same for all. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type Command = [file: string, ...args: string[]];

/** What a trial has measured, by name. */
export type Values = Record<string, number>;

/** A file of this benchmark that is not compiled: C, Python. */
export const source = (name: string): string =>
  fileURLToPath(new URL(`../../src/bench/${name}`, import.meta.url));

/** What a trial may take. */
const MAX_TRIAL_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'posix-select-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A file that a trial writes; the next one of the same name writes over it. */
export const file = (name: string): string => join(folder, name);

const compiled = new Map<string, string>();

/** A C program of this benchmark, compiled once a run. */
export function c(name: string): string {
  let program = compiled.get(name);
  if (!program) {
    program = join(folder, name.replace('/', '-'));
    execFileSync('cc', ['-O2', '-pthread', '-o', program, source(`${name}.c`)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    compiled.set(name, program);
  }
  return program;
}

/** A program of this benchmark in Node. */
export const node = (name: string, ...args: string[]): Command => [
  process.execPath,
  fileURLToPath(new URL(`${name}.js`, import.meta.url)),
  ...args,
];

/** Whether a command is there and ends well. */
export function works(file: string, ...args: string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** For what is several processes: the system chooses their cores. */
const ANY_CORE = -1;

/** A core for the program that is measured and one for its load. */
const CORES = availableParallelism() > 1 ? { measured: 0, load: 1 } : { measured: ANY_CORE, load: ANY_CORE };

const launched = (core: number, pairs: number, command: Command): Command => [
  c('launch'),
  String(core),
  String(pairs),
  ...command,
];

const running = new Set<ChildProcess>();

function tracked(child: ChildProcess): ChildProcess {
  running.add(child);
  return child.once('exit', () => running.delete(child));
}

/** Kills the trials that run. */
export function endTrials(): void {
  for (const child of running) endWithChildren(child);
}

/** Ends a trial, and its process group if it has one to itself: without strace, the program that it traces would go on. */
function endWithChildren(child: ChildProcess): void {
  child.kill('SIGKILL');
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
  }
}

async function valuesOf([file, ...args]: Command): Promise<Values> {
  const run = promisify(execFile)(file, args, { timeout: MAX_TRIAL_MS });
  tracked(run.child);
  return JSON.parse((await run).stdout);
}

/** Runs a command that waits on so many pairs. */
export const onPairs = (pairs: number, command: Command): Promise<Values> =>
  valuesOf(launched(CORES.measured, pairs, command));

export interface Load {
  connections: number;
  /** bytes of a message */
  size: number;
  /** connections more that never say anything */
  idle: number;
  /** seconds before the measured ones */
  warmUp: number;
  /** seconds; 0 measures memory */
  seconds: number;
  /** messages a second; 0 for a closed loop */
  rate: number;
}

/** A server under load. */
export class Server {
  readonly #child: ChildProcess;
  readonly #port: string;
  readonly #isSpread: boolean;

  private constructor(child: ChildProcess, port: string, isSpread: boolean) {
    this.#child = child;
    this.#port = port;
    this.#isSpread = isSpread;
  }

  /**
   * Starts a server, which prints the port that it listens on.
   *
   * @param isSpread over all cores, as its load is: it is several processes, or several threads have work
   */
  static async start(command: Command, isSpread = false): Promise<Server> {
    const [file, ...args] = launched(isSpread ? ANY_CORE : CORES.measured, 0, command);
    const child = tracked(spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true }));
    const ended = once(child, 'exit').then(() => null);
    const line = once(createInterface(child.stdout as Readable), 'line').then(([port]) => String(port));
    const port = await Promise.race([line, ended]);
    if (port === null) throw new Error(`${command.join(' ')} ended without a port`);
    return new Server(child, port, isSpread);
  }

  load({ connections, size, idle, warmUp, seconds, rate }: Load): Promise<Values> {
    const load: Command = [c('echo/load'), this.#port, String(this.#child.pid)];
    load.push(...[connections, size, idle, warmUp, seconds, rate].map(String));
    if (!this.#isSpread) return valuesOf(launched(CORES.load, 0, load));
    // The load never sleeps: it is to have what the others leave of the cores.
    return valuesOf(['nice', '-n', '19', ...launched(ANY_CORE, 0, load)]);
  }

  /** Kills it: its measurement is over. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    endWithChildren(this.#child);
    await ended;
  }
}
