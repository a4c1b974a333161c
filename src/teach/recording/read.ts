/** Reads a recording, line by line; of a bad one it says which line is bad and why. */
import { OSError } from '../../posix/errors.js';
import { UserError } from '../user-error.js';
import type { Call, Head } from './format.js';
import { type FileLine, linesOf } from './lines.js';

export interface Recording {
  head: Head;
  /** Read one after the other; throws a UserError at a bad line. */
  calls: Iterable<Call>;
  /** What is to be said about the recording, once its calls have been read: what is missing in it. */
  notes(): string[];
}

/** A call, and where its line begins: bytes from the beginning of the file. */
export interface Entry {
  call: Call;
  offset: number;
}

/** Above the descriptors of every system. */
const FD_LIMIT = 2 ** 24;

/** @throws UserError */
export function read(file: string): Recording {
  const reader = new Reader(file);
  function* calls(): Generator<Call> {
    for (const { call } of reader.entries()) yield call;
  }
  return { head: reader.head, calls: calls(), notes: () => reader.notes };
}

/** Whether a file is a recording and not something else: its first line is an object. */
export function isRecording(file: string): boolean {
  for (const { text } of lines(file)) {
    const line = text.trim();
    if (line !== '') return line.startsWith('{');
  }
  return true;
}

/** Reads a recording once, from its beginning. */
export class Reader {
  readonly head: Head;
  readonly notes: string[] = [];
  readonly #file: string;
  readonly #lines: Generator<FileLine>;
  #number = 1;
  #first: Entry | undefined;

  /** @throws UserError where the file has no head or no call */
  constructor(file: string) {
    this.#file = file;
    this.#lines = lines(file);
    const { value } = this.#lines.next() as IteratorResult<FileLine, undefined>;
    if (!value) throw this.#bad('the file is empty');
    this.head = this.#head(value);
    this.#first = this.#next();
    if (!this.#first) throw this.#bad('the recording ends before the first call', 1);
  }

  *entries(): Generator<Entry> {
    for (let entry = this.#first; entry; entry = this.#next()) yield entry;
  }

  #head({ text, isWhole }: FileLine): Head {
    if (!isWhole && !isJson(text)) throw this.#bad('it is not a recording, or it ends within its first line');
    const head = this.#parse(text.replace(/^\uFEFF/, '')); // Windows begins a file with it
    if (head?.format !== 'posix-select recording')
      throw this.#bad('it is not a recording; `posix-select record -- <command>` makes one');
    if (head.version !== 1 && head.version !== 2)
      throw this.#bad(`its version is ${head.version}; this posix-select plays versions 1 and 2`);
    const wrong = wrongIn(head, HEAD);
    if (wrong) throw this.#bad(`the recording's ${wrong}`);
    return head;
  }

  /** The next call; undefined at the end, which is noted where it is not a recording's. */
  #next(): Entry | undefined {
    const { value: line } = this.#lines.next() as IteratorResult<FileLine, undefined>;
    if (!line) {
      this.notes.push('the end is missing: the program was killed, or was still running');
      return undefined;
    }
    this.#number++;
    if (line.text.trim() === '' && this.#isBlankToEnd()) return this.#next();
    if (!line.isWhole && !isJson(line.text)) {
      this.notes.push(`the recording ends within line ${this.#number}`);
      return undefined;
    }
    const call = this.#parse(line.text);
    if (isTail(call)) return undefined;
    const wrong = wrongInCall(call);
    if (wrong) throw this.#bad(`the call's ${wrong}`);
    return { call, offset: line.offset };
  }

  /** An editor may have left blank lines at the end. */
  #isBlankToEnd(): boolean {
    for (const { text } of this.#lines) if (text.trim() !== '') return false;
    return true;
  }

  #parse(text: string) {
    try {
      return JSON.parse(text);
    } catch (err) {
      throw this.#bad(`it is not JSON (${(err as Error).message.replaceAll('\n', '\\n')})`);
    }
  }

  #bad(why: string, number = this.#number): UserError {
    return new UserError(`${this.#file}, line ${number}: ${why}`);
  }
}

/** @throws UserError where the file cannot be read */
export function* lines(file: string, encoding?: BufferEncoding, offset?: number): Generator<FileLine> {
  try {
    yield* linesOf(file, encoding, offset);
  } catch (err) {
    const failure = OSError.from(err, file);
    if (failure instanceof OSError) throw new UserError(failure.message);
    throw err;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isTail(value: unknown): boolean {
  return object(value) && 'ended' in value && !('call' in value);
}

type Is = (value: unknown) => boolean;

const text: Is = (value) => typeof value === 'string';
const number: Is = (value) => typeof value === 'number';
const listOf =
  (is: Is): Is =>
  (value) =>
    Array.isArray(value) && value.every(is);
const either =
  (...kinds: Is[]): Is =>
  (value) =>
    kinds.some((is) => is(value));
const optional = (is: Is) => either((value) => value === undefined, is);
const nothing: Is = (value) => value === null;
const descriptor: Is = (value) => Number.isInteger(value) && Math.abs(value as number) < FD_LIMIT;
const set = either(
  nothing,
  listOf((fd) => descriptor(fd) && (fd as number) >= 0),
);
const isAddress: Is = (value) => Array.isArray(value) && text(value[0]) && number(value[1]);
const object = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const having =
  (kinds: Record<string, Is>): Is =>
  (value) =>
    object(value) && wrongIn(value, kinds) === undefined;

const HEAD = {
  program: text,
  args: listOf(text),
  platform: text,
  began: text,
  commands: optional((commands) => object(commands) && Object.values(commands).every(listOf(text))),
};
const SETS = { readfds: set, writefds: set, exceptfds: set };
const WHY = having({ fd: either(nothing, descriptor), sentence: text });
const CALL = {
  call: text,
  at: number,
  took: number,
  result: number,
  errno: optional(text),
  pid: optional(number),
  tid: optional(number),
  names: optional((names) => object(names) && Object.values(names).every(either(text, nothing))),
  ends: optional((ends) => object(ends) && Object.values(ends).every(listOf(text))),
  why: optional(listOf(WHY)),
  timeout: optional(either(nothing, number)),
};
const SELECT = { ...CALL, ...SETS, nfds: descriptor, after: having(SETS) };
const OTHER = {
  ...CALL,
  fd: optional(descriptor),
  address: optional(either(text, isAddress)),
  length: optional(number),
  flags: optional(number),
  data: optional(text),
  asked: optional(text),
  rest: optional(listOf(text)),
  note: optional(text),
  waits: optional(having(SETS)),
  after: optional(having(SETS)),
};

function wrongInCall(call: unknown): string | undefined {
  if (!object(call)) return 'object is missing';
  return wrongIn(call, (call as Call).call === 'select' ? SELECT : OTHER);
}

/** The first field that is not what it must be. */
function wrongIn(value: object, kinds: Record<string, Is>): string | undefined {
  for (const [name, is] of Object.entries(kinds)) {
    const field = (value as Record<string, unknown>)[name];
    if (!is(field)) return `"${name}" is ${field === undefined ? 'missing' : 'wrong'}`;
  }
  return undefined;
}
