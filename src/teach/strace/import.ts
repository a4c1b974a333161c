/** strace(1)'s output as a recording: lines in, calls out, in the order in which they returned. */
import type { Call, Head, OtherCall } from '../recording/format.js';
import { rowOf } from '../trace/syscalls.js';
import { madeCall } from './calls.js';
import type { AskForEnds, OpenFile } from './files.js';
import { LineJoiner } from './join.js';
import { type Line, parseLine } from './line.js';
import type { Made } from './made.js';
import { type Process, Processes } from './processes.js';
import { PendingWait } from './reasons.js';
import { Restarts, type Returned } from './restarts.js';
import type { ParsedCall } from './syntax.js';

/** Calls that wait in the queue for the reasons of a wait before them. */
const MAX_QUEUED_CALLS = 10_000;

/** What strace says that is no call. */
const MESSAGE = /^(?:strace: |Process \d+ |\[ Process |\[pid \d+\]$)/;

export class StraceImport {
  /** Seconds since 1970 of the first line; undefined where the log has no such times. */
  origin: number | undefined;
  isUntimed = true;
  hasDurations = false;
  hasSets = true;
  readonly #emit: (call: Call) => void;
  readonly #processes: Processes;
  readonly #joiner = new LineJoiner();
  readonly #restarts: Restarts;
  /** The last wait of each thread, while its reasons are not known. */
  readonly #pending = new Map<number, PendingWait>();
  #queue: { call: Call; wait?: PendingWait }[] = [];
  #n = 0;
  #time = 0;
  #firstTid = 0;
  #lastSignal = '';

  /**
   * @param program its name: the users of a chat have names
   * @param ask of a log that grows while its programs run
   */
  constructor(program: string, emit: (call: Call) => void, ask?: AskForEnds) {
    this.#processes = new Processes(program, ask);
    this.#restarts = new Restarts(ask !== undefined); // the recorder asks strace for rt_sigreturn
    this.#emit = emit;
  }

  /** Lines that could not be read. */
  get unreadable(): number {
    return this.#joiner.unreadable;
  }

  /** The first thread of the log: the program's own. */
  get pid(): number {
    return this.#firstTid;
  }

  /** Of a process that runs before the log begins: its threads, and what it has open. */
  attached(pid: number, tids: number[], files: OpenFile[]): void {
    this.#processes.attached(pid, tids, files);
  }

  line(text: string): void {
    const line = parseLine(text);
    if (!line || MESSAGE.test(line.text)) return;
    this.#keepTime(line);
    const tid = line.tid ?? this.#firstTid;
    if (this.#firstTid === 0 && line.tid !== undefined) this.#firstTid = line.tid;
    if (!this.#processes.has(tid)) this.#introduce(tid);
    if (this.#event(tid, line.text)) return;
    const call = this.#joiner.line(tid, line.text, this.#time);
    if (call) this.#returned(tid, this.#restarts.call(tid, call, this.#time));
  }

  #returned(tid: number, all: Returned[]): void {
    for (const { call, end, signals } of all) {
      this.#made(tid, call.parsed, call.time, end);
      for (const { name, time } of signals) this.#signal(tid, name, time);
    }
  }

  #signal(tid: number, name: string, time: number): void {
    this.#add(tid, { call: 'signal', result: 0, rest: [name] }, time, 0);
  }

  /** The first line of a thread may stand before the end of the clone that made it. */
  #introduce(tid: number): void {
    const clone = this.#joiner.find(/^(?:clone3?|v?fork)\(/);
    if (!clone) return;
    const parent = this.#processes.of(clone.tid);
    this.#processes.started(parent, tid, clone.text.includes('CLONE_THREAD'));
  }

  /** The log is over: calls that have not returned are calls, too. */
  end(): void {
    for (const tid of new Set([...this.#joiner.tids(), ...this.#restarts.tids()])) this.#cutOff(tid);
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
    const [, stopped, signal] = /^--- (stopped by )?(SIG\w+)/.exec(text) ?? [];
    const [, code] = /^\+\+\+ exited with (\d+)/.exec(text) ?? [];
    const [, killer] = /^\+\+\+ killed by (SIG\w+)/.exec(text) ?? [];
    const isSame = stopped !== undefined && this.#lastSignal === `${tid} ${signal}`;
    this.#lastSignal = `${tid} ${signal}`;
    if (isSame) return true; // strace tells that the signal has come, and then that it has stopped the thread
    if (signal) {
      const isWithin = this.#restarts.signal(tid, { name: signal, time: this.#time });
      if (!isWithin) this.#signal(tid, signal, this.#time);
    } else if (code) this.#ended(tid, { call: 'exited', result: Number(code) });
    else if (killer) this.#ended(tid, { call: 'killed', result: 0, rest: [killer] });
    else return text.startsWith('+++ ') || text.startsWith('--- ');
    return true;
  }

  #ended(tid: number, made: Made): void {
    this.#cutOff(tid);
    this.#add(tid, made, this.#time, 0);
    this.#settle(tid);
  }

  /** The thread, or the log, has ended within a call. */
  #cutOff(tid: number): void {
    const call = this.#joiner.cutOff(tid);
    if (call && !call.parsed.name.startsWith('exit'))
      this.#returned(tid, this.#restarts.call(tid, call, this.#time));
    this.#returned(tid, this.#restarts.end(tid));
  }

  #made(tid: number, parsed: ParsedCall, time: number, end: number): void {
    const process = this.#processes.of(tid);
    const made = madeCall(parsed, process);
    if (/^p?select6?$/.test(parsed.name) && /^0x/.test(parsed.args[1] ?? '') && parsed.errno === undefined)
      this.hasSets = false;
    if (!made) return;
    if (parsed.isUnfinished) made.isUnfinished = true;
    if (parsed.took !== undefined) this.hasDurations = true;
    if (!made.errno && made.result > 0 && (made.call === 'fork' || made.call === 'clone'))
      this.#processes.started(process, made.result, made.call === 'clone');
    this.#add(tid, made, time, parsed.took ?? end - time);
  }

  #add(tid: number, made: Made, at: number, took: number): void {
    const process = this.#processes.of(tid);
    const call = { n: 0, ...made, at, took } as Call;
    call.pid = process.pid;
    if (tid !== process.pid) call.tid = tid;
    const isWait = 'nfds' in call || call.waits !== undefined;
    this.#changes(process, call as OtherCall);
    process.names.learn(call);
    const names = process.names.takeChanges();
    if (names) call.names = names;
    const ends = process.takeEnds();
    if (ends) call.ends = ends;
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
    if (fd === undefined || call === 'accept' || process.isWaitable(fd)) process.addWaitable(result);
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
