/** The five servers as their clients see them, and python3 clients that are at home with each. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { CLI, Process, startServer, until } from './process.js';
import { Python } from './python.js';

export interface Server {
  name: string;
  program: string;
  args: (string | number)[];
  /** What ends the greeting; '' where there is none. */
  greeting: string;
  /** Whether a client first says its name. */
  named: boolean;
  /** What ends a message. */
  end: string;
  /** Who is sent what a client says. A client is served when they have it; or else when stdout shows it. */
  reach: 'others' | 'all' | 'self' | 'nobody';
  /** What a client says to be answered itself, and the answer. */
  asks?: [question: string, answer: string];
  /** The lines on stdout for one that comes, one that goes, and what one says; with the port where they have it. */
  came: RegExp;
  left: RegExp;
  says?: RegExp;
  /** The last lines on stdout after Ctrl-C. */
  bye: string[];
  /** Whether what waits for a peer can be bounded: `--max-pending`. */
  bounded: boolean;
}

const ADDRESS = "\\('127\\.0\\.0\\.1', (\\d+)\\)";

const SRV: Server = {
  name: 'srv',
  program: 'srv',
  args: ['127.0.0.1', 0],
  greeting: 'online)',
  named: false,
  end: '',
  reach: 'others',
  came: /^> New user 127\.0\.0\.1:(\d+) entered/gm,
  left: /^< The user 127\.0\.0\.1:(\d+) left/gm,
  says: /^\[127\.0\.0\.1:(\d+)\] ([^\n]*)$/gm,
  bye: ['KeyboardInterrupt'],
  bounded: true,
};

const SELECT_SERVER: Server = {
  name: 'select-server',
  program: 'select-server',
  args: [0],
  greeting: '',
  named: false,
  end: '',
  reach: 'nobody',
  came: new RegExp(`^${ADDRESS}: connected$`, 'gm'),
  left: new RegExp(`^${ADDRESS}: disconnected$`, 'gm'),
  says: new RegExp(`^${ADDRESS} \\d+ bytes: (b.*)$`, 'gm'),
  bye: [],
  bounded: false,
};

export const SERVERS: Server[] = [
  SELECT_SERVER,
  { ...SELECT_SERVER, name: 'select-server --literal', args: [0, '--literal'] },
  SRV,
  { ...SRV, name: 'srv --framing line', args: [...SRV.args, '--framing', 'line'], end: '\n' },
  {
    name: 'talk-server',
    program: 'talk-server',
    args: ['-v', '-p', 0],
    greeting: 'Thank you for connecting',
    named: false,
    end: '',
    reach: 'others',
    asks: ['/who:', 'clients connected.\n'],
    came: /^new connection from 127\.0\.0\.1, (\d+)$/gm,
    left: /\(127\.0\.0\.1, (\d+)\) disconnected$/gm,
    bye: [],
    bounded: true,
  },
  {
    name: 'chatserver',
    program: 'chatserver',
    args: [0],
    greeting: 'screen name:\n',
    named: true,
    end: '\n',
    reach: 'all',
    asks: ['any words', 'mallory::any words\n'],
    came: /^Incoming Connection$/gm,
    left: /^client disconnecting$/gm,
    bye: [],
    bounded: true,
  },
  {
    name: 'multiconn-server',
    program: 'multiconn-server',
    args: ['127.0.0.1', 0],
    greeting: '',
    named: false,
    end: '',
    reach: 'self',
    asks: ['any words', 'any words'],
    came: new RegExp(`^Accepted connection from ${ADDRESS}$`, 'gm'),
    left: new RegExp(`^Closing connection to ${ADDRESS}$`, 'gm'),
    bye: ['Caught keyboard interrupt, exiting'],
    bounded: true,
  },
];

const pythonFile = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const CLIENTS = pythonFile('clients.py');
const WITNESS = pythonFile('witness.py');

/** Milliseconds that 50 MiB may take where the machine is busy. */
const PATIENCE = 150_000;

/** What clients.py has to know of a server. */
function about({ greeting, named, end, reach, asks }: Server, { port, pid }: { port: number; pid: number }) {
  return JSON.stringify({ greeting, named, end, reach, asks, port, pid });
}

/** Starts Python that has the clients at hand, may `wait()` for a line, and leaves its answer in `result`. */
export function startPeer(kind: Server, server: { port: number; pid: number }, code: string): Process {
  return Python.program(`${CLIENTS}${code}\nprint('result', json.dumps(result))`, [about(kind, server)]);
}

/** A peer's answer, once it has one. */
export async function resultOf<T>(peer: Process): Promise<T> {
  const [, json] = await peer.out(/^result (.*)\n/m, PATIENCE);
  return JSON.parse(json);
}

export interface Report {
  /** Milliseconds from the send to the arrival, of each line. */
  lateness: number[];
  lost: number;
}

