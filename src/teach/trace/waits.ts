/** The waits for descriptors under a trace: select, poll, epoll_wait, kevent. Each is recorded before it is made and after. */
import { type Sys, sys } from '../../posix/sys.js';
import { putTimeval } from '../../wait.js';
import type { Call, SelectCall, Sets } from '../recording/format.js';
import { epollEvent, eventNames } from './constants.js';
import { eventSets, type FdEvents, fdSetMembers, ListedSet, pairs, readySets } from './fd-lists.js';
import type { Interest } from './interest.js';
import type { WaitName } from './row.js';
import type { TracedCall } from './traced-call.js';

/** The events of kqueue in a record: a filter is no bit. */
const [KQUEUE_IN, KQUEUE_OUT] = [1, 2];

const {
  EPOLLIN = 0,
  EPOLLOUT = 0,
  EVFILT_READ = 0,
  F_GETFD = 0,
  FD_SETSIZE = 1024,
  POLLIN = 0,
  POLLOUT = 0,
} = sys.constants;

/** What the waits need of the tracer. */
export interface WaitTracer {
  /** The system calls, untraced. */
  sys: Sys;
  interest: Interest;
  nextNumber(): number;
  /** A record with the next number. */
  newCall(name: string): TracedCall;
  /**
   * Makes the wait: shows the call before it, and records it after it.
   *
   * @param record writes what has come of it into the call; `after` is as `waits` where it writes none
   */
  wait(call: Call, make: () => number, record: (result: number) => void): number;
}

/** The functions of `Sys` that wait, each as one that makes the call and records it. */
export function tracedWaits(tracer: WaitTracer): Pick<Sys, WaitName> {
  const selectFdSets = tracedSelectFdSets(tracer);
  return {
    selectFdSets,
    select: tracedSelect(tracer, selectFdSets),
    poll: tracedPoll(tracer),
    epoll_wait: tracedEpollWait(tracer),
    kevent_wait: tracedKeventWait(tracer),
  };
}

/** select() on lists: made on fd_sets, so that the time left can be recorded, too. */
function tracedSelect({ sys: untraced }: WaitTracer, selectFdSets: Sys['selectFdSets']): Sys['select'] {
  /** How far the process's table of descriptors is known to reach: see native/select.cc. */
  let tableEnd = 63;
  const [r, w, x] = [new ListedSet(FD_SETSIZE), new ListedSet(FD_SETSIZE), new ListedSet(FD_SETSIZE)];
  return (rlist, wlist = null, xlist = null, timeout = null) => {
    const highest = Math.max(r.fill(rlist), w.fill(wlist), x.fill(xlist));
    if (highest >= FD_SETSIZE) return untraced.select(rlist, wlist, xlist, timeout); // throws
    if (highest > tableEnd) {
      const open = sys.fcntl(highest, F_GETFD, 0);
      if (open < 0) return open;
      tableEnd = highest;
    }
    const timeval = timeout === null ? null : new Float64Array(2);
    if (timeval && timeout !== null) putTimeval(timeout, timeval);
    const ready = selectFdSets(highest + 1, r.words, w.words, x.words, timeval);
    if (ready < 0) return ready;
    r.keepReady();
    w.keepReady();
    x.keepReady();
    return ready;
  };
}

function tracedSelectFdSets(tracer: WaitTracer): Sys['selectFdSets'] {
  return (nfds, readfds, writefds, exceptfds, timeval) => {
    const sets = (): Sets => ({
      readfds: fdSetMembers(readfds, nfds),
      writefds: fdSetMembers(writefds, nfds),
      exceptfds: fdSetMembers(exceptfds, nfds),
    });
    const before = sets();
    const timeout = timeval && secondsOf(timeval);
    const call: SelectCall = {
      n: tracer.nextNumber(),
      at: 0,
      took: 0,
      call: 'select',
      result: 0,
      nfds,
      ...before,
      timeout,
      after: before,
    };
    return tracer.wait(
      call,
      () => tracer.sys.selectFdSets(nfds, readfds, writefds, exceptfds, timeval),
      (result) => {
        if (result >= 0) call.after = sets();
        if (timeval && process.platform === 'linux') call.left = secondsOf(timeval);
      },
    );
  };
}

