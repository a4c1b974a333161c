/** The programs of a recording, each with its story, and the messages between them. */
import { basename } from 'node:path';
import type { Head, OtherCall } from '../recording/format.js';
import { MESSAGE_KINDS, type Message, type PageData } from '../story/programs.js';
import { StoryBuilder, safeLine } from './build-story.js';
import { Conversations, type Pair, type Place } from './conversations.js';
import { openBegin, storyOf, type Thread, threadOf, threadsOf } from './open.js';

/** Calls that a page has: it is written with 300 MB of memory, and opens within a second. */
const MAX_CALLS = 150_000;

/** Threads whose calls become stories. */
const MAX_THREADS = 64;

/** Programs on a page: each has a column. */
const MAX_PROGRAMS = 8;

/** Programs that run others: what they run is what is to be seen. */
const INTERPRETER = /^(python[\d.]*|node|perl|ruby|java|bash|sh)$/;

/** All programs of a file that talk to each other; where none do, the story of the one thread that waits the most. */
export function programsOf(file: string, maxCalls = MAX_CALLS): PageData {
  const open = (file: string) => openBegin(file, maxCalls);
  const all = threadsOf(open(file));
  const threads = all.slice(0, MAX_THREADS);
  const alone = (): PageData => ({ programs: [storyOf(file, undefined, all, open)], messages: [] });
  if (threads.length === 1) return alone();
  const recording = open(file);
  const { head } = recording;
  const names = new Names(head);
  const builders = new Map(
    threads.map(({ tid, waits }) => [tid, new StoryBuilder(head, waits > 0)] as const),
  );
  const conversations = new Conversations();
  for (const call of recording.calls) {
    const { pid, tid } = threadOf(call, head.pid);
    names.add(call as OtherCall, pid);
    const builder = builders.get(tid);
    if (!builder) continue;
    builder.add(call);
    conversations.add(call, pid, { tid, call: builder.length - 1, program: builder.restarts });
  }
  // A shell's calls before it became another program are no part of that program's story.
  const isInStory = ({ tid, program }: Place) => builders.get(tid)?.restarts === program;
  const pairs = conversations.pairs().filter(({ from, to }) => isInStory(from) && isInStory(to));
  const talking = mostTalking(threads, pairs);
  if (talking.length < 2) return alone();
  const place = new Map(talking.map(({ tid }, i) => [tid, i]));
  const messages = pairs.flatMap((pair): Message[] => {
    const [from, to] = [place.get(pair.from.tid), place.get(pair.to.tid)];
    if (from === undefined || to === undefined) return [];
    return [[MESSAGE_KINDS.indexOf(pair.kind), from, pair.from.call, to, pair.to.call, pair.bytes]];
  });
  const notes = [
    ...recording.notes(),
    ...notesOn(all.filter(isPeer).length - talking.filter(isPeer).length, conversations.isCut),
  ];
  const programs = talking.map(({ pid, tid }) => {
    const { data } = builders.get(tid) as StoryBuilder;
    return { ...data, program: names.of(pid), notes: [...data.notes, ...notes, `process ${pid}`] };
  });
  return { programs, messages };
}

/** A thread that may talk to others. */
const isPeer = ({ waits, onSockets }: Thread) => waits + onSockets > 0;

function notesOn(others: number, isCut: boolean): string[] {
  return [
    ...(others > 0 ? [`${others} more ${others === 1 ? 'thread is' : 'threads are'} not shown`] : []),
    ...(isCut ? ['of a long run, the first messages are drawn'] : []),
  ];
}

/**
 * The threads that talk to each other, in the order of the threads: those around the one that waits the most; of many,
 * the most talkative. A shell or a version manager that has started it talks through pipes: that is another conversation.
 * None where the one that waits the most talks to nobody.
 */
function mostTalking(threads: Thread[], pairs: Pair[]): Thread[] {
  const peers = new Map<number, number[]>();
  for (const { from, to } of pairs)
    for (const [tid, peer] of [
      [from.tid, to.tid],
      [to.tid, from.tid],
    ] as const)
      peers.set(tid, [...(peers.get(tid) ?? []), peer]);
  const [waiter] = threads;
  const first = waiter && isPeer(waiter) ? waiter : threads.find(({ tid }) => peers.has(tid));
  const around = new Set(first && peers.has(first.tid) ? [first.tid] : []);
  for (const tid of around) for (const peer of peers.get(tid) ?? []) around.add(peer);
  const count = ({ tid }: Thread) => peers.get(tid)?.length ?? 0;
  const most = threads
    .filter(({ tid }) => around.has(tid))
    .sort((a, b) => count(b) - count(a))
    .slice(0, MAX_PROGRAMS);
  return threads.filter((thread) => most.includes(thread));
}

/** What each process runs. */
class Names {
  readonly #head: Head;
  readonly #commands = new Map<number, string[]>();

  constructor(head: Head) {
    this.#head = head;
    for (const [pid, command] of Object.entries(head.commands ?? {}))
      this.#commands.set(Number(pid), command);
  }

  add({ call, rest = [], result }: OtherCall, pid: number): void {
    if (call === 'execve') this.#commands.set(pid, rest.slice(1));
    if (call === 'fork' && result > 0 && !this.#commands.has(result))
      this.#commands.set(result, this.#commands.get(pid) ?? []);
  }

  /** `server.py 3490`, without what interprets it */
  of(pid: number): string {
    const command = this.#commands.get(pid) ?? [];
    const words = command.length > 0 ? command : [this.#head.program, ...this.#head.args];
    const [first = '', second = '-'] = words;
    const isInterpreted = INTERPRETER.test(basename(first)) && !second.startsWith('-');
    const [program = '', ...args] = words.slice(isInterpreted ? 1 : 0);
    return safeLine([basename(program), ...args].join(' '));
  }
}
