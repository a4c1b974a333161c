/** Real recordings: each server, with clients that come, speak, reset and leave. */
import { readFileSync } from 'node:fs';
import type { Call, Head, OtherCall, Sets } from '../../dist/teach/call.js';
import { connect, until } from '../peers.js';
import { SERVERS } from '../programs/servers.js';
import { fileFor, posixSelect } from './traced.js';

export interface Recorded {
  file: string;
  head: Head;
  calls: Call[];
  /** What the program has printed. */
  stdout: string;
}

/** What a client says that would be a nuisance in a terminal or a page. */
export const EVIL = '\x1b[2J\x07<img src=x onerror="document.title=1"></script>&amp;\u202e';

/** A text as it is shown: what would steer a terminal, or turn the text round, is spelled out. */
export function spelled(text: string): string {
  return text.replaceAll('\x1b', '\\x1b').replaceAll('\x07', '\\x07').replaceAll('\u202e', '\\u202e');
}

/** The five, one of them on epoll or kqueue as well. */
export const RECORDED = [
  ...SERVERS.filter(({ name, program }) => name === program).map(({ name, args }) => ({ name, args })),
  { name: 'multiconn-server', args: ['127.0.0.1', 0, '--selector', 'default'] },
].map(({ name, args }) => [[name, ...args].join(' '), name, args] as const);

export async function record(program: string, args: readonly (string | number)[]): Promise<Recorded> {
  const file = fileFor('run.jsonl');
  const server = posixSelect(['--record', file, program, ...args]);
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  const received = () => readFileSync(file, 'utf8').split('"call":"recv"').length;
  /** Nobody acts before the server has heard the one before. */
  const heard = async (act: () => Promise<void>) => {
    const before = received();
    await act();
    await until('the server has heard it', () => received() > before);
  };
  const alice = await connect(Number(port));
  await heard(() => alice.say('Alice says: hi\n'));
  const bob = await connect(Number(port));
  await heard(() => bob.say(`Bob says: ${EVIL}\n`));
  await heard(() => alice.say('a second one\n'));
  await heard(() => bob.reset());
  await heard(() => alice.run('s.close()'));
  await server.end('SIGINT');
  const [head, ...calls] = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { file, head, calls, stdout: server.stdout };
}

/** The sets that a call waits with; undefined for one that does not wait. */
export function waited(call: Call): Sets | undefined {
  return 'nfds' in call ? call : (call as OtherCall).waits;
}

/** What a step of a recording must show, told from the recording alone. */
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
  return `${lines.join('\n')}\n`;
}