function tracedPoll(tracer: WaitTracer): Sys['poll'] {
  return (pollfds, nfds, timeout) => {
    const asked = pairs(pollfds, nfds).map(([fd, events]): FdEvents => [fd, events & 0xffff]);
    const texts = asked.map(([fd, events]) => `{fd=${fd}, events=${eventNames('POLL', events)}}`);
    const call = tracer.newCall('poll');
    call.rest = [`[${texts.join(', ')}]`, String(nfds), String(timeout)];
    call.waits = eventSets(asked, POLLIN, POLLOUT);
    call.timeout = secondsOrNull(timeout);
    return tracer.wait(
      call,
      () => tracer.sys.poll(pollfds, nfds, timeout),
      (result) => {
        if (result <= 0) return;
        const ready = pairs(pollfds, nfds)
          .map(([fd, events]): FdEvents => [fd, events >>> 16])
          .filter(([, revents]) => revents !== 0);
        const texts = ready.map(([fd, revents]) => `{fd=${fd}, revents=${eventNames('POLL', revents)}}`);
        const askedEvents = new Map(asked);
        call.after = readySets(ready, (fd) => askedEvents.get(fd) ?? 0, POLLIN, POLLOUT);
        call.note = `[${texts.join(', ')}]`;
      },
    );
  };
}

function tracedEpollWait(tracer: WaitTracer): Sys['epoll_wait'] {
  const waitsOf = keptSets(tracer.interest, EPOLLIN, EPOLLOUT);
  return (epfd, ready, timeout) => {
    const rest = ['NULL', String(ready.length >> 1), String(timeout)];
    const call = tracer.newCall('epoll_wait');
    call.fd = epfd;
    call.rest = rest;
    call.waits = waitsOf(epfd);
    call.timeout = secondsOrNull(timeout);
    return tracer.wait(
      call,
      () => tracer.sys.epoll_wait(epfd, ready, timeout),
      (result) => {
        if (result < 0) return;
        const events = pairs(ready, result);
        rest[0] = `[${events.map(([fd, events]) => epollEvent(fd, events)).join(', ')}]`;
        call.after = readySets(events, (fd) => tracer.interest.events(epfd, fd), EPOLLIN, EPOLLOUT);
      },
    );
  };
}

function tracedKeventWait(tracer: WaitTracer): Sys['kevent_wait'] {
  const waitsOf = keptSets(tracer.interest, KQUEUE_IN, KQUEUE_OUT);
  return (kq, ready, timeout) => {
    const maxEvents = String(ready.length >> 1);
    const rest = ['NULL', '0', 'NULL', maxEvents, timeout === null ? 'NULL' : String(timeout)];
    const call = tracer.newCall('kevent');
    call.fd = kq;
    call.rest = rest;
    call.waits = waitsOf(kq);
    call.timeout = timeout;
    return tracer.wait(
      call,
      () => tracer.sys.kevent_wait(kq, ready, timeout),
      (result) => {
        if (result < 0) return;
        const events = pairs(ready, result).map(([fd, filter]): FdEvents => {
          return [fd, filter === EVFILT_READ ? KQUEUE_IN : KQUEUE_OUT];
        });
        const filter = (event: number) => (event === KQUEUE_IN ? 'EVFILT_READ' : 'EVFILT_WRITE');
        rest[2] = `[${events.map(([fd, event]) => `{ident=${fd}, filter=${filter(event)}}`).join(', ')}]`;
        call.after = eventSets(events, KQUEUE_IN, KQUEUE_OUT);
      },
    );
  };
}

/** What an epoll or kqueue descriptor waits for, as sets: made anew only where that has changed. */
function keptSets(interest: Interest, IN: number, OUT: number): (setFd: number) => Sets {
  let known = { setFd: -1, changes: -1, sets: eventSets([], IN, OUT) };
  return (setFd) => {
    const { changes } = interest;
    if (known.setFd !== setFd || known.changes !== changes)
      known = { setFd, changes, sets: eventSets(interest.of(setFd), IN, OUT) };
    return known.sets;
  };
}

function secondsOf([seconds = 0, micros = 0]: Float64Array): number {
  return Math.round(seconds * 1e6 + micros) / 1e6;
}

function secondsOrNull(timeoutMs: number): number | null {
  return timeoutMs < 0 ? null : timeoutMs / 1000;
}
