/** Calls that strace(1) shows on several lines: unfinished and resumed, or with the program's own output in between. */
import { type ParsedCall, parseCall, parseUnfinished, withoutUnfinished } from './syntax.js';

/** Lines that one call may be spread over: the program may print in its midst. */
const MAX_PIECES = 20;

/** The beginning of a call whose end is on a later line. */
interface Begun {
  text: string;
  time: number;
  pieces: number;
}

/** A call, and the time at which it began. */
export interface TimedCall {
  parsed: ParsedCall;
  time: number;
}

export class LineJoiner {
  /** Lines that could not be read. */
  unreadable = 0;
  readonly #begun = new Map<number, Begun>();

  /** @returns the call that is whole with this line */
  line(tid: number, text: string, time: number): TimedCall | undefined {
    const [resumed] = /^<\.\.\. (\w+) resumed> ?/.exec(text) ?? [];
    if (resumed !== undefined) return this.#resumed(tid, text.slice(resumed.length));
    const unfinished = withoutUnfinished(text);
    if (unfinished !== null) {
      this.#begun.set(tid, { text: unfinished, time, pieces: 1 });
      return undefined;
    }
    const parsed = parseCall(text);
    if (!parsed) return this.#piece(tid, text, time);
    this.#begun.delete(tid);
    return { parsed, time };
  }

  /** The threads that are within a call. */
  tids(): number[] {
    return [...this.#begun.keys()];
  }

  /** A call that has begun and not ended. */
  find(pattern: RegExp): { tid: number; text: string } | undefined {
    for (const [tid, { text }] of this.#begun) if (pattern.test(text)) return { tid, text };
    return undefined;
  }

  /** The call that a thread is within; it has no end. */
  cutOff(tid: number): TimedCall | undefined {
    const begun = this.#begun.get(tid);
    const parsed = begun && parseUnfinished(begun.text);
    this.#begun.delete(tid);
    return begun && parsed ? { parsed, time: begun.time } : undefined;
  }

  #resumed(tid: number, rest: string): TimedCall | undefined {
    const begun = this.#begun.get(tid);
    // Without a beginning the log begins within the call; with another name, restart_syscall stands for it.
    if (!begun) {
      this.unreadable++;
      return undefined;
    }
    const unfinished = withoutUnfinished(rest);
    const joined = begun.text + (unfinished ?? rest);
    const parsed = unfinished === null ? parseCall(joined) : parseUnfinished(joined);
    if (!parsed) {
      this.#begun.set(tid, { ...begun, text: joined });
      return undefined;
    }
    this.#begun.delete(tid);
    return { parsed, time: begun.time };
  }

  /** A line that is no whole call: the first part of one, or a further one, between what the program prints. */
  #piece(tid: number, text: string, time: number): TimedCall | undefined {
    const begun = this.#begun.get(tid);
    const parsed = begun && parseCall(begun.text + text);
    if (begun && parsed) {
      this.#begun.delete(tid);
      return { parsed, time: begun.time };
    }
    if (/^[a-z_]\w*\(/.test(text)) {
      if (begun) this.unreadable++;
      const end = text.indexOf('strace: Process ');
      this.#begun.set(tid, { text: end < 0 ? text : text.slice(0, end), time, pieces: 1 });
    } else if (begun && begun.pieces < MAX_PIECES) {
      begun.pieces++;
    } else {
      this.unreadable++;
    }
    return undefined;
  }
}
