/** Calls that strace(1) shows, as the calls of a recording. */
import type { Sets } from '../recording/format.js';
import { rowOf } from '../trace/syscalls.js';
import type { Made } from './made.js';
import type { Process } from './processes.js';
import { elements, fields, type ParsedCall } from './syntax.js';
import {
  addressOf,
  bytesOf,
  eventsOf,
  type FdValue,
  fdOf,
  fromMilliseconds,
  iovOf,
  peerOf,
  secondsOf,
  setOf,
} from './values.js';

/** Bytes of a call's data that are recorded. */
const MAX_DATA_BYTES = 4096;
const MAX_ASKED_BYTES = 33;

type Reader = (parsed: ParsedCall, process: Process, made: Made) => void;

/** The call of man 2 by the name that the kernel has for it, and what reads its arguments. */
const READERS: Record<string, [name: string, read: Reader]> = {
  select: ['select', readSelect(1e-6)],
  _newselect: ['select', readSelect(1e-6)],
  pselect6: ['select', readSelect(1e-9)],
  pselect6_time64: ['select', readSelect(1e-9)],
  poll: ['poll', readPoll],
  ppoll: ['poll', readPoll],
  ppoll_time64: ['poll', readPoll],
  epoll_wait: ['epoll_wait', readEpollWait],
  epoll_pwait: ['epoll_wait', readEpollWait],
  epoll_pwait2: ['epoll_wait', readEpollWait],
  epoll_ctl: ['epoll_ctl', readEpollCtl],
  epoll_create: ['epoll_create1', readRest],
  epoll_create1: ['epoll_create1', readRest],
  accept: ['accept', readAccept],
  accept4: ['accept', readAccept],
  connect: ['connect', readAddressed],
  bind: ['bind', readAddressed],
  getsockname: ['getsockname', readAddressed],
  getpeername: ['getpeername', readAddressed],
  recv: ['recv', readBytes],
  recvfrom: ['recvfrom', readBytes],
  send: ['send', readBytes],
  sendto: ['sendto', readBytes],
  read: ['read', readBytes],
  write: ['write', readBytes],
  readv: ['readv', readVector],
  writev: ['writev', readVector],
  recvmsg: ['recvmsg', readMessage],
  sendmsg: ['sendmsg', readMessage],
  socket: ['socket', readRest],
  socketpair: ['socketpair', readRest],
  pipe: ['pipe', readRest],
  pipe2: ['pipe2', readRest],
  eventfd: ['eventfd2', readRest],
  eventfd2: ['eventfd2', readRest],
  timerfd_create: ['timerfd_create', readRest],
  signalfd4: ['signalfd4', readRest],
  dup: ['dup', readOnFd],
  dup2: ['dup2', readOnFd],
  dup3: ['dup3', readOnFd],
  fcntl: ['fcntl', readFcntl],
  fcntl64: ['fcntl', readFcntl],
  ioctl: ['ioctl', readOnFd],
  listen: ['listen', readOnFd],
  shutdown: ['shutdown', readOnFd],
  setsockopt: ['setsockopt', readOnFd],
  getsockopt: ['getsockopt', readOnFd],
  close: ['close', readOnFd],
  open: ['open', readOpen],
  openat: ['open', readOpen],
  fork: ['fork', readRest],
  vfork: ['fork', readRest],
  clone: ['clone', readClone],
  clone3: ['clone', readClone],
  execve: ['execve', readExec],
  wait4: ['wait4', readRest],
  nanosleep: ['nanosleep', readSleep],
  clock_nanosleep: ['nanosleep', readSleep],
  clock_nanosleep_time64: ['nanosleep', readSleep],
};

/** @returns null for a call that is no part of the story: on a plain file, in memory, of the clock */
export function madeCall(parsed: ParsedCall, process: Process): Made | null {
  const reader = READERS[parsed.name];
  if (!reader) return null;
  const [call, read] = reader;
  const made: Made = { call, result: parsed.result ?? -1 };
  if (parsed.errno !== undefined) made.errno = parsed.errno.startsWith('ERESTART') ? 'EINTR' : parsed.errno;
  if (made.errno !== undefined) made.result = -1;
  read(parsed, process, made);
  process.files.learn(parsed, made);
  if (made.fd !== undefined) process.see({ fd: made.fd });
  if (made.call === 'accept') process.see({ fd: made.result });
  return isInStory(made, process) ? made : null;
}

