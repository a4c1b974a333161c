/** What a trace records: an object for each system call. A recording is a head, the calls, and a tail, a JSON line each. */

import type { Address } from '../../posix/sockaddr.js';

/** The first line of a recording. */
export interface Head {
  format: 'posix-select recording';
  version: 1;
  /** as on the command line: `select-server` */
  program: string;
  args: string[];
  /** as `process.platform` */
  platform: string;
  /** ISO 8601 */
  began: string;
}

/** The last line of a recording: without it the program was killed, or still runs. */
export interface Tail {
  /** seconds from the beginning */
  ended: number;
}

interface Made {
  /** its place among the calls, from 1 */
  n: number;
  /** seconds from the head to the call */
  at: number;
  /** seconds that it took */
  took: number;
  /** what the call returned; -1 where it failed */
  result: number;
  /** the name of the error, where it failed: `EBADF` */
  errno?: string;
  /** What descriptors are now called, where that has changed: `{ "5": "listener" }`; null for one that is closed. */
  names?: Record<string, string | null>;
}

/** Why a descriptor is ready; without one, why the wait ended: the timeout, a signal, an error. */
export interface Why {
  fd: number | null;
  set: 'read' | 'write' | 'except' | null;
  sentence: string;
}

/** Descriptors in ascending order; null for no set. */
export interface Sets {
  readfds: number[] | null;
  writefds: number[] | null;
  exceptfds: number[] | null;
}

/** select(2): the sets as lists of descriptors in ascending order, null for C's NULL. */
export interface SelectCall extends Made, Sets {
  call: 'select';
  nfds: number;
  /** seconds; null waits for ever */
  timeout: number | null;
  /** what was left in the sets; as they were where the call failed */
  after: Sets;
  /** seconds of the timeout that were left, where the system tells (Linux) */
  left?: number;
  /** A sentence for each ready descriptor, and for the timeout or signal that ended the wait. */
  why?: Why[];
}

/** Any other call. */
export interface OtherCall extends Made {
  call: string;
  /** the descriptor it was made on */
  fd?: number;
  /** accept, connect, bind, sendto, recvfrom: `['127.0.0.1', 3490]`, or a path */
  address?: Address;
  /** recv, send, read, write: bytes asked for */
  length?: number;
  flags?: number;
  /** recv, send, read, write: the bytes that went over, base64, at most the first 4096 */
  data?: string;
  /** the other arguments, in their order, as strace would show them: `SOL_SOCKET`, `SO_REUSEADDR`, `[1]` */
  rest?: string[];
  /** send, write: where not all of them went over, the first bytes asked for, base64 */
  asked?: string;
  /** behind the result, as strace would show it: `flags O_RDWR|O_NONBLOCK` */
  note?: string;

  /** poll, epoll_wait, kevent: what is waited for, in select's terms */
  waits?: Sets;
  /** seconds; null waits for ever */
  timeout?: number | null;
  /** what is ready, in select's terms; as `waits` where the call failed */
  after?: Sets;
  why?: Why[];
}

export type Call = SelectCall | OtherCall;

export const FORMS = ['strace', 'explain', 'json'] as const;

/** What the main thread hands over; descriptors are open ones. */
export interface TraceOptions {
  program: string;
  args: string[];
  /** Shows the calls in a form. */
  trace?: { form: (typeof FORMS)[number]; fd: number; name: string };
  /** Writes a recording. */
  record?: { fd: number; name: string };
  /** A terminal: waits for Enter before each wait. */
  step?: number;
}
