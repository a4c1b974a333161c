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

/** A core for the program that is measured and one for its load; -1 leaves it to the system. */
const CORES = availableParallelism() > 1 ? { measured: 0, load: 1 } : { measured: -1, load: -1 };

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
  for (const child of running) child.kill('SIGKILL');
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

  private constructor(child: ChildProcess, port: string) {
    this.#child = child;
    this.#port = port;
  }

  /** Starts a server, which prints the port that it listens on. */
  static async start(command: Command): Promise<Server> {
    const [file, ...args] = launched(CORES.measured, 0, command);
    const child = tracked(spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
    const ended = once(child, 'exit').then(() => null);
    const line = once(createInterface(child.stdout as Readable), 'line').then(([port]) => String(port));
    const port = await Promise.race([line, ended]);
    if (port === null) throw new Error(`${command.join(' ')} ended without a port`);
    return new Server(child, port);
  }

  load({ connections, size, idle, warmUp, seconds, rate }: Load): Promise<Values> {
    const load: Command = [c('echo/load'), this.#port, String(this.#child.pid)];
    load.push(...[connections, size, idle, warmUp, seconds, rate].map(String));
    return valuesOf(launched(CORES.load, 0, load));
  }

  /** Kills it: its measurement is over. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended;
  }
}
