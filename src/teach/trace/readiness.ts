/**
 * Why a wait has ended. poll(2) and ioctl(2)'s FIONREAD leave bytes and errors where they are; getsockopt(SO_ERROR)
 * and recv(MSG_PEEK) would take a reset away from the program.
 */
import { errno, strerror } from '../../posix/errors.js';
import type { Sys } from '../../posix/sys.js';
import type { Reason, Sets } from '../recording/format.js';
import { durationText } from '../text.js';
import type { Kind } from './row.js';

/** How a wait has ended. */
interface Outcome {
  result: number;
  errno?: string;
  /** seconds */
  timeout?: number | null;
}

/** A sentence for each ready descriptor; or for what ended the wait without one. */
export function reasonsFor(
  sys: Sys,
  kinds: Map<number, Kind>,
  { result, errno: code, timeout }: Outcome,
  after: Sets,
): Reason[] {
  if (code === 'EINTR') return [withoutFd('a signal has interrupted the wait')];
  if (code === 'EBADF') return closedFds(sys, after);
  if (code !== undefined) return [withoutFd(strerror(errno[code as keyof typeof errno] ?? 0))];
  if (result === 0) {
    const isOver = timeout !== null && timeout !== undefined && timeout > 0;
    return [withoutFd(isOver ? `nothing was ready within ${durationText(timeout)}` : 'nothing is ready')];
  }

  const ready = inSets(after);
  const revents = poll(sys, ready);
  return ready.map(({ fd, set }, i) => {
    const events = revents[i] ?? 0;
    const kind = kinds.get(fd) ?? 'stream';
    if (set === 'write') return { fd, set, sentence: writable(sys, kinds, fd, kind, events) };
    if (set === 'except') return { fd, set, sentence: 'urgent data has come' };
    return { fd, set, sentence: readable(sys, fd, kind, events) };
  });
}

function readable(sys: Sys, fd: number, kind: Kind, events: number): string {
  const { POLLERR = 0, POLLHUP = 0, POLLRDHUP = 0 } = sys.constants;
  if (kind === 'stop') return 'the loop is told to end';
  if (kind === 'listener') return 'a connection is waiting';
  const reset = (events & POLLERR) !== 0;
  const count = sys.fionread(fd);
  if (count < 0) return 'it can be read';
  if (count > 0) {
    const end = events & (POLLHUP | POLLRDHUP) ? ', and after them the end' : '';
    return `${count} ${count === 1 ? 'byte' : 'bytes'} can be read${reset ? ', and after them a reset' : end}`;
  }
  if (kind === 'stream') return 'the end: read returns 0 bytes';
  if (kind === 'connecting') return 'the connection has failed';
  return reset ? 'the peer has reset the connection' : 'the peer has closed: recv returns 0 bytes';
}

function writable(sys: Sys, kinds: Map<number, Kind>, fd: number, kind: Kind, events: number): string {
  const failed = (events & (sys.constants.POLLERR ?? 0)) !== 0;
  if (kind === 'connecting') {
    if (failed) return 'the connection has failed';
    kinds.set(fd, 'conn');
    return 'it is connected';
  }
  return failed ? 'the peer does not read any more: a send fails' : 'there is room to send';
}

function withoutFd(sentence: string): Reason {
  return { fd: null, set: null, sentence };
}

/** EBADF does not say which descriptor is closed. */
function closedFds(sys: Sys, after: Sets): Reason[] {
  const found = inSets(after).filter(({ fd }) => sys.fcntl(fd, sys.constants.F_GETFD ?? 1, 0) < 0);
  return found.map((member) => ({ ...member, sentence: 'it is not open' }));
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

/** What poll(2) reports of each descriptor and select(2) does not: errors, hang-ups. */
function poll(sys: Sys, members: Member[]): number[] {
  const { POLLRDHUP, POLLIN } = sys.constants;
  const pollfds = new Int32Array(2 * members.length);
  for (const [i, { fd }] of members.entries()) {
    pollfds[2 * i] = fd;
    pollfds[2 * i + 1] = POLLRDHUP ?? POLLIN ?? 0; // macOS has no POLLRDHUP, and reports nothing where nothing is asked
  }
  sys.poll(pollfds, members.length, 0);
  return members.map((_, i) => (pollfds[2 * i + 1] ?? 0) >>> 16);
}
