/** Checks of what a server waits in, from outside: it must be select(), with the right descriptors. */
import type { Descriptor } from '../observe/fds.js';
import { sentence, type ThreadState } from '../observe/snapshot.js';
import type { Client } from './client.js';
import { type Diagnosis, diagnose, hintFor, lastAtRest, MOST, runsOn } from './diagnosis.js';
import type { Lost } from './failure.js';
import { LOOKS, type Run } from './run.js';
import { hasRead } from './socket-queues.js';

/** How many looks may find it running: on a busy machine one that has woken up must wait for its turn. */
const AWAKE = 0.5;

/** CPU time of a server that has nothing to do: at most this share of a processor … */
const IDLE = 0.05;
/** … or so many ticks (10 ms): the kernel counts in these. */
const TICKS = 2;

/** Seconds: a timeout below this costs no points, and is worth a word. */
const OFTEN = 0.1;

/** What is to be waited for. */
interface Target {
  /** for the reader */
  name: string;
  is: (descriptor: Descriptor) => boolean;
}

const listenerOn = (port: number): Target => ({
  name: 'the listener',
  is: ({ tcp }) => tcp?.state === 'LISTEN' && tcp.local[1] === port,
});
const connectedTo = ({ port }: Client): Target => ({
  name: 'the other client',
  is: ({ tcp }) => tcp?.state !== 'LISTEN' && tcp?.remote[1] === port,
});

/** Whether a thread waits for a descriptor: to read it, or for anything. */
function waitsOn({ is }: Target, { fds, descriptors }: ThreadState, toRead = false): boolean {
  return fds.some(({ fd, events }) => {
    const descriptor = descriptors.get(fd);
    return descriptor && is(descriptor) && (!toRead || events.includes('read'));
  });
}

/** The threads that wait for a descriptor. */
function waitersFor(target: Target, all: ThreadState[]): ThreadState[] {
  return all.filter((seen) => waitsOn(target, seen));
}

/** A server that waits for all these in one call, to read them, and for none of them in a call of another kind. */
function waitsFor(targets: Target[], all: ThreadState[], calls: string[]): boolean {
  const waiters = all.filter((seen) => targets.some((target) => waitsOn(target, seen)));
  const inOne = waiters.some((seen) => targets.every((target) => waitsOn(target, seen, true)));
  return inOne && waiters.every(({ call }) => calls.includes(call));
}

/** What was seen at a time, in milliseconds. */
interface Look {
  at: number;
  all: ThreadState[];
}

/** Watches a server until most looks show what is wanted and it is idle, or the time for an answer is over. */
async function watch(
  run: Run,
  wanted: (all: ThreadState[]) => boolean,
): Promise<{ holds: boolean; looks: Look[] }> {
  run.program.look(); // throws where that cannot be seen
  const looks: Look[] = [];
  const holds = await run.answer((all) => {
    looks.push({ at: performance.now(), all });
    if (looks.length > LOOKS) looks.shift();
    const waits = looks.filter(({ all }) => wanted(all) || all.every(({ call }) => call !== 'running'));
    const enough = looks.length === LOOKS && waits.length >= (1 - AWAKE) * LOOKS;
    return enough && waits.filter(({ all }) => wanted(all)).length >= MOST * waits.length && isIdle(looks);
  });
  return { holds: holds === true, looks };
}

/** What part of a processor the server has used between the first look and the last. */
function cpu(looks: Look[]): { share: number; ticks: number } {
  const [first, last] = [looks[0], looks[looks.length - 1]];
  const used = new Map(first.all.map(({ process }) => [process.pid, process.ticks]));
  const now = new Map(last.all.map(({ process }) => [process.pid, process.ticks]));
  let ticks = 0;
  for (const [pid, total] of now) ticks += total - (used.get(pid) ?? total);
  return { ticks, share: (10 * ticks) / (last.at - first.at) };
}

function isIdle(looks: Look[]): boolean {
  const { share, ticks } = cpu(looks);
  return share <= IDLE || ticks < TICKS;
}

/** At rest it waits in select() with the listener in readfds. */
export const forConnections =
  (calls = ['select']) =>
  async (run: Run): Promise<string> => {
    await run.listen();
    return atRest(
      run,
      [listenerOn(run.port)],
      calls,
      `with no client, it waits in ${named(calls)} for the listener`,
    );
  };

/** While two clients say nothing it waits for both in one select(), and reads at once what one of them says. */
export const forData =
  (calls = ['select']) =>
  async (run: Run): Promise<string> => {
    await run.listen();
    const silent = await run.connect();
    const other = await run.connect();
    const targets = [silent, other].map(connectedTo);
    const evidence = await atRest(run, targets, calls, forBoth(calls));
    other.say('hello');
    if (!(await run.answer((all) => hasRead(run, other, all))))
      throw run.lost('it reads what one client sends while another is silent', 'it did not', hintFor('recv'));
    return evidence;
  };

