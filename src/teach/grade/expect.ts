/** What a check expects of a program: that it prints a line, that a client receives a text. */

import type { Client } from './client.js';
import { cut } from './complaint.js';
import { fail } from './fault.js';
import { HINTS, hintForCall } from './hints.js';
import type { Running } from './running.js';
import { asSeen, compare, type Deviation, nearest, partAt, withoutEnds } from './text-match.js';

/** Bytes that a reader wants to see. */
const MAX_SHOWN_BYTES = 200;

/** Bytes in which a right text is looked for that has something around it: in megabytes that would take minutes. */
const MAX_COMPARED_BYTES = 10_000;

/** Samples for which something better than a near text is waited for. */
const NEAR_SAMPLES = 10;

export interface PrintOptions {
  /** the evidence, when it has been printed in another form that is right */
  orElse?: () => string | false | undefined;
  /** the signs are what the check is about: no other text is near */
  exactly?: boolean;
}
/** A hint may depend on what the program does when the line has not come. */
export type PrintsArgs = [text: string | string[], hint: string | (() => string), options?: PrintOptions];

/** The program prints a line. Of several texts any is right, and the first is shown. @throws Failure */
export async function prints(
  run: Running,
  ...[text, hint, { orElse, exactly } = {}]: PrintsArgs
): Promise<string> {
  const texts = [text].flat();
  const [expected = ''] = texts;
  const lines = () => [...run.program.lines, run.program.unfinishedLine];
  const near = await untilNear(run, () => {
    const other = orElse?.();
    if (other) return other;
    if (exactly)
      return run.program.lines.some((line) => texts.includes(asSeen(line))) ? { seen: expected } : undefined;
    return (
      best(texts, run.program.lines) ??
      best(texts, [run.program.unfinishedLine], true) ??
      onStderr(texts, run.program.stderr.split('\n'))
    );
  });
  if (typeof near === 'string') return run.saw(near);
  if (near) {
    if ('key' in near) run.deviations.push(near, ...(near.also ? [near.also] : []));
    return run.saw(`it printed: ${cut(near.seen)}`);
  }
  return fail(
    run,
    {
      expected: `it prints ${expected}`,
      ...missed(expected, lines(), typeof hint === 'string' ? hint : hint()),
    },
    { missing: expected },
  );
}

/** What was printed instead, with a hint that fits. */
function missed(expected: string, lines: string[], hint: string): { seen: string; hint: string } {
  const printed = lines.filter((line) => asSeen(line) !== '');
  if (printed.length === 0) return { seen: 'it printed nothing', hint: HINTS.nothingPrinted };
  const line = nearest(expected, printed);
  const last = asSeen(printed.at(-1) ?? '');
  if (line === undefined) return { seen: `the last line that it printed: ${cut(last)}`, hint };
  return { seen: `it printed: ${cut(line)}`, hint };
}

interface Near {
  seen: string;
}

/** The line that comes nearest to one of the texts, if it is near enough. @param isUnfinished that it has no newline */
function best(texts: string[], lines: string[], isUnfinished = false): Near | Deviation | undefined {
  let deviation: Deviation | undefined;
  for (const line of lines) {
    for (const text of texts) {
      const found = compare(text, line);
      if (found === 'same' && !isUnfinished) return { seen: text };
      if (found === 'same')
        return { expected: text, seen: text, what: 'no newline at its end', key: 'newline' };
      deviation ??= found;
    }
  }
  return deviation;
}

function onStderr(texts: string[], lines: string[]): Deviation | undefined {
  const found = best(texts, lines);
  if (!found) return undefined;
  const slip = {
    expected: texts[0] ?? '',
    seen: found.seen,
    what: HINTS.stderr,
    key: 'stderr',
    isNoText: true,
  };
  return 'key' in found ? { ...slip, also: found } : slip;
}

/** Waits for what is right; for what is near only when nothing better comes. */
async function untilNear<T extends string | Near>(
  run: Running,
  look: () => T | Deviation | undefined,
): Promise<T | Deviation | undefined> {
  let near: T | Deviation | undefined;
  let samples = 0;
  const right = await run.until(() => {
    const found = look();
    near = found ?? near;
    const isNear = typeof found === 'object' && 'key' in found;
    if (isNear && ++samples <= NEAR_SAMPLES) return undefined;
    return found;
  });
  return right ?? near;
}

export interface ReceiveOptions {
  /** byte for byte, what nobody sees too */
  exactly?: boolean;
  /** other texts that are right */
  or?: string[];
  /** texts with a mistake that costs points once */
  slips?: (Pick<Deviation, 'what' | 'key' | 'costsAll'> & { text: string })[];
}
export type ReceivesArgs = [client: Client, text: string, hint: string, options?: ReceiveOptions];

/** A client receives a text, and nothing else. @param text a character for each byte @throws Failure */
export async function receives(
  run: Running,
  ...[client, text, hint, options = {}]: ReceivesArgs
): Promise<string> {
  const texts = [text, ...(options.or ?? [])];
  const isLong = text.length > MAX_SHOWN_BYTES;
  const look = (): Near | Deviation | undefined => {
    const { received } = client;
    if (texts.includes(received)) return { seen: received };
    if (options.exactly || isLong) return undefined;
    const seen = withoutEnds(received.slice(0, MAX_COMPARED_BYTES));
    for (const right of texts) {
      const found = compare(withoutEnds(right), seen);
      if (found === 'same') return { seen };
      if (found) return slipIn(options, text, seen) ?? found;
    }
    return slipIn(options, text, seen);
  };
  const found = await untilNear(run, look);
  if (!found) return failReceived(run, client, text, hint);
  if ('key' in found) run.deviations.push(found);
  const got = client.take();
  return run.saw(`${client.name} received ${shown(got)}`);
}

function slipIn({ slips = [] }: ReceiveOptions, expected: string, seen: string): Deviation | undefined {
  const slip = slips.find(({ text }) => compare(text, seen) === 'same');
  return slip && { ...slip, expected, seen };
}

export type HearsArgs = [client: Client, text: string, hint: string];

/** A client receives a text, whatever comes with it. @throws Failure */
export async function hears(run: Running, ...[client, text, hint]: HearsArgs): Promise<string> {
  if (await run.until(() => client.received.includes(text)))
    return run.saw(`${client.name} received ${shown(text)}`);
  return failReceived(run, client, text, hint);
}

function failReceived(run: Running, client: Client, text: string, hint: string): Promise<never> {
  const expected = `${client.name} receives ${shown(text)}`;
  if (client.isFlooded && !client.ended)
    return fail(run, {
      expected,
      seen: `${client.name} is sent bytes without end`,
      hint: hintForCall('endless'),
    });
  const closed = client.ended ? ', and the connection was closed' : '';
  const seen = `${client.name === 'a client' ? 'it' : client.name} received ${shown(client.received, text)}${closed}`;
  return fail(run, { expected, seen, hint });
}

/** Bytes for a reader; of many only how many there are, and how many of them are as they should be. */
export function shown(text: string, wanted = text): string {
  if (text === '') return 'nothing';
  if (text.length <= MAX_SHOWN_BYTES && wanted.length <= MAX_SHOWN_BYTES) return JSON.stringify(text);
  const right = partAt(text, wanted);
  return `${text.length} bytes${right === text.length ? '' : `, the first ${right} of them right`}`;
}
