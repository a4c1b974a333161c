/** What a program is doing where it should do something else, and a hint for each. */
import { namesOf, sentence, type ThreadState } from '../observe/snapshot.js';

/** How many looks must show the same: a server may wake up in between. */
export const MOST = 0.8;

/** The calls that wait for many descriptors. */
export const MULTIPLEXERS = ['select', 'poll', 'epoll_wait'];

export interface Diagnosis {
  seen: string;
  /** the call that it is in, `running`, or another key of the hints */
  call: string;
}

/** Whether it is running each time that one looks, or most times. */
export function runsOn(looks: ThreadState[][]): boolean {
  const ran = looks.filter((all) => all.some(({ call }) => call === 'running'));
  return looks.length > 0 && ran.length >= MOST * looks.length;
}

const isAtRest = (all: ThreadState[]) => all.every(({ call }) => call !== 'running');

/** The last look that found all of it waiting; else the very last. */
export function lastAtRest(looks: ThreadState[][]): ThreadState[] {
  return looks.findLast(isAtRest) ?? looks.at(-1) ?? [];
}

/** What most looks show it to be doing. */
export function diagnose(looks: ThreadState[][]): Diagnosis {
  if (runsOn(looks)) return { call: 'endless', seen: 'it is running all the time, and waits for nothing' };
  const all = lastAtRest(looks);
  const [main] = all.toSorted((a, b) => rank(a) - rank(b));
  if (!main) return { call: 'other', seen: 'what it does cannot be seen' };
  if (main.call === 'select' && main.fds.length === 0)
    return { call: 'nanosleep', seen: 'it sleeps, in a select() that has no descriptors' };
  const verb = ['running', 'stopped'].includes(main.call) ? 'is' : 'waits in';
  return { call: main.call, seen: `it ${verb} ${sentence(main)}` };
}

/** A runtime's own threads come late: they wait for pipes and the like alone, or for one another. */
function rank(seen: ThreadState): number {
  if (seen.call === 'running') return 4;
  if (seen.call === 'futex') return 3;
  if (seen.call === 'wait') return 2;
  return MULTIPLEXERS.includes(seen.call) && !namesOf(seen).some((name) => /listener|connected/.test(name))
    ? 1
    : 0;
}

const HINTS: Record<string, string> = {
  running: 'select() with a timeout of 0 never waits, and neither does a call on a non-blocking socket',
  endless: 'a loop goes round for ever: which one is it, and what should end it, or be done in it?',
  accept:
    'a thread that is blocked in accept() hears nothing else: which call can tell you that a connection is there?',
  recv: 'a thread that is blocked in recv() hears nothing else: which call can tell you that data is there?',
  send: 'send() waits once the kernel keeps no more for a client: what if its socket did not block?',
  each: 'one call can wait for all of them: that is what its sets are for',
  select: 'which descriptors are in the read set each time that select() is called?',
  poll: 'this assignment is about select(2): poll(2) is another system call',
  epoll_wait:
    "this assignment is about select(2): asyncio, selectors.DefaultSelector and Node's event loop wait in epoll on Linux",
  nanosleep:
    'a program that sleeps between two looks is late, or busy: let select() wait until there is something to do',
  other: 'which call does the program wait in, and for which descriptors? "posix-select observe" shows it',
};

/** Where a program waits in a call that it should not be in. */
export function hintFor(call: string): string {
  return (
    HINTS[call] ??
    `while a program is blocked in one call (${call}) it hears nothing else: what is it waiting for?`
  );
}

/** Where a program does not take what has come for it, whichever calls it may wait in. */
export function hintForNotReading(call: string): string {
  if (MULTIPLEXERS.includes(call))
    return 'which descriptors does it wait for, each time that it makes that call?';
  return hintFor(call);
}

/** A program that has ended by itself. */
export function hintForEnded(ended: string, complaint: string): string {
  if (ended === 'exit code 0') return 'it ended as if all were done: which line ends its loop, and when?';
  if (ended === 'signal SIGPIPE' || /\berrno\b|\bE[A-Z]{3,}\b|connection reset|broken pipe/i.test(complaint))
    return 'a program goes on whatever the other end does: handle the errors of the calls that it makes';
  if (ended.endsWith('command not found'))
    return 'is it installed, and spelled as its file is? it is looked for as the shell does, and started in this directory';
  if (ended.startsWith('signal')) return 'its own code brought that signal about: a debugger shows the line';
  return 'run it yourself and do the same to it: the last lines of its error say what failed, and where';
}
