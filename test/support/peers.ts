/** Real peers for the tests: python3, our own programs, and processes in general. Nothing here sleeps a fixed time. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished, type TestContext } from 'vitest';

export const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Waits until `condition` holds (is truthy) and returns what it gave; fails after `ms`, saying `what` it waited for. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  ms = 20_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + ms;
  while (true) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The test that is running: vitest's own hook cannot tell where several run at the same time. */
const current = new AsyncLocalStorage<TestContext>();

/** The body of a `test.concurrent`: its processes are killed when it ends. */
export function concurrently<T>(context: TestContext, body: () => Promise<T>): Promise<T> {
  return current.run(context, body);
}

/** Runs a piece of Python that finds its input in `args` and leaves its answer in `result`. */
export function python<T>(code: string, args: unknown = null): T {
  const script = `import json, sys\nargs = json.load(sys.stdin)\n${code}\nprint(json.dumps(result))`;
  const out = execFileSync('python3', ['-c', script], {
    input: JSON.stringify(args),
    encoding: 'utf8',
    timeout: 30_000, // this process waits with it: no test's timeout would end it
  });
  return JSON.parse(out);
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
      child.once('close', (code, signal) => {
        this.#ended = true;
        resolve(code ?? (signal as string));
      });
    });
    (current.getStore()?.onTestFinished ?? onTestFinished)(() => {
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

/** Starts a Python script; print(…, flush=True) to be heard. */
export function startPython(code: string, args: (string | number)[] = []): Process {
  return new Process('python3', ['-c', code, ...args.map(String)]);
}

const PEER = `
import os, select, socket, struct, sys
role, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if role == 'server':
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ':' in host else socket.AF_INET)
    print('port', listener.getsockname()[1], file=sys.stderr, flush=True)
    s, _ = listener.accept()
else:
    s = socket.create_connection((host, port))
    print('port', s.getsockname()[1], file=sys.stderr, flush=True)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
commands = open(0, 'rb', buffering=0)
rlist = [commands, s]
def reset():
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    os._exit(0)
while True:
    readable, _, _ = select.select(rlist, [], [])
    if s in readable:
        data = s.recv(1024)
        if not data: break
        os.write(1, data)
    if commands in readable:
        line = commands.readline()
        if not line: break
        exec(line)
        print('done', file=sys.stderr, flush=True)
`;

/**
 * A blocking TCP socket in Python. What it receives is its stdout. It ends at the end of its input, and with the
 * stream: exit code 0 if that was closed, 1 if it was reset.
 */
export class Peer extends Process {
  /** Of the socket: the one it listens on, or the one it connected from. */
  port = 0;
  #commands = 0;

  constructor(role: 'client' | 'server', host: string, port: number) {
    super('python3', ['-c', PEER, role, host, String(port)]);
  }

  /** Executes a line of Python in which the socket is `s`. */
  async run(code: string): Promise<void> {
    this.type(`${code}\n`);
    const n = ++this.#commands;
    await until(code, () => this.hasEnded || (this.stderr.match(/^done$/gm)?.length ?? 0) >= n);
  }

  /** Sends, all in one call. */
  async say(bytes: string | Uint8Array): Promise<void> {
    await this.run(`s.sendall(bytes.fromhex('${Buffer.from(bytes).toString('hex')}'))`);
  }

  async reset(): Promise<void> {
    await this.run('reset()');
  }
}

/** Connects to a server. */
export async function connect(port: number, host = '127.0.0.1'): Promise<Peer> {
  return await ready(new Peer('client', host, port));
}

/** Listens on a free port, for one connection. */
export async function listen(host = '127.0.0.1'): Promise<Peer> {
  return await ready(new Peer('server', host, 0));
}

async function ready(peer: Peer): Promise<Peer> {
  peer.port = Number((await peer.err(/^port (\d+)$/m))[1]);
  return peer;
}

/** How many descriptors a process has open (Linux). */
export function openFds(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The numbers of the system calls that a process's threads are in, by thread id (Linux). */
export function syscalls(pid: number): Map<number, number> {
  const threads = readdirSync(`/proc/${pid}/task`);
  return new Map(
    threads.map((tid) => [
      Number(tid),
      Number.parseInt(readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'utf8'), 10),
    ]),
  );
}

/** CPU time that a process has used so far, user and system, in clock ticks of 10 ms (Linux). */
export function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
