/**
 * Records the system calls of a loop: on the loop's thread, the functions of the table `sys` are replaced by
 * ones that make the call and record it. Without a trace nothing is replaced.
 */
import { type Sys, sys } from '../../posix/sys.js';
import type { Call, Tail, TraceOptions } from '../recording/format.js';
import { errnoName } from './constants.js';
import { FdNames } from './fd-names.js';
import { type Form, formsOf } from './forms.js';
import { Interest } from './interest.js';
import { reasonsFor } from './readiness.js';
import type { Row } from './row.js';
import { SYSCALLS } from './syscalls.js';
import { TracedCall } from './traced-call.js';
import { tracedWaits, type WaitTracer } from './waits.js';

/** `performance` itself is looked up at each use. */
const clock = performance;

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
  readonly #origin = clock.now();
  readonly #names: FdNames;
  readonly #forms: Form[];
  readonly #pause: ((call: Call) => void) | undefined;
  /** Whether a form shows why a descriptor is ready. */
  readonly #wantsReasons: boolean;
  /** Whether the trace stands between what the program prints: the order must be right. */
  readonly #isOnStderr: boolean;
  #n = 0;

  constructor(options: TraceOptions, stop: number) {
    const { program, trace, record, step } = options;
    this.#names = new FdNames(program, stop);
    this.#wantsReasons =
      record !== undefined || step !== undefined || (trace && trace.form !== 'strace') === true;
    this.#isOnStderr = trace?.fd === 2;
    const { forms, pause } = formsOf(options, this.sys, stop);
    this.#forms = forms;
    this.#pause = pause;
    process.on('exit', () => {
      const tail: Tail = { ended: this.#secondsAt(clock.now()) };
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
    for (const [name, make] of Object.entries(traced)) if (functions[name]) functions[name] = make;
  }

  /**
   * A call that does not wait for descriptors. The first two functions are alike on purpose: a loop has one call that
   * receives and one that sends, and V8 is faster where a line of code always calls the same function. Such calls
   * have five arguments at most, and change no set that the kernel keeps.
   */
  #traced(name: string, row: Row, make: Make, record: Record): Make {
    if (row.data === 'received')
      return (a, b, c, d, e) => {
        const call = this.#begun(name, row, a);
        const begin = clock.now();
        const result = make(a, b, c, d, e);
        this.#ended(call, begin, clock.now(), result);
        record(call, result, a, b, c, d, e);
        return this.#recorded(call, row, result);
      };
    if (row.data === 'sent')
      return (a, b, c, d, e) => {
        const call = this.#begun(name, row, a);
        const begin = clock.now();
        const result = make(a, b, c, d, e);
        this.#ended(call, begin, clock.now(), result);
        record(call, result, a, b, c, d, e);
        return this.#recorded(call, row, result);
      };
    return (...args) => {
      const call = this.#begun(name, row, args[0]);
      const begin = clock.now();
      const result = make(...args);
      this.#ended(call, begin, clock.now(), result);
      record(call, result, ...args);
      if (call.result >= 0) row.changes?.(this.interest, ...(args as number[]));
      return this.#recorded(call, row, result);
    };
  }

  #begun(name: string, { mayBlock, data }: Row, fd: unknown): TracedCall {
    if (mayBlock || (this.#isOnStderr && data === 'sent' && (fd as number) <= 2)) this.#flush();
    return this.newCall(name);
  }

  #ended(call: TracedCall, begin: number, end: number, result: unknown): void {
    call.at = this.#secondsAt(begin);
    call.took = rounded((end - begin) / 1000);
    if (typeof result === 'number') call.result = Math.max(result, -1);
    if (call.result < 0) call.errno = errnoName(result as number);
  }

  #recorded(call: TracedCall, row: Row, result: unknown): unknown {
    this.#names.learn(call, row);
    this.#write(call);
    return result;
  }

  wait(call: Call, make: () => number, record: (result: number) => void): number {
    this.#addNames(call);
    for (const { output, beforeWait } of this.#forms) if (beforeWait) output.write(beforeWait(call));
    this.#flush();
    this.#pause?.(call);
    const begin = clock.now();
    const result = make();
    const end = clock.now();
    call.at = this.#secondsAt(begin);
    call.took = rounded((end - begin) / 1000);
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
    return ++this.#n;
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

  #secondsAt(timeMs: number): number {
    return rounded((timeMs - this.#origin) / 1000);
  }
}

const NOTHING_READY = { readfds: null, writefds: null, exceptfds: null };

/** Seconds, to the microsecond. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