/** Once a client has left, its descriptor is in no set: it would be ready for ever. */
export const afterLeaving =
  (calls = ['select']) =>
  async (run: Run): Promise<string> => {
    await run.listen();
    const stays = await run.connect();
    const leaves = await run.connect();
    const expected = `when one of two clients has left, it waits in ${named(calls)} for the other alone`;
    await atRest(run, [stays, leaves].map(connectedTo), calls, forBoth(calls));
    leaves.leave();
    const { holds, looks } = await watch(
      run,
      (all) =>
        waitsFor([connectedTo(stays)], all, calls) && waitersFor(connectedTo(leaves), all).length === 0,
    );
    if (holds) return `waits in ${theirSentence([connectedTo(stays)], looks)}`;
    const hint = 'a stream that has ended can be read for ever: what becomes of its descriptor?';
    throw await missed(run, expected, diagnosis(looks, [connectedTo(stays)], calls), hint);
  };

/** A client waits for the keyboard and for the server in one select(). */
export async function forKeyboardAndServer(run: Run): Promise<string> {
  await run.accept();
  const server: Target = { name: 'the server', is: ({ tcp }) => tcp?.remote[1] === run.port };
  const keyboard: Target = { name: 'the keyboard', is: ({ fd }) => fd === 0 };
  const expected = 'it waits in one select() for the keyboard (descriptor 0) and for the server';
  return atRest(run, [keyboard, server], ['select'], expected);
}

async function atRest(run: Run, targets: Target[], calls: string[], expected: string): Promise<string> {
  const { holds, looks } = await watch(run, (all) => waitsFor(targets, all, calls));
  if (holds) return `waits in ${theirSentence(targets, looks)}`;
  throw await missed(run, expected, diagnosis(looks, targets, calls));
}

/** @param hintForBusy what a busy loop may come from */
async function missed(
  run: Run,
  expected: string,
  found: Diagnosis,
  hintForBusy = hintFor('running'),
): Promise<Lost> {
  if (found.call !== 'running') return run.lost(expected, found.seen, hintFor(found.call));
  // A busy loop has an eye on its clients; one that goes round for ever for another reason has not.
  const client = run.isRunning && (await run.connect());
  if (!client || (await run.answer((all) => hasRead(run, client, all))))
    return run.lost(expected, found.seen, hintForBusy);
  const seen = 'it is running all the time, and accepts nobody (endless loop)';
  return run.lost(expected, seen, hintFor('endless'));
}

const forBoth = (calls: string[]) => `while two clients are silent, it waits in ${named(calls)} for both`;
const named = (calls: string[]) => (calls.length === 1 ? `${calls[0]}()` : 'one call');

function theirSentence(targets: Target[], looks: Look[]): string {
  const all = looks.flatMap(({ all }) => all);
  const waiter = all.findLast((seen) => targets.every((target) => waitsOn(target, seen, true)));
  if (!waiter) return '';
  const { timeout } = waiter;
  const wakes = timeout && timeout < OFTEN ? `; it wakes up ${Math.round(1 / timeout)} times a second` : '';
  return `${sentence(waiter)}${wakes}`;
}

/** What was found instead, and in which call. */
function diagnosis(looks: Look[], targets: Target[], calls: string[]): Diagnosis {
  const seens = looks.map(({ all }) => all);
  if (runsOn(seens))
    return {
      call: 'running',
      seen: 'it never waits: it is running each time that one looks (busy loop)',
    };
  const all = lastAtRest(seens);
  if (waitsFor(targets, all, calls) && !isIdle(looks)) {
    const percent = Math.round(100 * cpu(looks).share);
    return {
      call: 'running',
      seen: `it uses ${percent} % of a processor while nothing happens (busy loop)`,
    };
  }
  const right = seens.findLast((all) => waitsFor(targets, all, calls));
  const other = seens.findLast(
    (all) => all.every(({ call }) => call !== 'running') && !waitsFor(targets, all, calls),
  );
  if (right && other) {
    const [one, two] = [right, other].map((all) => diagnose([all]).seen);
    return { call: 'each', seen: `by turns: ${one}; then ${two}` };
  }
  const waiters = [...new Set(targets.flatMap((target) => waitersFor(target, all)))];
  const missing = targets.find((target) => waitersFor(target, all).length === 0);
  const wrong = waiters.find(({ call }) => !calls.includes(call)) ?? waiters[0];
  if (!wrong) return diagnose([all]);
  const kind = new Set(waiters.map(({ pid }) => pid)).size > 1 ? 'process' : 'thread';
  const each =
    waiters.length > 1 ? ` (a ${kind} for each)` : missing ? `; nobody waits for ${missing.name}` : '';
  const call = waiters.length > 1 && calls.includes(wrong.call) ? 'each' : wrong.call;
  return { call, seen: `it waits in ${waiters.map(sentence).join('; ')}${each}` };
}
