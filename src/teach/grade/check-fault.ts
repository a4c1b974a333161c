/** Faults of a check itself: a teacher wrote it. They are told with their place, and never cost or give points. */
import { basename } from 'node:path';
import { NotGraded } from './failure.js';
import { type Check, kindOf } from './rubric.js';
import type { Run } from './run.js';

/** What a check has called on its run: a promise that is to be awaited. */
interface Call {
  name: string;
  /** where it was called */
  at: Error;
  /** the check's line and part */
  where: string;
}

/** By the promise that the check was given: a rejection that nobody handles is told with its place. */
const calls = new WeakMap<object, Call>();

/** A place in these tells a teacher nothing: the checks of the package's assignments are the only ones of it that do. */
const DIST = new URL('../..', import.meta.url).href;
const isOwn = (file: string) =>
  /\/teach\/grade\/[\w-]+\.js$/.test(file) || // of another installation, which checks.js may import
  (file.startsWith(DIST) && !file.startsWith(`${DIST}teach/assignments/`));

/** The place in a teacher's file, as `checks.js:12`; undefined where there is none. */
export function placeOf(err: unknown): string | undefined {
  const stack = err instanceof Error ? (err.stack ?? '') : '';
  const frames = [...stack.matchAll(/(file:\/\/\/\S+?):(\d+)(?=:\d+\)?$|$)/gm)];
  const frame = frames.find(([, file = '']) => !isOwn(file));
  return frame && `${basename(decodeURI(frame[1] ?? ''))}:${frame[2]}`;
}

/** What is wrong, with its place: `ReferenceError: x is not defined (checks.js:12)`. */
export function described(err: unknown, at: unknown = err): string {
  const what = !(err instanceof Error)
    ? `it threw ${typeof err === 'string' ? JSON.stringify(err) : String(err)}`
    : err.name === 'Error'
      ? err.message
      : `${err.name}: ${err.message}`;
  const place = placeOf(at);
  return place === undefined ? what : `${what} (${place})`;
}

/** @param where the line of the rubric, and the part */
export const checkFault = (where: string, what: string) =>
  new NotGraded(`the check of ${where} is wrong: ${what}`);

/**
 * Calls a check and makes sure that it has done all that it began: what is not awaited would fail unseen.
 *
 * @returns what the check returned, if that is evidence
 * @throws what the check throws; NotGraded when it is wrong
 */
export async function evidenceOf(check: Check, run: Run, where: string): Promise<string> {
  const pending = new Map<Promise<unknown>, Call>();
  const result: unknown = await check(observed(run, where, pending));
  const [left] = pending;
  if (left) {
    for (const promise of pending.keys()) promise.catch(() => {});
    throw notAwaited(left[1]);
  }
  if (typeof result === 'string') return result;
  if (result === undefined && run.evidence !== '') return run.evidence;
  throw checkFault(where, notEvidence(result));
}

/** What is said of an error that nobody handled: the stack where it is none of a teacher's. @param promise that was rejected */
export function unhandled(err: unknown, promise?: object): string {
  const call = promise && calls.get(promise);
  if (call) return notAwaited(call).message;
  const what = 'what a check has begun has failed, and no check awaits it';
  if (placeOf(err) === undefined && err instanceof Error) return err.stack ?? err.message;
  return `${what}: ${described(err)}`;
}

function notAwaited({ name, at, where }: Call): NotGraded {
  const what =
    name === 'fail'
      ? 'run.fail() must be returned: return run.fail({ … })'
      : `run.${name}() must be awaited or returned`;
  return checkFault(where, described(new Error(what), at));
}

function notEvidence(result: unknown): string {
  if (result === undefined)
    return 'it returned nothing, and nothing had been seen: it must return the evidence, or run.fail({ … })';
  if (typeof result === 'function')
    return 'it returned a function: such a check must be called where the part is made, as part(1, afterData())';
  return `it returned ${kindOf(result)}: it must return the evidence as a string, or run.fail({ … })`;
}

/** The run, which remembers what has been called on it and has not come to its end. */
function observed(run: Run, where: string, pending: Map<Promise<unknown>, Call>): Run {
  return new Proxy(run, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const result: unknown = value.apply(target, args);
        if (!(result instanceof Promise)) return result;
        const given: Promise<unknown> = result.finally(() => pending.delete(given));
        const call = { name: String(name), at: new Error(), where };
        calls.set(given, call);
        pending.set(given, call);
        return given;
      };
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}
