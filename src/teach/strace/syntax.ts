/** The syntax of a call in strace(1)'s output: `name(arguments) = result (notes) <seconds>`. */

export interface ParsedCall {
  name: string;
  args: string[];
  /** null where the call has not returned: `?` */
  result: number | null;
  /** what -y shows of the descriptor that the call returned */
  resultFile?: string;
  errno?: string;
  /** between the parentheses behind the result: `in [3]`, `Timeout` */
  note?: string;
  /** seconds, of -T */
  took?: number;
  /** The call was not finished when the log ended, or strace let go of it. */
  isUnfinished: boolean;
}

const NAME = /^(?:\d+:)?([a-z_][\w$]*)\(/;
const UNFINISHED = /(?:\s*<(?:unfinished|detached)\b[^>]*>|\^C)+(?:\)\s*=\s*\?)?\s*$/;

/**
 * The call up to where it was cut off: `select(4, [3], NULL` of `select(4, [3], NULL <unfinished ...>`. A comma stays:
 * `recvfrom(3,  <unfinished ...>` goes on with `<... recvfrom resumed>"hello", …`.
 */
export function withoutUnfinished(text: string): string | null {
  const found = UNFINISHED.exec(text);
  return found ? text.slice(0, found.index) : null;
}

/** @returns null where the text is no call, or breaks off within it */
export function parseCall(text: string): ParsedCall | null {
  const name = NAME.exec(text);
  if (!name) return null;
  const scanned = scanArguments(text, name[0].length);
  if (!scanned.isClosed) return null;
  const call: ParsedCall = { name: name[1] ?? '', args: scanned.args, result: null, isUnfinished: false };
  return readResult(call, text.slice(scanned.end)) ? call : null;
}

/** A call that has no end: killed in it, or the log was cut. */
export function parseUnfinished(text: string): ParsedCall | null {
  const name = NAME.exec(text);
  if (!name) return null;
  const { args } = scanArguments(text.replace(/,\s*$/, ''), name[0].length);
  return { name: name[1] ?? '', args, result: null, isUnfinished: true };
}

const RESULT = /^\s*=\s*(\?|-?\d+|0x[\da-f]+)(?:<)?/;

function readResult(call: ParsedCall, text: string): boolean {
  const found = RESULT.exec(text);
  if (!found) return false;
  const [all, value = ''] = found;
  let rest = text.slice(all.length);
  if (all.endsWith('<')) {
    const end = fileEnd(rest, 0);
    call.resultFile = rest.slice(0, end - 1);
    rest = rest.slice(end);
  }
  if (value !== '?') call.result = Number(value);
  const took = /<(\d+\.\d+)>\s*$/.exec(rest);
  if (took) {
    call.took = Number(took[1]);
    rest = rest.slice(0, took.index);
  }
  const errno = /^\s*([A-Z][A-Z\d_]+)\b/.exec(rest);
  if (errno) {
    call.errno = errno[1];
    return true;
  }
  const note = /^\s*\((.*)\)\s*$/s.exec(rest);
  if (note) call.note = note[1];
  return true;
}

/** The arguments from a place in the text up to their closing parenthesis. */
function scanArguments(text: string, from: number): { args: string[]; end: number; isClosed: boolean } {
  const args: string[] = [];
  let begin = from;
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = stringEnd(text, at) - 1;
    else if (char === '<' && isFile(text, at)) at = fileEnd(text, at + 1) - 1;
    else if (char === '/' && text[at + 1] === '*') at = commentEnd(text, at) - 1;
    else if (char === '(' || char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    else if (char === ')' && depth > 0) depth--;
    else if (char === ')') {
      const last = text.slice(begin, at).trim();
      return { args: last === '' && args.length === 0 ? [] : [...args, last], end: at + 1, isClosed: true };
    } else if (char === ',' && depth === 0) {
      args.push(text.slice(begin, at).trim());
      begin = at + 1;
    }
  }
  const last = text.slice(begin).trim();
  return { args: last === '' ? args : [...args, last], end: text.length, isClosed: false };
}

/** The parts of `[a, b]` or `{a, b}`; none for anything else. */
export function elements(text: string): string[] {
  if (!/^[[{]/.test(text)) return [];
  const { args } = scanArguments(`${text.slice(1, -1)})`, 0);
  return args.filter((arg) => arg !== '...');
}

/** The fields of `{fd=5, events=POLLIN}` by name; those without a name by their place. */
export function fields(text: string): Map<string, string> {
  const all = new Map<string, string>();
  for (const [i, element] of elements(text).entries()) {
    const [, name, value] = /^([a-z_]\w*)=(.*)$/s.exec(element) ?? [];
    if (name !== undefined) all.set(name, value ?? '');
    else all.set(String(i), element);
  }
  return all;
}

function stringEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

function commentEnd(text: string, at: number): number {
  const end = text.indexOf('*/', at);
  return end < 0 ? text.length : end + 2;
}

/** Whether a `<` opens what -y shows of a descriptor: it stands directly behind a number or AT_FDCWD. */
function isFile(text: string, at: number): boolean {
  return /[\dA-Z_]/.test(text[at - 1] ?? '') && text[at + 1] !== '<' && text[at + 1] !== '=';
}

/** The place behind the `>` that ends a file; `->` is an arrow, and files nest: `/dev/pts/0<char 136:0>`. */
function fileEnd(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '<') depth++;
    else if (text[i] === '>' && text[i - 1] !== '-' && --depth === 0) return i + 1;
  }
  return text.length;
}
