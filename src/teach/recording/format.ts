/** A recording: a head, the calls and a tail, each a line of JSON. */

import type { TextAddress } from '../../posix/sockaddr.js';

/** The first line of a recording. */
export interface Head {
  format: 'posix-select recording';
  /** Version 1 has one process and one thread. */
  version: 1 | 2;
  /** as on the command line: `select-server` */
  program: string;
  args: string[];
  /** as `process.platform` */
  platform: string;
  /** ISO 8601; empty where it is not known */
  began: string;
  /** the process and the thread of the calls that name none */
  pid?: number;
  /** the command lines of processes that ran before the recording, by number */
  commands?: Record<string, string[]>;
  /** no times were recorded: `at` counts the calls */
  isUntimed?: boolean;
}

/** The last line of a recording. It is missing where the program was killed, or still runs. */
export interface Tail {
  /** seconds from the beginning */
  ended: number;
}

/** What every call has. */
interface CallBase {
  /** its number, from 1 */
  n: number;
  /** the process, where a recording has several: a descriptor belongs to it */
  pid?: number;
  /** the thread, where it is not the first one of its process */
  tid?: number;
  /** it had not returned when the recording ended */
  isUnfinished?: boolean;
  /** seconds from the head to the call */
  at: number;
  /** seconds from the call to its return */
  took: number;
  /** what the call returned; -1 where it failed */
  result: number;
  /** the name of the error, where it failed: `EBADF` */
  errno?: string;
  /** What descriptors are now called, where that has changed: `{ "5": "listener" }`; null for one that is closed. */
  names?: Record<string, string | null>;
  /**
   * The ends of connections and pipes, where a call shows them for the first time: `{ "5": ["127.0.0.1:50312",
   * "127.0.0.1:3490"] }`. Another process with the same two the other way round has the other end. An end whose address
   * the calls do not show has a name instead: `connect 12 1`, the first one of process 12.
   */
  ends?: Record<string, Ends>;
}

/** The own end of a connection, and the peer's. */
export type Ends = [own: string, peer: string];

/** Why a descriptor is ready; without one, why the wait ended: the timeout, a signal, an error. */
export interface Reason {
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
export interface SelectCall extends CallBase, Sets {
  call: 'select';
  nfds: number;
  /** seconds; null waits for ever */
  timeout: number | null;
  /** the sets after the call; as before it where it failed */
  after: Sets;
  /** seconds of the timeout that were left, where the system reports them (Linux) */
  left?: number;
  /** A sentence for each ready descriptor, and for the timeout or signal that ended the wait. */
  why?: Reason[];
}

/** Any other call. */
export interface OtherCall extends CallBase {
  call: string;
  /** the descriptor it was made on */
  fd?: number;
  /** accept, connect, bind, sendto, recvfrom: `['127.0.0.1', 3490]`, or a path */
  address?: TextAddress;
  /** recv, send, read, write: bytes asked for */
  length?: number;
  flags?: number;
  /** recv, send, read, write: the bytes that were transferred, base64, at most the first 4096 */
  data?: string;
  /** the other arguments, in their order, as strace would show them: `SOL_SOCKET`, `SO_REUSEADDR`, `[1]` */
  rest?: string[];
  /** send, write: where not all bytes were transferred, the first of those asked for, base64 */
  asked?: string;
  /** behind the result, as strace would show it: `flags O_RDWR|O_NONBLOCK` */
  note?: string;

  /** poll, epoll_wait, kevent: what is waited for, in select's terms */
  waits?: Sets;
  /** seconds; null waits for ever */
  timeout?: number | null;
  /** what is ready, in select's terms; as `waits` where the call failed */
  after?: Sets;
  why?: Reason[];
}

export type Call = SelectCall | OtherCall;

export const FORMS = ['strace', 'explain', 'json'] as const;

export type Form = (typeof FORMS)[number];

/** What is to be traced and where to: from the main thread to the worker. The descriptors are open. */
export interface TraceOptions {
  program: string;
  args: string[];
  /** Shows the calls in a form. */
  trace?: { form: Form; fd: number; name: string };
  /** Writes a recording. */
  record?: { fd: number; name: string };
  /** A terminal: waits for Enter before each wait. */
  step?: number;
}
