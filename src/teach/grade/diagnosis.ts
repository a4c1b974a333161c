/** What a program is doing where it should do something else. */
import { namesOf, sentence, type ThreadState } from '../observe/snapshot.js';
import { MULTIPLEXERS } from './hints.js';
import type { Sample } from './watch.js';

/** The share of the samples that must show the same: a server may wake up in between. */
export const MAJORITY = 0.8;

export interface Diagnosis {
  seen: string;
  /** the call that it is in, `running`, or another key of the hints */
  call: string;
}

/** Whether it is running in most of the samples. */
export function isRunning(samples: Sample[]): boolean {
  const ran = samples.filter(({ threads }) => threads.some(({ call }) => call === 'running'));
  return samples.length > 0 && ran.length >= MAJORITY * samples.length;
}

export const isBlocked = (threads: ThreadState[]) =>
  threads.length > 0 && threads.every(({ call }) => call !== 'running');

/** The last sample in which all of it was blocked; else the very last. */
export function lastBlocked(samples: Sample[]): ThreadState[] {
  return (samples.findLast(({ threads }) => isBlocked(threads)) ?? samples.at(-1))?.threads ?? [];
}

/** What most samples show it to be doing. */
export function diagnose(samples: Sample[]): Diagnosis {
  if (isRunning(samples))
    return { call: 'endless', seen: 'it is running all the time, and waits for nothing' };
  const [main] = lastBlocked(samples).toSorted((a, b) => rank(a) - rank(b));
  if (!main) return { call: 'other', seen: 'what it does cannot be seen' };
  if (main.call === 'select' && main.fds.length === 0)
    return { call: 'nanosleep', seen: 'it sleeps, in a select() that has no descriptors' };
  const inVain = (main.beyondNfds ?? []).filter((fd) => main.descriptors.get(fd)?.tcp);
  if (inVain.length > 0)
    return {
      call: 'nfds',
      seen: `it waits in ${sentence(main)}; ${inVain.join(', ')} in a set too, but nfds is ${main.nfds}`,
    };
  const verb = ['running', 'stopped'].includes(main.call) ? 'is' : 'waits in';
  return { call: kindOf(main), seen: `it ${verb} ${sentence(main)}` };
}

/** The call; on a socket read() is another recv(), and write() another send(). */
export function kindOf({ call, fds, descriptors }: ThreadState): string {
  if (!fds.some(({ fd }) => descriptors.get(fd)?.tcp)) return call;
  if (/^(read|recv)/.test(call)) return 'recv';
  return /^(write|send)/.test(call) ? 'send' : call;
}

/** A runtime's own threads come late: they wait for pipes and the like alone, or for one another. */
function rank(thread: ThreadState): number {
  if (thread.call === 'running') return 4;
  if (thread.call === 'futex') return 3;
  if (thread.call === 'wait') return 2;
  const hasSocket = namesOf(thread).some((name) => /listener|connected/.test(name));
  return MULTIPLEXERS.includes(thread.call) && !hasSocket ? 1 : 0;
}
