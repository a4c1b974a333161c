/** Child processes: our own programs, and any. Nothing here waits a fixed time. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, type TestContext, test } from 'vitest';

/** Where the package is: what `node -e` imports, it looks for from here. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const CLI = join(ROOT, 'dist/cli/main.js');

/** Runs the TypeScript compiler in `cwd`, and shows its errors. */
export function tsc(cwd: string, ...args: string[]): void {
  const compiler = join(ROOT, 'node_modules/@typescript/native/bin/tsc');
  execFileSync(process.execPath, [compiler, ...args], { cwd, stdio: 'inherit' });
}

/** What must come, comes sooner on a machine however busy: only a test that would fail waits so long. */
export const WAIT_MS = 120_000;

/** Waits until `condition` holds (is truthy) and returns what it gave; fails after `ms`, saying `what` it waited for. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  ms = WAIT_MS,
): Promise<NonNullable<T>> {
  const begin = performance.now();
  while (true) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    const waitedMs = performance.now() - begin;
    if (waitedMs > ms) throw new Error(`waited ${ms} ms in vain: ${what}`);
    // What takes long is looked at less often: the looking takes time from what is waited for.
    await new Promise((resolve) => setTimeout(resolve, Math.min(20, 2 + waitedMs / 20)));
  }
}

/** The test that is running: vitest's own hook cannot tell where several run at the same time. */
const current = new AsyncLocalStorage<TestContext>();

/** The body of a `test.concurrent`: its processes are killed when it ends. */
export function concurrently<T>(context: TestContext, body: () => Promise<T>): Promise<T> {
  return current.run(context, body);
}

/** A test that runs beside others of its file: for one that mostly waits. */
export function beside(title: string, body: () => Promise<void>): void {
  test.concurrent(title, (context) => concurrently(context, body));
}

/** Has something done when the test that is running ends, also where several run at the same time. */
export function atEnd(done: () => void | Promise<void>): void {
  (current.getStore()?.onTestFinished ?? onTestFinished)(done);
}

/** A child process with what it has printed so far. It is killed when the test ends. */
export class Process {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  /** The exit code; or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
  #ended = false;

  constructor(command: string, args: string[], options: SpawnOptions = {}) {
    const child = spawn(command, args, { stdio: 'pipe', ...options });
    this.child = child;
    child.stdin?.on('error', () => {}); // it may end before it has read all
    child.stdout?.setEncoding('utf8');
    child.stderr?.setEncoding('utf8');
    child.stdout?.on('data', (data) => {
      this.stdout += data;
    });
    child.stderr?.on('data', (data) => {
      this.stderr += data;
    });
    this.exit = new Promise((resolve) => {
      child.once('error', (err) => {
        this.stderr += err.message; // it could not be started
        this.#ended = true;
        resolve((err as NodeJS.ErrnoException).code ?? err.name);
      });
      child.once('close', (code, signal) => {
        this.#ended = true;
        resolve(code ?? (signal as string));
      });
    });
    atEnd(() => {
      child.kill('SIGKILL');
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** Waits until stdout matches. */
  async out(pattern: RegExp, ms?: number): Promise<RegExpMatchArray> {
    return await this.#wait('stdout', pattern, ms);
  }

  /** Waits until stderr matches. */
  async err(pattern: RegExp, ms?: number): Promise<RegExpMatchArray> {
    return await this.#wait('stderr', pattern, ms);
  }

  /** Writes to its stdin. */
  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Ends its stdin. */
  endInput(): void {
    this.child.stdin?.end();
  }

  /** Sends a signal and returns the exit code with the milliseconds until the process had ended. */
  async end(signal: NodeJS.Signals): Promise<{ exit: number | string; ms: number }> {
    const begin = performance.now();
    this.child.kill(signal);
    return { exit: await this.exit, ms: performance.now() - begin };
  }

  async #wait(stream: 'stdout' | 'stderr', pattern: RegExp, ms?: number): Promise<RegExpMatchArray> {
    const match = () => this[stream].match(pattern);
    await until(`${stream} matches ${pattern}`, () => match() || this.#ended, ms).catch(() => {});
    const found = match();
    if (found) return found;
    const ended = this.#ended ? 'the process ended before' : 'waited in vain until';
    throw new Error(`${ended} ${stream} matched ${pattern}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
  }
}

/** Starts one of our programs. */
export function start(program: string, args: (string | number)[] = [], options: SpawnOptions = {}): Process {
  return new Process(process.execPath, [CLI, program, ...args.map(String)], options);
}

/** Starts one of our servers on a free port of its own, and waits until it listens. `args` must say port 0. */
export async function startServer(
  program: string,
  args: (string | number)[] = [0],
  options: SpawnOptions = {},
): Promise<Process & { port: number }> {
  const server = start(program, args, options);
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  return Object.assign(server, { port: Number(port) });
}

/** The arguments with which Node.js runs a piece of code as a module. */
export const nodeArgs = (code: string, ...args: (string | number)[]) => [
  '--expose-gc',
  '--input-type=module',
  '-e',
  code,
  ...args.map(String),
];

/** Starts a Node.js that imports the package as a user does. */
export function startNode(code: string, ...args: (string | number)[]): Process {
  return new Process(process.execPath, nodeArgs(code, ...args), { cwd: ROOT });
}

/**
 * The command by which any user may start our programs: `node`, and a copy of the package. This checkout, and Node,
 * may be in a folder that is closed to other users.
 */
export function forAnyone(): [node: string, cli: string] {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const modules = Object.keys(dependencies).map((name) => `node_modules/${name}`);
  for (const path of ['package.json', 'dist', 'build/Release/posix_select.node', ...modules])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  const node = join(folder, 'node');
  copyFileSync(process.execPath, node);
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  return [node, join(folder, 'dist/cli/main.js')];
}
