/**
 * Why a wait has ended. Asking disturbs nobody: poll(2) and ioctl(2)'s FIONREAD leave bytes and errors where they
 * are, while getsockopt(SO_ERROR) and recv(MSG_PEEK) would take a reset away from the program.
 */
import { errno, strerror } from '../../posix/errors.js';
import type { Sys } from '../../posix/sys.js';
import type { Sets, Why } from '../recording/format.js';
import type { Kind } from './fd-names.js';

/** What a call that waits has come to. */
interface Ended {
  result: number;
  errno?: string;
  timeout?: number | null;
}

/** A sentence for each ready descriptor; or for what ended the wait without one. */
export function why(
  sys: Sys,
  kinds: Map<number, Kind>,
  { result, errno: code, timeout }: Ended,
  after: Sets,
): Why[] {
  if (code === 'EINTR') return [noFd('a signal has interrupted the wait')];
  if (code === 'EBADF') return closed(sys, after);
  if (code !== undefined) return [noFd(strerror(errno[code as keyof typeof errno] ?? 0))];
  if (result === 0)
    return [noFd(timeout === 0 ? 'nothing is ready' : `nothing has come in ${shown(timeout ?? 0)}`)];

  const ready = inSets(after);
  const revents = poll(sys, ready);
  return ready.map(({ fd, set }, i) => {
    const events = revents[i];
    const kind = kinds.get(fd) ?? 'stream';
    if (set === 'write') return { fd, set, sentence: writable(sys, kinds, fd, kind, events) };
    if (set === 'except') return { fd, set, sentence: 'urgent data has come' };
    return { fd, set, sentence: readable(sys, fd, kind, events) };
  });
}

/** `1.5 s`, `12.3 ms` */
export function shown(seconds: number): string {
  if (seconds >= 1) return `${Number(seconds.toFixed(3))} s`;
  return `${Number((seconds * 1000).toPrecision(3))} ms`;
}

function readable(sys: Sys, fd: number, kind: Kind, events: number): string {
  const { POLLERR, POLLHUP, POLLRDHUP = 0 } = sys.constants;
  if (kind === 'stop') return 'the loop is to end';
  if (kind === 'listener') return 'a connection is waiting';
  const reset = (events & POLLERR) !== 0;
  const count = sys.fionread(fd);
  if (count < 0) return 'it can be read';
  if (count > 0) {
    const end = events & (POLLHUP | POLLRDHUP) ? ', and after them the end' : '';
    return `${count} ${count === 1 ? 'byte' : 'bytes'} can be read${reset ? ', and after them a reset' : end}`;
  }
  if (kind === 'stream') return 'its end: a read gives 0 bytes';
  if (kind === 'connecting') return 'the connection has failed';
  return reset ? 'the peer has reset the connection' : 'the peer has closed: recv gives 0 bytes';
}

function writable(sys: Sys, kinds: Map<number, Kind>, fd: number, kind: Kind, events: number): string {
  const failed = (events & sys.constants.POLLERR) !== 0;
  if (kind === 'connecting') {
    if (failed) return 'the connection has failed';
    kinds.set(fd, 'conn');
    return 'it is connected';
  }
  return failed ? 'nobody reads any more: a send fails' : 'there is room to send';
}

function noFd(sentence: string): Why {
  return { fd: null, set: null, sentence };
}

/** EBADF does not say which descriptor is closed. */
function closed(sys: Sys, after: Sets): Why[] {
  const found = inSets(after).filter(({ fd }) => sys.fcntl(fd, sys.constants.F_GETFD, 0) < 0);
  return found.map((of) => ({ ...of, sentence: 'it is not open' }));
}

interface Member {
  fd: number;
  set: 'read' | 'write' | 'except';
}

function inSets({ readfds, writefds, exceptfds }: Sets): Member[] {
  const all: Member[] = [];
  for (const fd of readfds ?? []) all.push({ fd, set: 'read' });
  for (const fd of writefds ?? []) all.push({ fd, set: 'write' });
  for (const fd of exceptfds ?? []) all.push({ fd, set: 'except' });
  return all;
}

/** What poll(2) tells of each that select(2) does not. */
function poll(sys: Sys, members: Member[]): number[] {
  const { POLLRDHUP, POLLIN } = sys.constants;
  const pollfds = new Int32Array(2 * members.length);
  for (let i = 0; i < members.length; i++) {
    pollfds[2 * i] = members[i].fd;
    pollfds[2 * i + 1] = POLLRDHUP ?? POLLIN; // macOS has no POLLRDHUP, and looks only where it is asked something
  }
  sys.poll(pollfds, members.length, 0);
  return members.map((_, i) => pollfds[2 * i + 1] >>> 16);
}
