/** The one way to a Python peer: a python3 that is told what to do, step by step. */
import { execFileSync, type SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { Process, WAIT_MS } from './process.js';

/** A file of `python/`. Python gets its text: an ordinary user may not be able to open it. */
const source = (name: string) => readFileSync(new URL(`python/${name}.py`, import.meta.url), 'utf8');

interface Options extends Omit<SpawnOptions, 'stdio'> {
  /** Files of `python/` whose functions the steps use, without `.py`; `sockets` is always among them. */
  helpers?: string[];
  /** What the steps find in `sys.argv[1:]`. */
  argv?: (string | number)[];
  /** A command that runs another: `nsenter …`. */
  within?: string[];
  /** Descriptors that it inherits as 4, 5, …. */
  fds?: number[];
}

interface Pending {
  resolve: (reply: string) => void;
  reject: (err: Error) => void;
}

/**
 * A python3 process that executes steps. They share their variables, the modules that python/steps.py imports, and the
 * functions of the helpers. stdin, stdout and stderr are the steps' own.
 */
export class Python extends Process {
  readonly #channel: Duplex;
  readonly #pending: Pending[] = [];

  constructor({ helpers = [], argv = [], within = [], fds = [], ...spawning }: Options = {}) {
    const [command, ...args] = [...within, 'python3', '-c', source('steps'), ...argv.map(String)];
    super(command as string, args, { ...spawning, stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...fds] });
    this.#channel = this.child.stdio[3] as Duplex;
    this.#channel.on('error', () => {}); // the steps that are pending say what it ended with
    let text = '';
    this.#channel.setEncoding('utf8').on('data', (data) => {
      const lines = (text + data).split('\n');
      text = lines.pop() as string;
      for (const line of lines) this.#pending.shift()?.resolve(line);
    });
    for (const helper of ['sockets', ...helpers]) void this.run(source(helper));
    this.exit.then((exit) => {
      for (const { reject } of this.#pending) reject(new Error(`Python ended with ${exit}\n${this.stderr}`));
    });
  }

  /** A Python program as it stands: `argv` is its command line, and the process ends with it. */
  static program(code: string, argv: (string | number)[] = [], options: Options = {}): Python {
    const python = new Python({ argv, ...options });
    python.#channel.end(`${JSON.stringify({ code, args: null, last: true })}\n`);
    return python;
  }

  /** Runs a step that finds its input in `args`, and returns what it has left in `result`. */
  run<T = void>(code: string, args: unknown = null, ms = WAIT_MS): Promise<T> {
    const answer = this.#ask({ code, args, last: false }, ms).then((reply) => {
      const { result, error } = JSON.parse(reply);
      if (error) throw new Error(`${error}in the step ${code}`);
      return result as T;
    });
    answer.catch(() => {}); // whoever awaits it has the error; at the end of a test nobody may
    return answer;
  }

  #ask(step: object, ms: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.hasEnded) return reject(new Error(`Python has ended before\n${this.stderr}`));
      const late = () =>
        reject(new Error(`waited ${ms} ms in vain: ${JSON.stringify(step)}\n${this.stderr}`));
      const timer = setTimeout(late, ms);
      this.exit.then(() => clearTimeout(timer));
      const settle = (reply: string) => {
        clearTimeout(timer);
        resolve(reply);
      };
      this.#pending.push({ resolve: settle, reject });
      this.#channel.write(`${JSON.stringify(step)}\n`);
    });
  }
}

/** A Python that is one connection: python/peer.py says how it behaves. */
export class Peer extends Python {
  /** Of the socket: the one it listens on, or the one it connected from. */
  port = 0;

  constructor() {
    super({ helpers: ['peer'] });
  }

  /** Sends, all in one call. */
  async say(bytes: string | Uint8Array): Promise<void> {
    await this.run('s.sendall(bytes.fromhex(args))', Buffer.from(bytes).toString('hex'));
  }

  /** Resets the connection and ends. */
  async reset(): Promise<void> {
    await this.run('break_off()').catch(() => {});
  }
}

/** Connects to a server. */
export async function connect(port: number | string, host = '127.0.0.1'): Promise<Peer> {
  const peer = new Peer();
  peer.port = await peer.run('begin(connect(*args)); result = port(s)', [Number(port), host]);
  return peer;
}

/** Listens on a free port, for one connection. */
export async function listen(host = '127.0.0.1'): Promise<Peer> {
  const peer = new Peer();
  peer.port = await peer.run('listener = listen(args); result = port(listener)', host);
  void peer.run('listener.settimeout(None); begin(accept(listener))');
  return peer;
}

/** A Python that listens on `listener`, with little room for what it has not read yet. */
export async function listenInSteps(options: Options = {}): Promise<{ python: Python; port: number }> {
  const python = new Python(options);
  const port = await python.run<number>('listener = listen(rcvbuf=4096); result = port(listener)');
  return { python, port };
}

/**
 * Runs a piece of Python that finds its input in `args` and leaves its answer in `result`, and waits for it: for
 * comparisons with CPython. It inherits `fds` as 3, 4, ….
 */
export function python<T>(code: string, args: unknown = null, fds: number[] = []): T {
  const script = `import json, sys\nargs = json.load(sys.stdin)\n${code}\nprint(json.dumps(result))`;
  const out = execFileSync('python3', ['-c', script], {
    input: JSON.stringify(args),
    stdio: ['pipe', 'pipe', 'inherit', ...fds],
    encoding: 'utf8',
    timeout: WAIT_MS, // this process waits with it: no test's timeout would end it
  });
  return JSON.parse(out);
}
