/** Opens what can be played: a recording, or output of strace(1); of several processes, one of them. */
import type { Call } from '../recording/format.js';
import { isRecording, type Recording, read } from '../recording/read.js';
import type { StoryData } from '../story/story.js';
import { readStrace } from '../strace/read.js';
import { setsOf } from '../trace/explain.js';
import { UserError } from '../user-error.js';
import { StoryBuilder } from './build-story.js';

/** A thread that makes calls. */
export interface Thread {
  pid: number;
  tid: number;
  /** how many of its calls wait for descriptors */
  waits: number;
  /** how many are made on sockets; a shell and a version manager, which become other programs or start them, have none */
  onSockets: number;
  calls: number;
}

const ON_SOCKETS = /^(socket|socketpair|bind|listen|accept|connect|shutdown|send|recv)/;

/** @throws UserError */
export function open(file: string): Recording {
  return isRecording(file) ? read(file) : readStrace(file);
}

/** Opens a file for a page, which has all that it shows in memory: of a longer run the first calls. */
export function openBegin(file: string, maxCalls: number): Recording {
  const recording = open(file);
  let isCut = false;
  function* calls(): Generator<Call> {
    let count = 0;
    for (const call of recording.calls) {
      isCut = count++ === maxCalls;
      if (isCut) return;
      yield call;
    }
  }
  const note = `these are the first ${maxCalls.toLocaleString('en')} calls; posix-select replay shows all in the terminal`;
  return { ...recording, calls: calls(), notes: () => (isCut ? [note] : recording.notes()) };
}

/**
 * The story of one thread of a file.
 *
 * @param threads those of the file, where they are known: it takes a reading to know them
 */
export function storyOf(
  file: string,
  tid?: number,
  threads?: Thread[],
  openFile: (file: string) => Recording = open,
): StoryData {
  const { recording, others, thread } = oneThread(file, tid, threads, openFile);
  const builder = new StoryBuilder(recording.head, thread.waits > 0);
  for (const call of recording.calls) builder.add(call);
  const { notes } = builder.data;
  notes.push(...recording.notes());
  if (others.length > 0) {
    const waiting = others.filter(({ waits }) => waits > 0).map(({ tid }) => tid);
    const which =
      waiting.length > 0 ? `; ${waiting.slice(0, 8).join(', ')} wait as well: --thread plays them` : '';
    notes.push(`of ${others.length + 1} threads, this is ${thread.tid}${which}`);
  }
  return builder.data;
}

/** The thread with the most waits, where a recording has several; and a note that says so. */
export function oneThread(
  file: string,
  tid?: number,
  threads?: Thread[],
  openFile: (file: string) => Recording = open,
): { recording: Recording; thread: Thread; others: Thread[] } {
  const all = threads ?? threadsOf(openFile(file));
  const thread = tid === undefined ? all[0] : all.find((thread) => thread.tid === tid);
  if (!thread)
    throw new UserError(`${file} has no thread ${tid}; it has ${all.map(({ tid }) => tid).join(', ')}`);
  const recording = openFile(file);
  if (all.length === 1) return { recording, thread, others: [] };
  const { head } = recording;
  const calls = function* () {
    for (const call of recording.calls) if (threadOf(call, head.pid).tid === thread.tid) yield call;
  };
  return {
    recording: { ...recording, calls: calls() },
    thread,
    others: all.filter(({ tid }) => tid !== thread.tid),
  };
}

/** The threads of a recording; the one whose story is played comes first: it waits the most. */
export function threadsOf({ head, calls }: Recording): Thread[] {
  const threads = new Map<number, Thread>();
  for (const call of calls) {
    const { pid, tid } = threadOf(call, head.pid);
    const thread = threads.get(tid) ?? { pid, tid, waits: 0, onSockets: 0, calls: 0 };
    threads.set(tid, thread);
    thread.calls++;
    if (setsOf(call)) thread.waits++;
    if (ON_SOCKETS.test(call.call)) thread.onSockets++;
  }
  return [...threads.values()].sort(
    (a, b) => b.waits - a.waits || b.onSockets - a.onSockets || b.calls - a.calls,
  );
}

export function threadOf({ pid, tid }: Call, headPid = 0): { pid: number; tid: number } {
  const process = pid ?? headPid;
  return { pid: process, tid: tid ?? process };
}
