/** A line of strace(1)'s output: who, when, and what is left of it. */

export interface Line {
  /** the thread, where the line names one */
  tid?: number;
  /** seconds since 1970, or since midnight, or since the line before: see `clock` */
  time?: number;
  clock?: 'epoch' | 'day' | 'relative';
  /** the line without its prefix */
  text: string;
}

/** Marks of mails and editors before a line. */
const QUOTE = /^(?:[\t ]|> ?|\| )+/;

/** `[pid 123] `, a lost bracket, `123 `, `123<name> `; 10 digits alone are a time. */
const TID = /^(?:\[?pid\s+(\d+)\]\s*|(\d{1,9})(?:<[^>]*>)?\s+(?!\())/;

const EPOCH = /^(\d{10}(?:\.\d+)?)\s+/;
const DAY = /^(\d\d):(\d\d):(\d\d(?:\.\d+)?)\s+/;
const RELATIVE = /^(\d{1,9}\.\d{6,9})\s+/;

/** `(+     0.000031) ` behind a time; the instruction pointer of -i; the call's number of -n. */
const MORE = /^(?:\(\+\s*[\d.]+\)\s+|\[[\da-f?]{8,16}\]\s+|\[\s*\d+\]\s+)+/;

/** Lines that belong to the call above: dumps of -e read, frames of -k. */
const CONTINUATION = /^ (?:\| [\da-f]{5}|> \/)/;

/** @returns null for a line that belongs to the call above, or is empty */
export function parseLine(line: string): Line | null {
  if (CONTINUATION.test(line)) return null;
  const unquoted = line.replace(QUOTE, '').trimEnd();
  if (unquoted === '') return null;
  const parsed: Line = { text: unquoted };
  const tid = TID.exec(parsed.text);
  if (tid && !RELATIVE.test(parsed.text)) {
    parsed.tid = Number(tid[1] ?? tid[2]);
    parsed.text = parsed.text.slice(tid[0].length);
  }
  takeTime(parsed);
  parsed.text = parsed.text.replace(MORE, '');
  return parsed;
}

function takeTime(line: Line): void {
  for (const [clock, pattern] of [
    ['epoch', EPOCH],
    ['day', DAY],
    ['relative', RELATIVE],
  ] as const) {
    const found = pattern.exec(line.text);
    if (!found) continue;
    const [all, first = '', minutes, seconds] = found;
    const isDay = clock === 'day';
    line.clock = clock;
    line.time = isDay ? (Number(first) * 60 + Number(minutes)) * 60 + Number(seconds) : Number(first);
    line.text = line.text.slice(all.length);
    return;
  }
}
