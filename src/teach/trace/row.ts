/** What the tools know of a system call: the type of a row of the table in syscalls.ts. */
import type { Sys, Waits } from '../../posix/sys.js';
import type { OtherCall } from '../recording/format.js';
import type { Interest } from './interest.js';
import type { TracedCall } from './traced-call.js';

/** The functions of `Sys` that wait for descriptors: waits.ts records them. */
export type WaitName = keyof Waits;

/** What `Sys` has beside the system calls that a loop makes. */
type NotTraced =
  | 'constants'
  | 'strerror'
  | 'gaiError'
  | 'getaddrinfo'
  | 'gethostname'
  | 'inet_pton'
  | 'inet_ntop'
  | 'untilHangUp'
  | '_exit'
  | 'adoptOrphans'
  | 'reap'
  | 'openpty'
  | 'fionread'
  | 'pollUnread'
  | 'siocoutq'
  | 'dup2'
  | 'closeAtEnd'
  | 'isatty'
  | 'monotonic'
  | 'recordedTransfers'
  | 'kevent';

/** The functions of `Sys` that are system calls of a loop: each must be in one row. */
export type TracedName = Exclude<keyof Sys, NotTraced>;

/** Writes the arguments of a function of `Sys` into the record of the call, and the result where it is no number. */
type Recorder<Name extends TracedName> = (
  call: TracedCall,
  result: ReturnType<NonNullable<Sys[Name]>>,
  ...args: Parameters<NonNullable<Sys[Name]>>
) => void;

/** What a descriptor is. */
export type Kind = 'stop' | 'listener' | 'conn' | 'connecting' | 'stream';

/** Where a row says what it has learned of a descriptor. */
export interface Learner {
  name(fd: number, name: string, kind: Kind): void;
  /** A descriptor is a copy of another one. */
  copy(from: number, to: number): void;
  /** The descriptor is closed. */
  forget(fd: number): void;
  /** Bytes went over it: they may hold a user's name. */
  transferred(call: OtherCall, fd: number): void;
}

/** The parts of a sentence about a call. */
export interface Parts {
  /** the call's descriptor by number and name: `5 listener` */
  fd: string;
  /** the call's address; empty for none */
  address: string;
  /** what went over: `5 bytes b'hello'`, `3 of 5 bytes b'hel'` */
  bytes: string;
}

export interface Row {
  /** The functions of `Sys` that make this call, each with what records it; none for a call that we never make. */
  sys: { [Name in Exclude<TracedName, WaitName>]?: Recorder<Name> } & { [Name in WaitName]?: 'in waits.ts' };
  /** Whether our loops make it where it may block: what has been traced is written before. */
  mayBlock: boolean;
  /** Whether its result is a new descriptor. */
  makesFd: boolean;
  /** Its address: given to the kernel, or filled in by it. */
  address: 'given' | 'filled in' | null;
  /** Its bytes. */
  data: 'received' | 'sent' | null;
  /** What strace(1) writes behind a result of 0. */
  zero: 'Timeout' | null;
  /** A call that succeeded, in a sentence; null where the notation of strace(1) is the best. */
  sentence: ((call: OtherCall, parts: Parts) => string) | null;
  /** What its everyday errors mean. */
  errors: Readonly<Record<string, string>>;
  /** What it teaches of a descriptor. */
  learn: ((learner: Learner, call: OtherCall, fd: number) => void) | null;
  /** What it changes in the sets that the kernel keeps; takes the arguments of the function of `Sys`. */
  changes: ((interest: Interest, ...args: number[]) => void) | null;
}
