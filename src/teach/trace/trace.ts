/**
 * Records the system calls of a loop: on the loop's thread, the functions of the table `sys` are replaced by
 * ones that make the call and record it. Without a trace nothing is replaced.
 */
import { type RecordTransfer, type Sys, sys } from '../../posix/sys.js';
import type { Call, Tail, TraceOptions } from '../recording/format.js';
import { errnoName } from './constants.js';
import { FdNames } from './fd-names.js';
import { type Form, formsOf } from './forms.js';
import { Interest } from './interest.js';
import { reasonsFor } from './readiness.js';
import type { Row } from './row.js';
import { rowOf, SYSCALLS } from './syscalls.js';
import { TracedCall } from './traced-call.js';
import { tracedWaits, type WaitTracer } from './waits.js';
import type { TraceWriter } from './writer.js';

const { monotonic } = sys;

type Make = (...args: unknown[]) => unknown;
type Record = (call: TracedCall, result: unknown, ...args: unknown[]) => void;

/** Starts to trace this thread. */
export function begin(options: TraceOptions, stop: number): void {
  new Tracer(options, stop).replace(sys);
}

class Tracer implements WaitTracer {
  /** The system calls as they are. */
  readonly sys: Sys = { ...sys };
  readonly interest = new Interest();
  readonly #origin = monotonic();
  readonly #names: FdNames;
  readonly #forms: Form[];
  readonly #pause: ((call: Call) => void) | undefined;
  /** Whether a form shows why a descriptor is ready. */
  readonly #wantsReasons: boolean;
  /** Whether the trace stands between what the program prints: the order must be right. */
  readonly #isOnStderr: boolean;
  /** The writer of the recording, where nothing else wants to know of the bytes that go over. */
  readonly #fastWriter: TraceWriter | undefined;
  /** The number of the last call. */
  readonly #number = new Float64Array(1);

  constructor(options: TraceOptions, stop: number) {
    const { program, trace, record, step } = options;
    this.#names = new FdNames(program, stop);
    this.#wantsReasons =
      record !== undefined || step !== undefined || (trace && trace.form !== 'strace') === true;
    this.#isOnStderr = trace?.fd === 2;
    const { forms, pause } = formsOf(options, this.sys, stop);
    this.#forms = forms;
    this.#pause = pause;
    if (record && forms.length === 1 && !this.#names.readsData) this.#fastWriter = forms[0]?.output;
    process.on('exit', () => {
      const tail: Tail = { ended: this.#secondsAt(monotonic()) };
      for (const form of this.#forms) if (form.tail) form.output.write(form.tail(tail));
      this.#flush();
    });
  }

  /** Puts the functions that record into the table. */
  replace(table: Sys): void {
    const functions = table as unknown as { [name: string]: unknown };
    const traced = { ...tracedWaits(this) } as { [name: string]: unknown };
    for (const [name, row] of SYSCALLS) {
      for (const [sysName, record] of Object.entries(row.sys)) {
        const make = functions[sysName] as Make | undefined;
        if (make && record !== 'in waits.ts')
          traced[sysName] = this.#traced(name, row, make, record as Record);
      }
    }
    if (this.#fastWriter) Object.assign(traced, this.#fastTransfers(this.#fastWriter));
    for (const [name, make] of Object.entries(traced)) if (functions[name]) functions[name] = make;
  }

  /** A call that does not wait for descriptors. */
  #traced(name: string, row: Row, make: Make, record: Record): Make {
    const { mayBlock, data } = row;
    const finish = this.#finisher(name, row, record);
    return (...args) => {
      if (mayBlock || (this.#isOnStderr && data === 'sent' && (args[0] as number) <= 2)) this.#flush();
      const begin = monotonic();
      const result = make(...args);
      return finish(begin, monotonic(), result, ...args);
    };
  }

  /** Records a call that has been made. */
  #finisher(name: string, row: Row, record: Record) {
    return <Result>(begin: number, end: number, result: Result, ...args: unknown[]): Result => {
      const call = this.newCall(name);
      call.at = this.#secondsAt(begin);
      call.took = rounded(end - begin);
      if (typeof result === 'number') {
        call.result = Math.max(result, -1);
        if (result < 0) call.errno = errnoName(result);
      }
      record(call, result, ...args);
      if (call.result >= 0) row.changes?.(this.interest, ...(args as number[]));
      this.#names.learn(call, row);
      this.#write(call);
      return result;
    };
  }

  /** The calls that a loop makes for each message: the addon itself writes their lines. */
  #fastTransfers(writer: TraceWriter): Pick<Sys, 'recv' | 'send'> {
    const finisher = (name: 'recv' | 'send'): RecordTransfer => {
      const row = rowOf(name);
      return this.#finisher(name, row, row.sys[name] as Record);
    };
    const record = { recv: finisher('recv'), send: finisher('send') };
    return writer.recordedTransfers(this.#number, this.#origin, record);
  }

  wait(call: Call, make: () => number, record: (result: number) => void): number {
    this.#addNames(call);
    for (const { output, beforeWait } of this.#forms) if (beforeWait) output.write(beforeWait(call));
    this.#flush();
    this.#pause?.(call);
    const begin = monotonic();
    const result = make();
    const end = monotonic();
    call.at = this.#secondsAt(begin);
    call.took = rounded(end - begin);
    call.result = Math.max(result, -1);
    if (result < 0) call.errno = errnoName(result);
    record(result);
    if (!('nfds' in call)) call.after ??= result < 0 ? call.waits : NOTHING_READY;
    if (this.#wantsReasons && call.after)
      call.why = reasonsFor(this.sys, this.#names.kinds, call, call.after);
    this.#write(call);
    if (this.#pause) this.#flush(); // before what the program prints
    return result;
  }

  nextNumber(): number {
    const n = (this.#number[0] as number) + 1;
    this.#number[0] = n;
    return n;
  }

  newCall(name: string): TracedCall {
    return new TracedCall(this.nextNumber(), name);
  }

  /** Adds the names that have changed since the call before. */
  #addNames(call: Call): void {
    const names = this.#names.takeChanges();
    if (names) call.names = { ...call.names, ...names };
  }

  #write(call: Call): void {
    this.#addNames(call);
    for (const form of this.#forms) form.write(call);
  }

  #flush(): void {
    for (const { output } of this.#forms) output.flush();
  }

  #secondsAt(time: number): number {
    return rounded(time - this.#origin);
  }
}

const NOTHING_READY = { readfds: null, writefds: null, exceptfds: null };

/** Seconds, to the microsecond. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