/** Calls on any descriptor: they matter where a loop may wait for it. */
const ON_ANY_FD = new Set([
  'read',
  'write',
  'readv',
  'writev',
  'close',
  'fcntl',
  'ioctl',
  'dup',
  'dup2',
  'dup3',
]);

function isInStory({ call, fd, rest = [], errno, waits, ...made }: Made, process: Process): boolean {
  if ('nfds' in made || waits !== undefined) return true;
  if (call === 'open') return false;
  if (call === 'execve') return errno === undefined;
  if (call === 'wait4') return made.result > 0;
  if (call === 'nanosleep') return true;
  if (call === 'ioctl' && rest[0] !== 'FIONBIO') return false;
  if (call === 'fcntl' && !/^F_[GS]ETFL/.test(rest[0] ?? '')) return false;
  if (fd === undefined)
    return MAKES_FDS.has(call) || rowOf(call).makesFd || call === 'fork' || call === 'clone';
  if (!ON_ANY_FD.has(call)) process.addWaitable(fd);
  return process.isWaitable(fd);
}

const MAKES_FDS = new Set(['pipe', 'pipe2', 'socketpair']);

function readSelect(fraction: 1e-6 | 1e-9): Reader {
  return ({ args, note = '' }, process, made) => {
    const sets = [args[1], args[2], args[3]].map(setOf);
    for (const set of sets) for (const member of set ?? []) seeMember(member, process);
    const [readfds = null, writefds = null, exceptfds = null] = sets.map(numbers);
    made.nfds = Number(args[0]);
    Object.assign(made, { readfds, writefds, exceptfds });
    made.timeout = secondsOf(args[4], fraction);
    const before = { readfds, writefds, exceptfds };
    made.after = made.errno === undefined ? setsAfter(before, note) : before;
    const [, left] = /\bleft (\{[^}]*\})/.exec(note) ?? [];
    if (left) made.left = secondsOf(left, fraction) ?? 0;
    if (made.result > countOf(made.after)) made.note = 'strace has cut the sets off';
  };
}

function setsAfter(before: Sets, note: string): Sets {
  const after = (word: string, set: number[] | null) => {
    const [, text] = new RegExp(`\\b${word} (\\[[^\\]]*\\])`).exec(note) ?? [];
    return set && (text ? (numbers(setOf(text.replace(/ ?\.\.\. ?/, ' '))) ?? []) : []);
  };
  return {
    readfds: after('in', before.readfds),
    writefds: after('out', before.writefds),
    exceptfds: after('exc(?:ept)?', before.exceptfds),
  };
}

function countOf({ readfds, writefds, exceptfds }: Sets): number {
  return (readfds?.length ?? 0) + (writefds?.length ?? 0) + (exceptfds?.length ?? 0);
}

function numbers(set: FdValue[] | null): number[] | null {
  return set === null ? null : set.map(({ fd }) => fd).sort((a, b) => a - b);
}

/** An array of struct pollfd: each descriptor with one of its fields of events. */
function pollfds(text: string, field: 'events' | 'revents'): { value: FdValue; events: string }[] {
  return elements(text).flatMap((element) => {
    const pollfd = fields(element);
    const value = fdOf(pollfd.get('fd'));
    const events = pollfd.get(field);
    return value && events !== undefined && value.fd >= 0 ? [{ value, events }] : [];
  });
}

function readPoll({ name, args, note = '' }: ParsedCall, process: Process, made: Made): void {
  const [list = '', count = '', timeout] = args;
  const asked = pollfds(list, 'events');
  for (const { value } of asked) seeMember(value, process);
  const ready = pollfds(note.startsWith('[') ? note.replace(/\], left .*/s, ']') : list, 'revents');
  made.waits = eventSets(asked.map(({ value: { fd }, events }) => [fd, events]));
  made.timeout = name === 'poll' ? fromMilliseconds(timeout) : secondsOf(timeout, 1e-9);
  made.rest = [
    `[${asked.map(({ value: { fd }, events }) => `{fd=${fd}, events=${events}}`).join(', ')}]`,
    count,
    timeout ?? '',
  ];
  if (made.errno !== undefined) return;
  made.after = readySets(
    ready.map(({ value: { fd }, events }) => [fd, events]),
    made.waits,
  );
  if (ready.length > 0)
    made.note = `[${ready.map(({ value: { fd }, events }) => `{fd=${fd}, revents=${events}}`).join(', ')}]`;
}

