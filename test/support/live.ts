/** A server with two well-behaved clients, which must not notice what a test does to the server. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { CLI, Process, startServer, until } from './process.js';
import type { Python } from './python.js';
import { clientsOf, type Server } from './servers.js';

export interface Report {
  /** Milliseconds from the send to the arrival, of each line. */
  lateness: number[];
  lost: number;
}

/** A server with two well-behaved clients, and what a test does to it. */
export class Live {
  readonly kind: Server;
  readonly process: Process & { port: number };
  readonly #witness: Python;
  #peers: Python[] = [];
  /** Where what counts of stdout begins. */
  #begin = 0;
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
    this.#witness = clientsOf(kind, process, 'witness');
  }

  /** @param descriptors how many the server may have open, at most */
  static async start(kind: Server, args: (string | number)[] = [], descriptors?: number): Promise<Live> {
    const server = await (descriptors
      ? startLimited(kind.program, [...kind.args, ...args], descriptors)
      : startServer(kind.program, [...kind.args, ...args], { env: environment() }));
    const live = new Live(kind, server);
    await live.saysMore(10);
    await live.clear();
    return live;
  }

  /** A Python that has clients of this server. */
  peer(): Python {
    const peer = clientsOf(this.kind, this.process);
    this.#peers.push(peer);
    return peer;
  }

  /** All peers leave but the well-behaved clients. What stdout has shown up to now counts no more. */
  async clear(): Promise<void> {
    const { came, left } = this.kind;
    for (const peer of this.#peers.splice(0)) await peer.end('SIGKILL');
    const count = (line: RegExp) => [...this.process.stdout.matchAll(line)].length;
    await until('only the well-behaved clients are left', () => count(came) - count(left) === 2);
    await this.isServed();
    this.#begin = this.process.stdout.length;
  }

  /** What the server has printed since the last `clear`. */
  get stdout(): string {
    return this.process.stdout.slice(this.#begin);
  }

  /** Waits until the well-behaved clients have said so much more, and have been heard; the number of what comes next. */
  async saysMore(count = 1): Promise<number> {
    return await this.#witness.run<number>('result = wait_until_heard(args)', count);
  }

  /** Lets so many bytes pass by. */
  async flood(bytes: number): Promise<void> {
    // Where they go to stdout: what this test has not read of it is kept up to 8 MiB, and more is dropped.
    const step = this.kind.reach === 'nobody' ? 2 ** 22 : bytes;
    for (let left = bytes; left > 0; left -= step) {
      await this.#witness.run('flood(args)', Math.min(step, left), 280_000);
      if (left <= step) return;
      await this.isServed();
    }
  }

  /** The well-behaved clients say nothing more, and what they have said has come. */
  async pause(): Promise<void> {
    await this.#untilShown(await this.#witness.run<number>('result = pause()'));
  }

  async resume(): Promise<void> {
    await this.#witness.run('set_paused(False)');
  }

  /** What the well-behaved clients have said up to now has come, whatever else goes on. */
  async isServed(): Promise<void> {
    await this.pause();
    await this.resume();
  }

  async #untilShown(count: number): Promise<void> {
    if (this.kind.reach !== 'nobody') return;
    await until('all that was said is on stdout', () => this.#shown.size === count);
  }

  /** How often stdout has a line. */
  count(line: RegExp): number {
    return [...this.stdout.matchAll(line)].length;
  }

  /** The ports in the lines on stdout. */
  ports(line: RegExp): number[] {
    return [...this.stdout.matchAll(line)].map(([, port]) => Number(port));
  }

  /** What stdout shows that the peer at a port has said. */
  shown(port: number): string {
    const lines = [...this.stdout.matchAll(this.kind.says ?? /$^/g)];
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
    const { sent, got, want } = await this.#witness.run<{ sent: number[]; got: number[][]; want: number }>(
      'result = report()',
    );
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
