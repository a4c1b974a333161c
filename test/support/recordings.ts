/** Recordings of real runs: each server, with clients that connect, send, reset and close. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Call, Head, OtherCall, Sets } from '../../dist/teach/recording/format.js';
import { until } from './process.js';
import { connect, Python } from './python.js';
import { SERVERS } from './servers.js';
import { fileFor, posixSelect } from './traced.js';

export interface Recorded {
  file: string;
  head: Head;
  calls: Call[];
  /** What the program has printed. */
  stdout: string;
}

/** Text of a client that would control a terminal or a page. */
export const EVIL = '\x1b[2J\x07<img src=x onerror="document.title=1"></script>&amp;\u202e';

/** A text as it is shown: characters that would control a terminal, or turn the text round, are escapes. */
export function spelled(text: string): string {
  return text.replaceAll('\x1b', '\\x1b').replaceAll('\x07', '\\x07').replaceAll('\u202e', '\\u202e');
}

/** The five servers, one of them on epoll or kqueue as well. */
export const RECORDED = [
  ...SERVERS.filter(({ name, program }) => name === program).map(({ name, args }) => ({ name, args })),
  { name: 'multiconn-server', args: ['127.0.0.1', 0, '--selector', 'default'] },
].map(({ name, args }) => [[name, ...args].join(' '), name, args] as const);

export async function record(program: string, args: readonly (string | number)[]): Promise<Recorded> {
  return await recordWith(program, args, async (port, received) => {
    const alice = await connect(port);
    await received(() => alice.say('Alice says: hi\n'));
    const bob = await connect(port);
    await received(() => bob.say(`Bob says: ${EVIL}\n`));
    await received(() => alice.say('a second one\n'));
    await received(() => bob.reset());
    await received(() => alice.run('close()'));
  });
}

/** A select-server with many clients, of which the last one sends. */
export async function recordCrowd(count: number): Promise<Recorded> {
  return await recordWith('select-server', [0], async (port, received) => {
    const crowd = Python.program(
      `import socket, sys
crowd = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
crowd[-1].send(b'last')
sys.stdin.read()`,
      [port, count],
    );
    await received(async () => {});
    await crowd.end('SIGKILL');
  });
}

/** A run of a server in Python that passes on what one of three clients sends, and waits for 2 s at most. */
export const RELAY = fileURLToPath(new URL('fixtures/relay.jsonl', import.meta.url));

/** @param act gets the server's port; what it passes to `received` is over when the server has received something */
async function recordWith(
  program: string,
  args: readonly (string | number)[],
  act: (port: number, received: (act: () => Promise<void>) => Promise<void>) => Promise<void>,
): Promise<Recorded> {
  const file = fileFor('run.jsonl');
  const server = posixSelect(['--record', file, program, ...args]);
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  const count = () => readFileSync(file, 'utf8').split('"call":"recv"').length;
  let before = count();
  await act(Number(port), async (act) => {
    await act();
    await until('the server has received it', () => count() > before);
    before = count();
  });
  await server.end('SIGINT');
  return { file, ...parsed(readFileSync(file, 'utf8')), stdout: server.stdout };
}

/** The lines of a whole recording. */
export function parsed(text: string): { head: Head; calls: Call[] } {
  const lines = text.trimEnd().split('\n');
  const [head, ...calls] = lines.map((line) => JSON.parse(line));
  expect(calls.pop()).toEqual({ ended: expect.any(Number) });
  return { head, calls };
}

/** The sets that a call waits with; undefined for one that does not wait. */
export function waited(call: Call): Sets | undefined {
  return 'nfds' in call ? call : (call as OtherCall).waits;
}

/** What a step must show, derived from the recording alone. */
export interface Expected {
  before: Sets | undefined;
  after: Sets | undefined;
  /** Why the wait has ended: `27 127.0.0.1:50312: 2 bytes can be read` */
  reasons: string[];
  /** How many calls follow the wait. */
  calls: number;
}

export function expectedSteps(calls: Call[]): Expected[] {
  const steps: Expected[] = [{ before: undefined, after: undefined, reasons: [], calls: 0 }];
  const names: Record<string, string | null> = {};
  for (const call of calls) {
    Object.assign(names, call.names);
    const before = waited(call);
    const reasons = (call.why ?? []).map(
      ({ fd, sentence }) => (fd === null ? '' : `${fd} ${names[fd]}: `) + sentence,
    );
    if (before) steps.push({ before, after: call.after, reasons, calls: 0 });
    else (steps.at(-1) as Expected).calls++;
  }
  return steps;
}

/** A recording of many calls: those of a real one, from its first wait to the second last, again and again. */
export function long({ head, calls }: Recorded, count: number): string {
  const waits = calls.flatMap((call, i) => (waited(call) ? [i] : []));
  const before = calls.slice(0, waits[0]);
  const round = calls.slice(waits[0], waits.at(-1));
  const lines = [head, ...before].map((line) => JSON.stringify(line));
  for (let n = before.length + 1; n <= count; n++) {
    const call = round[(n - before.length - 1) % round.length];
    lines.push(JSON.stringify({ ...call, n, at: Math.round(n * 61.7) / 1e6, took: (n % 997) / 1e6 }));
  }
  return `${[...lines, '{"ended":60}'].join('\n')}\n`;
}