/** A server with two well-behaved clients, and what a test does to it. */
export class Live {
  readonly kind: Server;
  /** How long the server needed until it listened: how fast the machine is now. */
  startMs = 0;
  readonly process: Process & { port: number };
  readonly #witness: Process;
  /** When stdout has shown what the well-behaved clients say: seconds on Python's monotonic clock. */
  readonly #shown = new Map<number, number>();

  private constructor(kind: Server, process: Process & { port: number }) {
    this.kind = kind;
    this.process = process;
    let text = '';
    process.child.stdout?.on('data', (data) => {
      if (kind.reach !== 'nobody') return;
      text = text.slice(-100) + data;
      const now = Number(globalThis.process.hrtime.bigint()) / 1e9;
      for (const [, n] of text.matchAll(/w\d-(\d+);/g)) {
        if (!this.#shown.has(Number(n))) this.#shown.set(Number(n), now);
      }
    });
    this.#witness = Python.program(CLIENTS + WITNESS, [about(kind, process)]);
  }

  /** @param descriptors how many the server may have open, at most */
  static async start(kind: Server, args: (string | number)[] = [], descriptors?: number): Promise<Live> {
    const beginMs = performance.now();
    const server = await (descriptors
      ? startLimited(kind.program, [...kind.args, ...args], descriptors)
      : startServer(kind.program, [...kind.args, ...args], { env: environment() }));
    const live = new Live(kind, server);
    live.startMs = performance.now() - beginMs;
    await live.#witness.out(/^on$/m);
    return live;
  }

  /** As `startPeer`. */
  peer(code: string): Process {
    return startPeer(this.kind, this.process, code);
  }

  /** The peer's answer, when it has ended. */
  result<T>(peer: Process | string): Promise<T> {
    return resultOf<T>(typeof peer === 'string' ? this.peer(peer) : peer);
  }

  /** Lets so many bytes pass by. */
  async flood(bytes: number): Promise<void> {
    await this.#ask(`flood ${bytes}`, /^flooded/m);
  }

  /** The well-behaved clients say nothing more, and what they have said has come. */
  async pause(): Promise<void> {
    const [, said] = await this.#ask('pause', /^paused (\d+)\n/m);
    await this.#untilShown(Number(said));
  }

  resume(): void {
    this.#witness.child.stdin?.write('resume\n');
  }

  /** Gives the well-behaved clients a command and returns their answer. */
  #ask(command: string, answer: RegExp): Promise<RegExpMatchArray> {
    this.#witness.stdout = '';
    this.#witness.child.stdin?.write(`${command}\n`);
    return this.#witness.out(answer, PATIENCE);
  }

  async #untilShown(count: number): Promise<void> {
    if (this.kind.reach !== 'nobody') return;
    await until('all that was said is on stdout', () => this.#shown.size === count);
  }

  /** How often stdout has a line. */
  count(line: RegExp): number {
    return [...this.process.stdout.matchAll(line)].length;
  }

  /** The ports in the lines on stdout. */
  ports(line: RegExp): number[] {
    return [...this.process.stdout.matchAll(line)].map(([, port]) => Number(port));
  }

  /** What stdout shows that the peer at a port has said. */
  shown(port: number): string {
    const lines = [...this.process.stdout.matchAll(this.kind.says ?? /$^/g)];
    const texts = lines.filter((line) => Number(line[1]) === port).map(([, , text]) => text);
    return texts
      .map((text) => (this.kind.reach === 'nobody' ? bytesOf(text) : text))
      .join('')
      .split('<end>')[0];
  }

  /** Highest resident memory so far, in MiB (Linux). */
  get peakMemory(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** The well-behaved clients say a few lines more, and report when all have come. */
  async report(): Promise<Report> {
    const [, json] = await this.#ask('stop', /^report (.*)\n/m);
    const { sent, got, want }: { sent: number[]; got: number[][]; want: number } = JSON.parse(json);
    if (want === 0) {
      await this.#untilShown(sent.length);
      for (const [n, time] of this.#shown) got[n] = [time];
    }
    const lateness = got.flatMap((times, n) => times.map((time) => (time - sent[n]) * 1000));
    expect(this.process.child.exitCode).toBe(null);
    return { lateness, lost: got.filter(({ length }) => length !== (want || 1)).length };
  }
}

/** As `startServer`, with a limit on descriptors. */
async function startLimited(program: string, args: (string | number)[], descriptors: number) {
  const command = [process.execPath, CLI, program, ...args.map(String)];
  const server = new Process('sh', ['-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh', ...command]);
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  return Object.assign(server, { port: Number(port) });
}

/** An AddressSanitizer holds freed memory back, 256 MiB of it unless told otherwise. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=4` };
}

/** The bytes that a Python repr shows, as latin1. */
function bytesOf(repr: string): string {
  const named: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  return repr
    .slice(2, -1)
    .replace(/\\(?:x(..)|(.))/g, (_, hex, char) =>
      hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (named[char] ?? char),
    );
}
