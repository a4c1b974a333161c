/** Reads a recording; of a bad one it says which line is bad and why. */
import { readFileSync } from 'node:fs';
import { OSError } from '../../posix/errors.js';
import { UserError } from '../user-error.js';
import type { Call, Head } from './format.js';

export interface Recording {
  head: Head;
  /** Read one after the other; throws a UserError at a bad line. */
  calls: Iterable<Call>;
  /** What is missing at its end, in a sentence. */
  missing?: string;
}

/** Above the descriptors of every system. */
const FD_LIMIT = 2 ** 24;

/** @throws UserError */
export function read(file: string): Recording {
  const text = withLastNewline(contents(file));
  const whole = text.lastIndexOf('\n') + 1;
  const end = whole - tailOf(text.slice(0, whole)).length;
  const bad = (number: number, why: string) => new UserError(`${file}, line ${number}: ${why}`);
  if (text === '') throw bad(1, 'the file is empty');
  if (whole === 0) throw bad(1, 'it is not a recording, or it ends within its first line');

  const first = text.indexOf('\n') + 1;
  const head = parse(text.slice(0, first), 1, bad);
  if (head?.format !== 'posix-select recording')
    throw bad(1, 'it is not a recording; `posix-select --record <file> <program>` makes one');
  if (head.version !== 1) throw bad(1, `its version is ${head.version}; this posix-select plays version 1`);
  const wrong = wrongIn(head, HEAD);
  if (wrong) throw bad(1, `the recording's ${wrong}`);
  if (first >= end) throw bad(1, 'the recording ends before the first call');

  function* calls(): Generator<Call> {
    for (let begin = first, number = 2; begin < end; number++) {
      const next = text.indexOf('\n', begin) + 1;
      const call = parse(text.slice(begin, next), number, bad);
      const wrong = wrongInCall(call);
      if (wrong) throw bad(number, `the call's ${wrong}`);
      yield call;
      begin = next;
    }
  }
  const recording = { head, calls: calls() };
  if (whole < text.length)
    return { ...recording, missing: `the recording ends within line ${text.split('\n').length}` };
  if (end === whole)
    return { ...recording, missing: 'the end is missing: the program was killed, or was still running' };
  return recording;
}

/** The last line, if it is a recording's tail. */
function tailOf(text: string): string {
  const last = text.slice(text.lastIndexOf('\n', text.length - 2) + 1);
  return /^\{"ended":[\d.]+\}\s*$/.test(last) ? last : '';
}

/** An editor may have left the last line without its newline, or blank lines after it. */
function withLastNewline(text: string): string {
  const whole = text.trimEnd();
  try {
    JSON.parse(whole.slice(whole.lastIndexOf('\n') + 1));
    return `${whole}\n`;
  } catch {
    return text;
  }
}

function parse(line: string, number: number, bad: (number: number, why: string) => UserError) {
  try {
    return JSON.parse(line);
  } catch (err) {
    throw bad(number, `it is not JSON (${(err as Error).message.replaceAll('\n', '\\n')})`);
  }
}

function contents(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, ''); // Windows begins a file with it
  } catch (err) {
    const failure = OSError.from(err, file);
    throw new UserError(failure instanceof OSError ? failure.message : `${file}: ${(err as Error).message}`);
  }
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

const HEAD = { program: text, args: listOf(text), platform: text, began: text };
const SETS = { readfds: set, writefds: set, exceptfds: set };
const WHY = having({ fd: either(nothing, descriptor), sentence: text });
const CALL = {
  call: text,
  at: number,
  took: number,
  result: number,
  errno: optional(text),
  names: optional((names) => object(names) && Object.values(names).every(either(text, nothing))),
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
