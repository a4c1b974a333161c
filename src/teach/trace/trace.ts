/**
 * Records the system calls of a loop: on the loop's thread, the functions of the table `sys` are replaced by
 * ones that make the call and tell of it. Without a trace nothing is replaced.
 */
import { type Sys, sys } from '../../posix/sys.js';
import type { Call, Head, OtherCall, SelectCall, Sets, Tail, TraceOptions } from '../recording/format.js';
import { callLine } from '../recording/write.js';
import { Explanation, setsOf as setsOfCall } from './explain.js';
import { begun, members, pairs, readySets, setOf, setsOf, timeval } from './fd-lists.js';
import { FdNames } from './fd-names.js';
import { why } from './readiness.js';
import { Step } from './step.js';
import { strace } from './strace.js';
import { bits, CALLS, epollEvent, errnoName } from './syscalls.js';
import { TraceWriter } from './writer.js';

/** Tells of calls, in one of the forms. */
interface Teller {
  output: TraceWriter;
  begins?(call: Call): string;
  ended(call: Call): string;
  /** How it all has ended. */
  tail?(tail: Tail): string;
}

/** Most events that the addon asks epoll_wait(2) and kevent(2) for. */
const MAX_EVENTS = 512;

const { EPOLLIN, EPOLLOUT, EPOLL_CTL_DEL, EVFILT_READ, EV_DELETE, F_GETFD, FD_SETSIZE, POLLIN, POLLOUT } =
  sys.constants;

/** `performance` itself is looked up at each use. */
const clock = performance;

type Describe = (call: OtherCall, result: unknown, ...args: unknown[]) => void;

/** Starts to trace this thread. */
export function begin(options: TraceOptions, stop: number): void {
  new Tracer(options, stop).replace(sys);
}

class Tracer {
  /** The system calls as they are. */
  readonly #sys: Sys = { ...sys };
  readonly #origin = clock.now();
  readonly #descriptors: FdNames;
  readonly #tellers: Teller[] = [];
  /** Whether somebody wants to know why. */
  readonly #asks: boolean;
  /** Beside what the program prints: the order must be right. */
  readonly #onStderr: boolean;
  readonly #step?: (call: Call) => void;
  /** What the kernel's sets of epoll and kqueue hold: events by descriptor, by the set's own descriptor. */
  readonly #kept = new Map<number, Map<number, number>>();
  /** How far the process's table of descriptors is known to reach: see native/select.cc. */
  #tableEnd = 63;
  #n = 0;

