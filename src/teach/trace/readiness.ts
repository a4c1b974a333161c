/**
 * Why a wait has ended. poll(2) and ioctl(2)'s FIONREAD leave bytes and errors where they are; getsockopt(SO_ERROR)
 * and recv(MSG_PEEK) would take a reset away from the program.
 */
import { errno, strerror } from '../../posix/errors.js';
import { sys as addon, type Sys } from '../../posix/sys.js';
import type { Reason, Sets } from '../recording/format.js';
import { durationText } from '../text.js';
import type { Kind } from './row.js';

// Looked up once: the addon's constants are so many that V8 searches for each.
const { F_GETFD = 1, POLLERR = 0, POLLHUP = 0, POLLIN = 0, POLLRDHUP = 0 } = addon.constants;

/** What `poll` asks for: macOS has no POLLRDHUP, and reports nothing where nothing is asked. */
const ASKED = POLLRDHUP || POLLIN;

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
  poll(sys, ready);
  for (let i = 0; i < ready.length; i++) {
    const member = ready[i] as Member;
    const events = (pollfds[2 * i + 1] as number) >>> 16;
    member.sentence = sentenceFor(kinds, member, events, unread[i] as number);
  }
  return ready;
}

/**
 * @param events what poll(2) reports
 * @param count bytes that a read would find; negative where that is not known
 */
function sentenceFor(kinds: Map<number, Kind>, { fd, set }: Member, events: number, count: number): string {
  const kind = kinds.get(fd) ?? 'stream';
  if (set === 'write') return writable(kinds, fd, kind, events);
  if (set === 'except') return 'urgent data has come';
  return readable(kind, events, count);
}

function readable(kind: Kind, events: number, count: number): string {
  if (kind === 'stop') return 'the loop is told to end';
  if (kind === 'listener') return 'a connection is waiting';
  const reset = (events & POLLERR) !== 0;
  if (count < 0) return 'it can be read';
  if (count > 0) {
    if (reset) return `${bytesThatCanBeRead(count)}, and after them a reset`;
    const ended = (events & (POLLHUP | POLLRDHUP)) !== 0;
    return ended ? `${bytesThatCanBeRead(count)}, and after them the end` : bytesThatCanBeRead(count);
  }
  if (kind === 'stream') return 'the end: read returns 0 bytes';
  if (kind === 'connecting') return 'the connection has failed';
  return reset ? 'the peer has reset the connection' : 'the peer has closed: recv returns 0 bytes';
}

/** The last count and its sentence: many messages are of the same length. */
let said = { count: 0, sentence: '' };

function bytesThatCanBeRead(count: number): string {
  if (said.count !== count)
    said = { count, sentence: `${count} ${count === 1 ? 'byte' : 'bytes'} can be read` };
  return said.sentence;
}

function writable(kinds: Map<number, Kind>, fd: number, kind: Kind, events: number): string {
  const failed = (events & POLLERR) !== 0;
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
  const found = inSets(after).filter(({ fd }) => sys.fcntl(fd, F_GETFD, 0) < 0);
  return found.map((member) => ({ ...member, sentence: 'it is not open' }));
}

/** A ready descriptor, and why it is, once that is known. */
interface Member {
  fd: number;
  set: 'read' | 'write' | 'except';
  sentence: string;
}

function inSets({ readfds, writefds, exceptfds }: Sets): Member[] {
  const all: Member[] = [];
  for (const fd of readfds ?? []) all.push({ fd, set: 'read', sentence: '' });
  for (const fd of writefds ?? []) all.push({ fd, set: 'write', sentence: '' });
  for (const fd of exceptfds ?? []) all.push({ fd, set: 'except', sentence: '' });
  return all;
}

/** What was polled last. New memory for each wait would cost more than the call. */
let pollfds = new Int32Array(128);
let unread = new Int32Array(64);

/** Leaves in `pollfds` what poll(2) reports of each descriptor and select(2) does not, errors and hang-ups; and `unread`. */
function poll(sys: Sys, members: Member[]): void {
  if (unread.length < members.length) {
    pollfds = new Int32Array(4 * members.length);
    unread = new Int32Array(2 * members.length);
  }
  for (let i = 0; i < members.length; i++) {
    pollfds[2 * i] = (members[i] as Member).fd;
    pollfds[2 * i + 1] = ASKED;
  }
  sys.pollUnread(pollfds, members.length, unread);
}
