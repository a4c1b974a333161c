/** Whether a text is the one that was asked for: what nobody sees does not count, what is small is a deviation. */

/** A small difference between the text that was asked for and the one that was seen. */
export interface Deviation {
  expected: string;
  seen: string;
  /** what differs, for the reader: `text before it`, `capitals` */
  what: string;
  /** the same for the same slip, whichever line shows it */
  key: string;
  /** The port that was asked for, where the slip is another one. */
  port?: number;
  /** They are no texts to be laid one above the other: where they part says nothing. */
  isNoText?: boolean;
  /** Another slip in the same text. */
  also?: Deviation;
  /** It costs all points of its part, not only some. */
  costsAll?: boolean;
}

/** Characters of a line that are compared. */
const MAX_COMPARED = 400;
/** Lines that are searched for the one nearest to what was expected. */
const MAX_LINES = 400;
/** Characters that may come before or after a text. */
const MAX_AROUND = 60;
/** A line is near when at most this share of it differs. */
const NEAR = 0.6;

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with ESC, and may end with BEL
const ESCAPES = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]/g;

/** A line as a terminal shows it: without colours, with what a carriage return overwrites, without blanks at its end. */
export function asSeen(line: string): string {
  let shown = '';
  for (const part of line.replace(ESCAPES, '').split('\r')) shown = part + shown.slice(part.length);
  return shown.trimEnd();
}

/** What has been received, without newlines and blanks around it. */
export function withoutEnds(text: string): string {
  return text.replace(ESCAPES, '').replaceAll('\r\n', '\n').replace(/^\n+/, '').trimEnd();
}

/** @returns 'same'; a deviation that is small; undefined when it is another text */
export function compare(expected: string, text: string): 'same' | Deviation | undefined {
  const seen = asSeen(text).slice(0, MAX_COMPARED);
  if (seen === expected) return 'same';
  const deviation = (what: string, detail = '') => ({ expected, seen, what, key: `${what} ${detail}` });
  const at = seen.indexOf(expected);
  if (at >= 0 && seen.length - expected.length <= MAX_AROUND) {
    if (at > 0 && isLetter(seen[at - 1]) && isLetter(expected[0])) return undefined;
    return deviation(at > 0 ? 'text before it' : 'text after it');
  }
  const [wanted, found] = [wordsOf(expected), wordsOf(seen)];
  if (String(wanted) === String(found)) return signs(expected, seen, deviation);
  const first = found.findIndex((_, i) => wanted.every((word, j) => found[i + j] === word));
  if (first >= 0 && wanted.length > 1 && seen.length - expected.length <= MAX_AROUND)
    return deviation(first > 0 ? 'text before it' : 'text after it');
  const slips = slipsBetween(wanted, found);
  return slips ? deviation('wording', slips) : undefined;
}

const isLetter = (char = '') => /[a-z0-9]/i.test(char);

/** The words and numbers of a text; the b of Python's bytes is a sign. */
function wordsOf(text: string): string[] {
  return (
    text
      .replace(/\bb(?=['"])/g, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** The words are the same: what differs is between them. */
function signs(
  expected: string,
  seen: string,
  deviation: (what: string, detail?: string) => Deviation,
): Deviation {
  if (expected.toLowerCase() === seen.toLowerCase()) return deviation('capitals');
  const unspaced = (text: string) => text.replace(/\s+/g, '');
  if (unspaced(expected) === unspaced(seen)) return deviation('blanks');
  const between = (text: string) => text.split(/[\p{L}\p{N}]+/u);
  const [wanted, found] = [between(expected), between(seen)];
  const i = wanted.findIndex((sign, i) => sign !== found[i]);
  return deviation('signs', `${wanted[i]} ${found[i]}`);
}

/** Words that may be missing or too many. */
const FILLERS = new Set([
  'a',
  'an',
  'the',
  'is',
  'has',
  'was',
  'from',
  'to',
  'at',
  'on',
  'now',
  'client',
  'user',
]);

/** The words that differ, when these are slips: an article, a letter. No number may differ. */
function slipsBetween(wanted: string[], found: string[]): string | undefined {
  const slips: string[] = [];
  let [i, j] = [0, 0];
  while (i < wanted.length || j < found.length) {
    const [want = '', have = ''] = [wanted[i], found[j]];
    if (want !== '' && want === have) {
      i++;
      j++;
    } else if (isMisspelt(want, have)) {
      slips.push(`${want}/${have}`);
      i++;
      j++;
    } else if (FILLERS.has(have) && !FILLERS.has(want)) {
      slips.push(`+${have}`);
      j++;
    } else if (FILLERS.has(want)) {
      slips.push(`-${want}`);
      i++;
    } else return undefined;
  }
  const MAX_SLIPS = 2;
  return slips.length <= MAX_SLIPS && wanted.length > slips.length ? slips.join() : undefined;
}

function isMisspelt(want: string, have: string): boolean {
  const LONG_WORD = 8;
  if (/\d/.test(want + have) || Math.min(want.length, have.length) < 3) return false;
  return distance(want, have) <= (want.length >= LONG_WORD ? 2 : 1);
}

/** How many letters must be changed, put in or taken out (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, char] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min((row[j] ?? 0) + (char === b[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The line that is nearest to a text, as a terminal shows it; undefined when none is near. */
export function nearest(expected: string, lines: string[]): string | undefined {
  let best: { line: string; share: number } | undefined;
  for (const text of lines.slice(-MAX_LINES)) {
    const line = asSeen(text).slice(0, MAX_COMPARED);
    if (line === '') continue;
    const share =
      distance(expected.toLowerCase(), line.toLowerCase()) / Math.max(expected.length, line.length);
    if (share <= NEAR && share <= (best?.share ?? 1)) best = { line, share };
  }
  return best?.line;
}

/** Where two texts part: the index of the first character that differs. */
export function partAt(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}