function readEpollWait({ name, args }: ParsedCall, process: Process, made: Made): void {
  const [epoll, events = '', maxEvents = '', timeout] = args;
  readFd(epoll, process, made);
  const epfd = made.fd ?? -1;
  made.waits = keptSets(process, epfd);
  made.timeout = name === 'epoll_pwait2' ? secondsOf(timeout, 1e-9) : fromMilliseconds(timeout);
  made.rest = [events, maxEvents, timeout ?? ''];
  if (made.errno !== undefined) return;
  const ready = elements(events).map((element): [number, string] => {
    const event = fields(element);
    const data = event.get('data') ?? event.get('1') ?? '';
    return [fdOfData(process, epfd, data), event.get('events') ?? event.get('0') ?? ''];
  });
  made.after = readySets(
    ready.filter(([fd]) => fd >= 0),
    made.waits,
  );
}

function readEpollCtl({ args }: ParsedCall, process: Process, made: Made): void {
  const [epoll, operation = '', target, event = ''] = args;
  readFd(epoll, process, made);
  const value = fdOf(target);
  if (value) seeMember(value, process);
  const fd = value?.fd ?? -1;
  const epfd = made.fd ?? -1;
  made.rest = [operation, String(fd), event];
  if (made.errno !== undefined) return;
  if (operation === 'EPOLL_CTL_DEL') {
    process.interest.remove(epfd, fd);
    return;
  }
  const parts = fields(event);
  const { read, write, except } = eventsOf(parts.get('events') ?? parts.get('0'));
  process.interest.set(epfd, fd, Number(read) | (Number(write) << 1) | (Number(except) << 2));
  process.epollData.set(`${epfd} ${dataKey(parts.get('data') ?? parts.get('1') ?? '')}`, fd);
}

/** The data of an event: its u64, whatever the program has put there. */
function dataKey(data: string): string {
  const parts = fields(data);
  return parts.get('u64') ?? parts.get('1') ?? parts.get('ptr') ?? data;
}

function fdOfData(process: Process, epfd: number, data: string): number {
  const known = process.epollData.get(`${epfd} ${dataKey(data)}`);
  if (known !== undefined) return known;
  const u32 = Number(fields(data).get('u32') ?? fields(data).get('0'));
  return process.names.has(u32) || process.interest.events(epfd, u32) ? u32 : -1; // nginx marks its pointers in the lowest bit
}

function keptSets(process: Process, epfd: number): Sets {
  const kept = process.interest.of(epfd);
  const having = (bit: number) => {
    const fds = kept.filter(([, events]) => events & bit).map(([fd]) => fd);
    return fds.length > 0 ? fds.sort((a, b) => a - b) : null;
  };
  return { readfds: having(1), writefds: having(2), exceptfds: having(4) };
}

function eventSets(events: [fd: number, text: string][]): Sets {
  const having = (is: (events: ReturnType<typeof eventsOf>) => boolean) => {
    const fds = events.filter(([, text]) => is(eventsOf(text))).map(([fd]) => fd);
    return fds.length > 0 ? fds.sort((a, b) => a - b) : null;
  };
  return {
    readfds: having(({ read }) => read),
    writefds: having(({ write }) => write),
    exceptfds: having(({ except }) => except),
  };
}

/** As `eventSets`; a hang-up or an error counts as each event that was asked for. */
function readySets(events: [fd: number, text: string][], asked: Sets): Sets {
  const having = (set: keyof Sets, is: (events: ReturnType<typeof eventsOf>) => boolean) => {
    const fds = events
      .filter(([fd, text]) => is(eventsOf(text)) || (eventsOf(text).error && asked[set]?.includes(fd)))
      .map(([fd]) => fd);
    return fds.length > 0 ? fds.sort((a, b) => a - b) : null;
  };
  return {
    readfds: having('readfds', ({ read }) => read),
    writefds: having('writefds', ({ write }) => write),
    exceptfds: having('exceptfds', ({ except }) => except),
  };
}

/** A descriptor that is waited for. */
function seeMember(value: FdValue, process: Process): void {
  process.see(value);
  process.addWaitable(value.fd);
}

function readFd(text: string | undefined, process: Process, made: Made): void {
  const value = fdOf(text);
  if (!value) return;
  made.fd = value.fd;
  process.see(value);
}

