/** Calls that a signal has interrupted: where no handler ran, the kernel makes them again, and to the program they are one. */
import type { TimedCall } from './join.js';

/** Signals that end no program where there is no handler. */
const HARMLESS = /^SIG(CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|WINCH)$/;

/** A signal that came, and when. */
export interface Signal {
  name: string;
  time: number;
}

/** A call, when it ended, and the signals that came within it. */
export interface Returned {
  call: TimedCall;
  end: number;
  signals: Signal[];
}

export class Restarts {
  /** Calls that have not come back to the program yet. */
  readonly #interrupted = new Map<number, Returned>();
  /** Whether the log shows it when a handler has run. */
  #showsHandlers: boolean;

  constructor(showsHandlers: boolean) {
    this.#showsHandlers = showsHandlers;
  }

  /** A signal to a thread. @returns whether it came within a call that was interrupted: then it comes after that */
  signal(tid: number, signal: Signal): boolean {
    return this.#interrupted.get(tid)?.signals.push(signal) !== undefined;
  }

  /** A call that strace shows as over. @param end now @returns what has come back to the program by now */
  call(tid: number, call: TimedCall, end: number): Returned[] {
    const { name, errno } = call.parsed;
    this.#showsHandlers ||= name === 'rt_sigaction' || name === 'rt_sigreturn';
    const before = this.#interrupted.get(tid);
    this.#interrupted.delete(tid);
    const isOne = before !== undefined && this.#isAgain(before, call);
    const last = isOne
      ? { call: joined(before.call, call), end, signals: before.signals }
      : { call, end, signals: [] };
    const returned = before && !isOne ? [before] : [];
    if (!errno?.startsWith('ERESTART')) return [...returned, last];
    this.#interrupted.set(tid, last);
    return returned;
  }

  /** The thread, or the log, is over: its call has not been made again. */
  end(tid: number): Returned[] {
    const last = this.#interrupted.get(tid);
    this.#interrupted.delete(tid);
    return last ? [last] : [];
  }

  tids(): number[] {
    return [...this.#interrupted.keys()];
  }

  #isAgain({ call: { parsed: before }, signals }: Returned, { parsed }: TimedCall): boolean {
    if (parsed.name === 'restart_syscall') return true;
    if (parsed.name !== before.name || askedIn(parsed) !== askedIn(before)) return false;
    return this.#showsHandlers || signals.every(({ name }) => HARMLESS.test(name));
  }
}

/** The arguments that stay the same when a call is made again: not its buffer, which is filled by then, nor its timeout. */
function askedIn({ name, args }: TimedCall['parsed']): string {
  return args.slice(0, /select/.test(name) ? 4 : 1).join();
}

/** One call of the two; its timeout is that of the first time. */
function joined({ parsed: first, time: begin }: TimedCall, { parsed: again, time }: TimedCall): TimedCall {
  const isNamed = again.name === first.name;
  const args = isNamed ? [...again.args] : first.args;
  if (isNamed && /select/.test(first.name) && first.args[4] !== undefined) args[4] = first.args[4];
  const took = again.took === undefined ? undefined : time - begin + again.took;
  return { parsed: { ...again, name: first.name, args, took }, time: begin };
}