  constructor({ program, args, trace, record, step }: TraceOptions, stop: number) {
    this.#descriptors = new FdNames(program, stop);
    this.#asks =
      record !== undefined || trace?.form === 'json' || trace?.form === 'explain' || step !== undefined;
    this.#onStderr = trace?.fd === 2;
    const began = new Date().toISOString();
    const { platform } = process;
    const head: Head = { format: 'posix-select recording', version: 1, program, args, platform, began };
    const recording = ({ fd, name }: { fd: number; name: string }) => {
      const output = new TraceWriter(this.#sys, fd, name);
      output.write(`${JSON.stringify(head)}\n`);
      this.#tellers.push({ output, ended: callLine, tail: (tail) => `${JSON.stringify(tail)}\n` });
    };

    if (record) recording(record);
    if (trace?.form === 'json') recording(trace);
    else if (trace) this.#tellers.push(teller(trace.form, new TraceWriter(this.#sys, trace.fd, trace.name)));
    if (step !== undefined) {
      const enter = new Step(this.#sys, step, stop);
      const explanation = new Explanation();
      const isExplained = trace?.form === 'explain' && this.#onStderr;
      this.#tellers.push({
        output: new TraceWriter(this.#sys, step, '/dev/tty'),
        ended: (call) => {
          const text = explanation.ended(call); // of all calls: names come with them
          return call.after && enter.isOn && !isExplained ? text : '';
        },
      });
      this.#step = (call) => {
        const text = explanation.begins(call);
        enter.pause(isExplained ? '' : text, setsOfCall(call)?.readfds?.includes(0) ?? false);
      };
    }
    process.on('exit', () => {
      const tail: Tail = { ended: this.#since(clock.now()) };
      for (const teller of this.#tellers) if (teller.tail) teller.output.write(teller.tail(tail));
      this.#flush();
    });
  }

  /** Puts the recording functions into the table. */
  replace(table: Sys): void {
    const functions = table as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const [name, describe] of Object.entries(CALLS)) {
      const make = functions[name];
      if (make) functions[name] = this.#plain(name, make, describe as Describe);
    }
    const kqueue = this.#sys.kqueue !== undefined;
    Object.assign(table, { select: this.#select, selectFdSets: this.#selectFdSets, poll: this.#poll });
    if (kqueue) Object.assign(table, { kevent_wait: this.#keventWait });
    else Object.assign(table, { epoll_wait: this.#epollWait });
  }

  /** A call that does not wait for descriptors. */
  #plain(name: string, make: (...args: unknown[]) => unknown, describe: Describe) {
    const flushes = MAY_BLOCK.has(name) || (name === 'write' && this.#onStderr);
    return (...args: unknown[]) => {
      if (flushes) this.#flush();
      const call = this.#made(name);
      const begin = clock.now();
      const result = make(...args);
      const end = clock.now();
      call.at = this.#since(begin);
      call.took = rounded((end - begin) / 1000);
      if (typeof result === 'number') call.result = Math.max(result, -1);
      if (call.result < 0) call.errno = errnoName(result as number);
      describe(call, result, ...args);
      this.#keep(name, args);
      this.#tell(call);
      return result;
    };
  }

  /**
   * select() on lists: the very calls that the addon makes for it, so that the time left, too, can be told.
   */
  readonly #select: Sys['select'] = (rlist, wlist = null, xlist = null, timeout = null) => {
    const lists = [rlist, wlist, xlist].map(begun);
    const nfds = 1 + Math.max(-1, ...lists.flatMap((list) => list ?? []));
    if (nfds > FD_SETSIZE) return this.#sys.select(rlist, wlist, xlist, timeout); // throws
    if (nfds - 1 > this.#tableEnd) {
      const open = sys.fcntl(nfds - 1, F_GETFD, 0);
      if (open < 0) return open;
      this.#tableEnd = nfds - 1;
    }
    const sets = lists.map((list) => list && setOf(list));
    const ready = this.#selectFdSets(
      nfds,
      sets[0],
      sets[1],
      sets[2],
      timeout === null ? null : timeval(timeout),
    );
    if (ready < 0) return ready;
    for (const [i, list] of [rlist, wlist, xlist].entries()) {
      const set = sets[i];
      if (!list || !set) continue;
      const kept = (lists[i] ?? []).filter((fd) => set[fd >> 5] & (1 << fd));
      list.set(kept);
      if (kept.length < list.length) list[kept.length] = -1;
    }
    return ready;
  };

  readonly #selectFdSets: Sys['selectFdSets'] = (nfds, readfds, writefds, exceptfds, timeout) => {
    const sets = (): Sets => ({
      readfds: members(readfds, nfds),
      writefds: members(writefds, nfds),
      exceptfds: members(exceptfds, nfds),
    });
    const seconds = timeout && timeout[0] + timeout[1] / 1e6;
    const before = sets();
    const call: SelectCall = {
      n: ++this.#n,
      at: 0,
      took: 0,
      call: 'select',
      result: 0,
      nfds,
      ...before,
      timeout: seconds,
      after: before,
    };
    return this.#wait(
      call,
      () => this.#sys.selectFdSets(nfds, readfds, writefds, exceptfds, timeout),
      (result) => {
        if (result >= 0) call.after = sets();
        if (timeout && process.platform === 'linux') call.left = rounded(timeout[0] + timeout[1] / 1e6);
      },
    );
  };

  readonly #poll: Sys['poll'] = (pollfds, nfds, timeout) => {
    const asked = Array.from({ length: nfds }, (_, i) => [pollfds[2 * i], pollfds[2 * i + 1] & 0xffff]);
    const waits = setsOf(asked, POLLIN, POLLOUT);
    const shown = asked.map(([fd, events]) => `{fd=${fd}, events=${bits('POLL', events)}}`);
    const rest = [`[${shown.join(', ')}]`, String(nfds), String(timeout)];
    const call = Object.assign(this.#made('poll'), { rest, waits, timeout: fromMillis(timeout) });
    return this.#wait(
      call,
      () => this.#sys.poll(pollfds, nfds, timeout),
      (result) => {
        if (result <= 0) return;
        const ready = asked
          .map(([fd], i) => [fd, pollfds[2 * i + 1] >>> 16])
          .filter(([, revents]) => revents !== 0);
        call.after = readySets(ready, asked, POLLIN, POLLOUT);
        call.note = `[${ready.map(([fd, revents]) => `{fd=${fd}, revents=${bits('POLL', revents)}}`).join(', ')}]`;
      },
    );
  };

  readonly #epollWait: Sys['epoll_wait'] = (epfd, ready, timeout) => {
    const asked = [...(this.#kept.get(epfd) ?? [])];
    const waits = setsOf(asked, EPOLLIN, EPOLLOUT);
    const most = Math.min(ready.length >> 1, MAX_EVENTS);
    const rest = ['NULL', String(most), String(timeout)];
    const call = Object.assign(this.#made('epoll_wait'), {
      fd: epfd,
      rest,
      waits,
      timeout: fromMillis(timeout),
    });
    return this.#wait(
      call,
      () => this.#sys.epoll_wait(epfd, ready, timeout),
      (result) => {
        if (result < 0) return;
        const events = pairs(ready, result);
        rest[0] = `[${events.map(([fd, events]) => epollEvent(fd, events)).join(', ')}]`;
        call.after = readySets(events, asked, EPOLLIN, EPOLLOUT);
      },
    );
  };

  readonly #keventWait: Sys['kevent_wait'] = (kq, ready, timeout) => {
    const asked = [...(this.#kept.get(kq) ?? [])];
    const waits = setsOf(asked, 1, 2);
    const most = Math.min(ready.length >> 1, MAX_EVENTS);
    const rest = ['NULL', '0', 'NULL', String(most), timeout === null ? 'NULL' : String(timeout)];
    const call = Object.assign(this.#made('kevent'), { fd: kq, rest, waits, timeout });
    return this.#wait(
      call,
      () => this.#sys.kevent_wait(kq, ready, timeout),
      (result) => {
        if (result < 0) return;
        const events = pairs(ready, result);
        const shown = events.map(
          ([fd, filter]) =>
            `{ident=${fd}, filter=${filter === EVFILT_READ ? 'EVFILT_READ' : 'EVFILT_WRITE'}}`,
        );
        rest[2] = `[${shown.join(', ')}]`;
        call.after = setsOf(
          events.map(([fd, filter]) => [fd, filter === EVFILT_READ ? 1 : 2]),
          1,
          2,
        );
      },
    );
  };

  /** Makes a call that waits, and tells of it before and after. */
  #wait(call: Call, make: () => number, after: (result: number) => void): number {
    this.#name(call);
    for (const teller of this.#tellers) if (teller.begins) teller.output.write(teller.begins(call));
    this.#flush();
    this.#step?.(call);
    const begin = clock.now();
    const result = make();
    const end = clock.now();
    call.at = this.#since(begin);
    call.took = rounded((end - begin) / 1000);
    call.result = Math.max(result, -1);
    if (result < 0) call.errno = errnoName(result);
    after(result);
    if (!('nfds' in call)) call.after ??= result < 0 ? call.waits : setsOf([], 0, 0);
    if (this.#asks && call.after) call.why = why(this.#sys, this.#descriptors.kinds, call, call.after);
    this.#tell(call);
    if (this.#step) this.#flush(); // before what the program prints
    return result;
  }

  /** A call before it is made. All have the same fields in the same order: that makes them fast. */
  #made(name: string): OtherCall {
    return {
      n: ++this.#n,
      at: 0,
      took: 0,
      call: name,
      result: 0,
      errno: undefined,
      fd: undefined,
      address: undefined,
      length: undefined,
      flags: undefined,
      data: undefined,
      rest: undefined,
      asked: undefined,
      note: undefined,
      waits: undefined,
      timeout: undefined,
      after: undefined,
      why: undefined,
      names: undefined,
    };
  }

  /** Gives the names that have changed since the call before. */
  #name(call: Call): void {
    const names = this.#descriptors.learn(call);
    if (names) call.names = { ...call.names, ...names };
  }

  #tell(call: Call): void {
    this.#name(call);
    for (const { output, ended } of this.#tellers) output.write(ended(call));
  }

  #flush(): void {
    for (const { output } of this.#tellers) output.flush();
  }

  #since(time: number): number {
    return rounded((time - this.#origin) / 1000);
  }

  /** Keeps in mind what the kernel keeps. */
  #keep(name: string, args: unknown[]): void {
    const [a, b, c, d] = args as number[];
    if (name === 'close') {
      this.#kept.delete(a);
      for (const kept of this.#kept.values()) kept.delete(a);
    } else if (name === 'epoll_ctl') {
      const kept = this.#keptBy(a);
      if (b === EPOLL_CTL_DEL) kept.delete(c);
      else kept.set(c, d);
    } else if (name === 'kevent_change') {
      const event = c === EVFILT_READ ? 1 : 2;
      const kept = this.#keptBy(a);
      const events = kept.get(b) ?? 0;
      kept.set(b, d & EV_DELETE ? events & ~event : events | event);
    }
  }

  #keptBy(fd: number): Map<number, number> {
    const kept = this.#kept.get(fd) ?? new Map<number, number>();
    this.#kept.set(fd, kept);
    return kept;
  }
}

/** Calls that may keep the loop: what was told so far is written before. */
const MAY_BLOCK = new Set(['connect', 'read']);

function teller(form: 'strace' | 'explain', output: TraceWriter): Teller {
  if (form === 'strace') return { output, ended: (call) => `${strace(call)}\n` };
  const explanation = new Explanation();
  return { output, begins: (call) => explanation.begins(call), ended: (call) => explanation.ended(call) };
}

/** Seconds, to the microsecond. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

function fromMillis(timeout: number): number | null {
  return timeout < 0 ? null : timeout / 1000;
}
