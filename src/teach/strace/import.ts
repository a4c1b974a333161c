/** strace(1)'s output as a recording: lines in, calls out, in the order in which they returned. */
import type { Call, Head, OtherCall } from '../recording/format.js';
import { rowOf } from '../trace/syscalls.js';
import { type Made, madeCall } from './calls.js';
import { type Line, parseLine } from './line.js';
import { type Process, Processes } from './processes.js';
import { PendingWait } from './reasons.js';
import { type ParsedCall, parseCall, parseUnfinished, withoutUnfinished } from './syntax.js';

/** Calls that wait in the queue for the reasons of a wait before them. */
const MAX_QUEUED_CALLS = 10_000;

/** Lines that one call may be spread over: the program may print in its midst. */
const MAX_PIECES = 20;

/** The beginning of a call whose end is on a later line. */
interface Begun {
  text: string;
  time: number;
  pieces: number;
}

/** What strace says that is no call. */
const MESSAGE = /^(?:strace: |Process \d+ |\[ Process |\[pid \d+\]$)/;

export class StraceImport {
  /** Seconds since 1970 of the first line; undefined where the log has no such times. */
  origin: number | undefined;
  /** Lines that could not be read. */
  unreadable = 0;
  isUntimed = true;
  hasDurations = false;
  hasSets = true;
  readonly #emit: (call: Call) => void;
  readonly #processes: Processes;
  readonly #begun = new Map<number, Begun>();
  /** The last wait of each thread, while its reasons are not known. */
  readonly #pending = new Map<number, PendingWait>();
  #queue: { call: Call; wait?: PendingWait }[] = [];
  #n = 0;
  #time = 0;
  #firstTid = 0;

  /** @param program its name: the users of a chat have names */
  constructor(program: string, emit: (call: Call) => void) {
    this.#processes = new Processes(program);
    this.#emit = emit;
  }

  /** The first thread of the log: the program's own. */
  get pid(): number {
    return this.#firstTid;
  }

  line(text: string): void {
    const line = parseLine(text);
    if (!line || MESSAGE.test(line.text)) return;
    this.#keepTime(line);
    const tid = line.tid ?? this.#firstTid;
    if (this.#firstTid === 0 && line.tid !== undefined) this.#firstTid = line.tid;
    if (!this.#processes.has(tid)) this.#introduce(tid);
    if (!this.#event(tid, line.text)) this.#call(tid, line.text);
  }

  /** The first line of a thread may stand before the end of the clone that made it. */
  #introduce(tid: number): void {
    const clone = [...this.#begun].find(([, { text }]) => /^(?:clone3?|v?fork)\(/.test(text));
    if (!clone) return;
    const [parent, { text }] = clone;
    this.#processes.started(this.#processes.of(parent), tid, text.includes('CLONE_THREAD'));
  }

  /** The log is over: calls that have not returned are calls, too. */
  end(): void {
    for (const [tid, { text, time }] of this.#begun) {
      const parsed = parseUnfinished(text);
      if (parsed) this.#made(tid, parsed, time);
    }
    this.#begun.clear();
    this.settle();
  }

  /** Gives out all calls, with the reasons that are known up to now. */
  settle(): void {
    for (const { wait } of this.#queue) wait?.settle();
    this.#pending.clear();
    this.#release(0);
  }

  #keepTime({ clock, time }: Line): void {
    if (time === undefined) return;
    this.isUntimed = false;
    if (clock === 'relative') this.#time += time;
    else {
      this.origin ??= time;
      // A log that begins before midnight goes on after it.
      if (clock === 'day' && time < this.origin) this.#time = time - this.origin + 86_400;
      else this.#time = time - this.origin;
    }
  }

  /** A signal, or the end of a thread. */
  #event(tid: number, text: string): boolean {
    const [, signal] = /^--- (?:stopped by )?(SIG\w+)/.exec(text) ?? [];
    const [, code] = /^\+\+\+ exited with (\d+)/.exec(text) ?? [];
    const [, killer] = /^\+\+\+ killed by (SIG\w+)/.exec(text) ?? [];
    if (signal) this.#add(tid, { call: 'signal', result: 0, rest: [signal] }, this.#time, 0);
    else if (code) this.#ended(tid, { call: 'exited', result: Number(code) });
    else if (killer) this.#ended(tid, { call: 'killed', result: 0, rest: [killer] });
    else return text.startsWith('+++ ') || text.startsWith('--- ');
    return true;
  }

  #ended(tid: number, made: Made): void {
    const begun = this.#begun.get(tid);
    const parsed = begun && parseUnfinished(begun.text);
    this.#begun.delete(tid);
    if (begun && parsed && !parsed.name.startsWith('exit')) this.#made(tid, parsed, begun.time);
    this.#add(tid, made, this.#time, 0);
    this.#settle(tid);
  }

  #call(tid: number, text: string): void {
    const [resumed, name] = /^<\.\.\. (\w+) resumed> ?/.exec(text) ?? [];
    if (resumed !== undefined) this.#resumed(tid, name ?? '', text.slice(resumed.length));
    else this.#begins(tid, text);
  }

  #resumed(tid: number, name: string, rest: string): void {
    const begun = this.#begun.get(tid);
    if (!begun?.text.startsWith(`${name}(`)) {
      // The log begins within the call, or restart_syscall stands for it.
      if (!begun) this.unreadable++;
      if (!begun) return;
    }
    this.#begun.delete(tid);
    const unfinished = withoutUnfinished(rest);
    const joined = begun.text + (unfinished ?? rest);
    const parsed = unfinished === null ? parseCall(joined) : parseUnfinished(joined);
    if (parsed) this.#made(tid, parsed, begun.time);
    else this.#begun.set(tid, { ...begun, text: joined });
  }

  #begins(tid: number, text: string): void {
    const unfinished = withoutUnfinished(text);
    if (unfinished !== null) {
      this.#begun.set(tid, { text: unfinished, time: this.#time, pieces: 1 });
      return;
    }
    const parsed = parseCall(text);
    if (parsed) {
      this.#begun.delete(tid);
      this.#made(tid, parsed, this.#time);
      return;
    }
    this.#piece(tid, text);
  }

  /** A line that is no whole call: the first part of one, or a further one, between what the program prints. */
  #piece(tid: number, text: string): void {
    const begun = this.#begun.get(tid);
    const joined = begun && parseCall(begun.text + text);
    if (begun && joined) {
      this.#begun.delete(tid);
      this.#made(tid, joined, begun.time);
    } else if (/^[a-z_]\w*\(/.test(text)) {
      if (begun) this.unreadable++;
      const end = text.indexOf('strace: Process ');
      this.#begun.set(tid, { text: end < 0 ? text : text.slice(0, end), time: this.#time, pieces: 1 });
    } else if (begun && begun.pieces < MAX_PIECES) {
      begun.pieces++;
    } else {
      this.unreadable++;
    }
  }

  #made(tid: number, parsed: ParsedCall, time: number): void {
    const process = this.#processes.of(tid);
    const made = madeCall(parsed, process);
    if (/^p?select6?$/.test(parsed.name) && /^0x/.test(parsed.args[1] ?? '') && parsed.errno === undefined)
      this.hasSets = false;
    if (!made) return;
    if (parsed.isUnfinished) made.isUnfinished = true;
    if (parsed.took !== undefined) this.hasDurations = true;
    if (!made.errno && made.result > 0 && (made.call === 'fork' || made.call === 'clone'))
      this.#processes.started(process, made.result, made.call === 'clone');
    this.#add(tid, made, time, parsed.took ?? this.#time - time);
  }

  #add(tid: number, made: Made, at: number, took: number): void {
    const process = this.#processes.of(tid);
    const call = { n: 0, ...made, at, took } as Call;
    call.pid = process.pid;
    if (tid !== process.pid) call.tid = tid;
    const isWait = 'nfds' in call || call.waits !== undefined;
    this.#changes(process, call as OtherCall);
    const names = process.names.learn(call);
    if (names) call.names = names;
    if (isWait) {
      this.#settle(tid);
      const wait = new PendingWait(call, process.names.kinds);
      this.#pending.set(tid, wait);
      this.#queue.push({ call, wait });
      if (wait.isWithoutReady) this.#settle(tid);
    } else {
      this.#pending.get(tid)?.follow(call as OtherCall);
      this.#queue.push({ call });
    }
    this.#release(MAX_QUEUED_CALLS);
  }

  /** What the call changes in its process's descriptors. */
  #changes(process: Process, { call, fd, errno, result }: OtherCall): void {
    if (errno !== undefined) return;
    if (call === 'close' && fd !== undefined) process.closed(fd);
    if (call === 'execve') process.executed();
    if (!rowOf(call).makesFd || result < 0) return;
    process.names.forget(result);
    process.addWaitable(result);
  }

  /** The last wait of a thread gets its reasons: the thread waits again, or has ended. */
  #settle(tid: number): void {
    this.#pending.get(tid)?.settle();
    this.#pending.delete(tid);
  }

  /** Gives out the calls before the first wait that has no reasons yet; at most `max` calls stay. */
  #release(max: number): void {
    let count = 0;
    for (const { call, wait } of this.#queue) {
      if (wait && !call.why) {
        if (this.#queue.length - count <= max) break;
        wait.settle();
      }
      call.n = ++this.#n;
      if (this.isUntimed) call.at = this.#n / 1000;
      this.#emit(call);
      count++;
    }
    if (count > 0) this.#queue = this.#queue.slice(count);
  }
}

/** The head of the recording that a log becomes. */
export function headOf(program: string, args: string[], began: string): Head {
  return { format: 'posix-select recording', version: 2, program, args, platform: 'linux', began };
}