function readOnFd({ args }: ParsedCall, process: Process, made: Made): void {
  readFd(args[0], process, made);
  made.rest = args.slice(1);
}

function readFcntl(parsed: ParsedCall, process: Process, made: Made): void {
  readOnFd(parsed, process, made);
  if (parsed.note) made.note = parsed.note;
  if (parsed.args[1]?.startsWith('F_DUPFD')) made.call = 'dup';
}

/** A call without a descriptor among its arguments. */
function readRest({ args }: ParsedCall, process: Process, made: Made): void {
  made.rest = args;
  if (made.errno !== undefined || !MAKES_FDS.has(made.call)) return;
  const pair = args.find((arg) => arg.startsWith('[')) ?? '';
  for (const element of elements(pair)) {
    const end = fdOf(element);
    if (!end) continue;
    process.addWaitable(end.fd);
    process.names.forget(end.fd);
    process.names.name(end.fd, made.call === 'socketpair' ? 'unix socket' : 'pipe', 'stream');
  }
  made.rest = args.map((arg) =>
    arg === pair
      ? `[${elements(pair)
          .map((e) => fdOf(e)?.fd)
          .join(', ')}]`
      : arg,
  );
}

/** A file on a disk is no part of the story, a terminal is. */
function readOpen({ args }: ParsedCall, process: Process, made: Made): void {
  const path = args.find((arg) => arg.startsWith('"')) ?? '';
  if (made.errno === undefined) process.opened(made.result, String(bytesOf(path)));
}

function readClone({ args }: ParsedCall, _: Process, made: Made): void {
  const flags = args.join(', ');
  made.rest = [];
  if (!flags.includes('CLONE_THREAD')) made.call = 'fork';
}

function readExec({ args }: ParsedCall, _: Process, made: Made): void {
  made.rest = [String(bytesOf(args[0] ?? '')), ...elements(args[1] ?? '').map((arg) => String(bytesOf(arg)))];
}

/** A program that sleeps elsewhere than in its waits. */
function readSleep({ args }: ParsedCall, _: Process, made: Made): void {
  made.rest = args;
}

function readAccept({ args, resultFile }: ParsedCall, process: Process, made: Made): void {
  readFd(args[0], process, made);
  const isNew = made.errno === undefined && made.result >= 0;
  if (!isNew) return;
  if (resultFile !== undefined) process.see({ fd: made.result, file: resultFile });
  const address = addressOf(args[1]) ?? (resultFile === undefined ? undefined : peerOf(resultFile));
  if (address !== undefined) made.address = address;
}

function readAddressed({ args }: ParsedCall, process: Process, made: Made): void {
  readFd(args[0], process, made);
  const address = addressOf(args[1]);
  if (address !== undefined) made.address = address;
}

function readBytes({ args }: ParsedCall, process: Process, made: Made): void {
  const [fd, text = '', length, flags, address] = args;
  readFd(fd, process, made);
  made.length = Number.parseInt(length ?? '', 10) || 0;
  keepBytes(made, bytesOf(text));
  if (flags !== undefined) made.rest = [flags];
  const peer = addressOf(address);
  if (peer !== undefined) made.address = peer;
  else if (made.call === 'recvfrom') made.call = 'recv';
  else if (made.call === 'sendto') made.call = 'send';
}

function readVector({ args }: ParsedCall, process: Process, made: Made): void {
  readFd(args[0], process, made);
  const { bytes, length } = iovOf(args[1] ?? '');
  made.length = length;
  keepBytes(made, bytes);
}

function readMessage({ args }: ParsedCall, process: Process, made: Made): void {
  const [fd, text = '', flags] = args;
  readFd(fd, process, made);
  const message = fields(text);
  const { bytes, length } = iovOf(message.get('msg_iov') ?? '');
  made.length = length;
  keepBytes(made, bytes);
  if (flags !== undefined) made.rest = [flags];
  const address = addressOf(message.get('msg_name'));
  if (address !== undefined && address !== '') made.address = address;
}

/** strace shows of a send what was asked for, of a recv what has come: its result counts in both. */
function keepBytes(made: Made, bytes: Buffer): void {
  const isSent = rowOf(made.call).data === 'sent';
  if (made.result >= 0)
    made.data = bytes.subarray(0, Math.min(made.result, MAX_DATA_BYTES)).toString('base64');
  if (isSent && made.result !== made.length)
    made.asked = bytes.subarray(0, MAX_ASKED_BYTES).toString('base64');
}
