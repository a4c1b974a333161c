/** A call in pictures and sentences. */
import { errno, strerror } from '../../posix/errors.js';
import { addressText } from '../../posix/sockaddr.js';
import { repr } from '../../repr.js';
import type { Call, OtherCall, Sets } from '../recording/format.js';
import { type SetRow, setRows } from '../recording/set-rows.js';
import { kindOf, renamed } from '../story/lives.js';
import {
  answerOf,
  clausesText,
  type Named,
  questionText,
  SENTENCE_NAMES,
  sleepText,
} from '../story/sentences.js';
import type { Life, LifeSets, StoryWait } from '../story/story.js';
import { displayWidth } from '../text.js';
import { strace } from './strace.js';
import { rowOf } from './syscalls.js';

/** Columns of a terminal. */
const COLUMNS = 80;

/** Columns beside the bits of a set row. */
const LABEL_COLUMNS = '  exceptfds   before'.length;

/** Descriptors that are named in a list; the picture has all. */
const MAX_LISTED_FDS = 20;

/** Bytes of data that are shown. */
const MAX_SHOWN_BYTES = 40;

/** Columns before what is said under a name: `  1 The question  `. */
const INDENT = 18;

/** A descriptor, as the sentences need it. */
type NamedFd = Pick<Life, 'fd' | 'name' | 'kind'>;

/** Explains a program's calls in their order: the names of descriptors come with the calls. */
export class Explanation {
  readonly #fds = new Map<number, NamedFd>();
  /** The waits up to now, with the one that is explained. */
  #waits = 0;
  /** Whether a call is the first one after a wait. */
  #isAfterWait = false;
  /** The descriptors of the sentences, by number. */
  readonly #named: Named = {
    life: (fd) => this.#fds.get(fd) ?? { name: `fd ${fd}`, kind: kindOf(fd, '') },
  };

  /** The question of a call that is about to wait; nothing where it does not wait. */
  beforeWait(call: Call): string {
    this.learn(call);
    const sets = setsOf(call);
    if (!sets) return '';
    this.#waits++;
    const question = questionText(this.#named, waitOf(call, sets), this.#waits === 1);
    const lines = [`\nwait ${this.#waits}: ${call.call}`, said('question', question)];
    for (const [what, fds] of [
      ['read', sets.readfds],
      ['write', sets.writefds],
      ['exception', sets.exceptfds],
    ] as const) {
      if (fds && fds.length > 0) lines.push(this.#list(`${' '.repeat(INDENT)}to ${what}:`, fds));
    }
    return `${lines.join('\n')}\n`;
  }

  /** A call that has returned. */
  text(call: Call): string {
    const sets = setsOf(call);
    const lines = sets ? this.#wait(call, sets) : [this.#work(call as OtherCall)];
    this.#isAfterWait = sets !== null;
    this.learn(call);
    return `${lines.join('\n')}\n`;
  }

  /** Takes over the names that come with a call. */
  learn({ call, names = {} }: Call): void {
    for (const [key, name] of Object.entries(names)) {
      const fd = Number(key);
      const known = this.#fds.get(fd);
      if (name === null) this.#fds.delete(fd);
      else if (known) renamed(known, name, call);
      else this.#fds.set(fd, { fd, name, kind: call === 'accept' ? 'conn' : kindOf(fd, name) });
    }
  }

  /** A descriptor by number and name: `5 listener`. */
  label(fd: number): string {
    const known = this.#fds.get(fd);
    return known === undefined ? `fd ${fd}` : `${fd} ${known.name}`;
  }

  #list(begin: string, fds: number[]): string {
    const names = fds.slice(0, MAX_LISTED_FDS).map((fd) => this.label(fd));
    if (fds.length > MAX_LISTED_FDS) names.push(`and ${fds.length - MAX_LISTED_FDS} more`);
    let column = begin.length;
    let text = begin;
    for (const [i, name] of names.entries()) {
      const word = ` ${name}${i < names.length - 1 ? ',' : ''}`;
      const columns = displayWidth(word);
      if (column + columns > COLUMNS) {
        text += `\n${' '.repeat(begin.length)}`;
        column = begin.length;
      }
      text += word;
      column += columns;
    }
    return text;
  }

  #wait(call: Call, before: Sets): string[] {
    const after = call.errno === undefined && call.after ? call.after : null;
    const wait = waitOf(call, before);
    const isFirst = this.#waits === 1;
    const bits = pictures(setRows(call.call, before, after), wait.nfds);
    return [
      said('sleep', sleepText(wait, isFirst)),
      said('answer', clausesText(answerOf(this.#named, wait, isFirst))),
      ...bits.flatMap(({ lines }) => lines),
    ];
  }

  /** A call of the work; before the first wait there are only calls. */
  #work(call: OtherCall): string {
    const sentence = this.sentence(call);
    if (this.#isAfterWait) return said('work', sentence);
    return ' '.repeat(this.#waits === 0 ? 2 : INDENT) + sentence;
  }

  /** A call that does not wait, in a sentence. */
  sentence(call: OtherCall): string {
    const { sentence } = rowOf(call.call);
    if (call.errno !== undefined) return this.#failure(call);
    if (!sentence) return strace(call);
    return sentence(call, {
      fd: this.label(call.fd ?? -1),
      address: call.address ? addressText(call.address) : '',
      bytes: bytesText(call),
    });
  }

  #failure(call: OtherCall): string {
    const code = call.errno as string;
    const meaning = rowOf(call.call).errors[code];
    const to = call.address ? ` to ${addressText(call.address)}` : '';
    const text = strerror(errno[code as keyof typeof errno] ?? 0);
    const on = call.fd === undefined ? '' : ` ${this.label(call.fd)}`;
    return `${call.call}${on}${meaning ? `: ${meaning}` : `${to}: ${text}`} (${code})`;
  }
}

/** The sets that a call waits with; null for a call that does not wait. */
export function setsOf(call: Call): Sets | null {
  if ('nfds' in call) return call;
  return call.waits ?? null;
}

/** A call that waits, as the sentences need it: each descriptor is known by its number. */
function waitOf(call: Call, sets: Sets): StoryWait {
  const after = call.errno === undefined && !call.isUnfinished ? call.after : undefined;
  return {
    call: call.call,
    kind: waitKind(call),
    at: call.at,
    took: call.took,
    timeout: call.timeout ?? null,
    nfds: 'nfds' in call ? call.nfds : 0,
    result: call.result,
    errno: call.errno ?? '',
    isUnfinished: call.isUnfinished ?? false,
    asked: lifeSets(sets),
    ready: lifeSets(after ?? NO_SETS),
    reasons: (call.why ?? []).map(({ fd, set, sentence }) => ({ life: fd ?? -1, set, text: sentence })),
  };
}

const NO_SETS: Sets = { readfds: null, writefds: null, exceptfds: null };

function lifeSets({ readfds, writefds, exceptfds }: Sets): LifeSets {
  return { read: readfds, write: writefds, except: exceptfds };
}

/** How a call waits that has sets. */
export function waitKind(call: Call): 'sets' | 'list' {
  return 'nfds' in call || call.call === 'poll' ? 'sets' : 'list';
}

/** A sentence behind its name; a terminal has ordinary spaces. */
function said(name: keyof typeof SENTENCE_NAMES, text: string): string {
  return `  ${SENTENCE_NAMES[name].padEnd(INDENT - 2)}${text.replaceAll('\u00a0', ' ')}`;
}

/** `5 bytes b'hello'`, `3 of 5 bytes b'hel'` */
function bytesText(call: OtherCall): string {
  const { result, length = 0, data = '' } = call;
  const isShort = rowOf(call.call).data === 'sent' && result < length;
  const count = isShort ? length : result;
  const bytes = Buffer.from(data, 'base64');
  const text = repr(bytes.subarray(0, MAX_SHOWN_BYTES)) + (bytes.length > MAX_SHOWN_BYTES ? '…' : '');
  return `${isShort ? `${result} of ` : ''}${count} ${count === 1 ? 'byte' : 'bytes'} ${text}`;
}

/** A part of the picture: some tens of descriptors. */
export interface Picture {
  lines: string[];
  /** Whether one of them is ready. */
  isReady: boolean;
}

/** The bits before and after, a column for each descriptor; parts without a bit are left out. */
export function pictures(rows: SetRow[], nfds: number, width = COLUMNS): Picture[] {
  const fds = rows.flatMap(({ fds }) => [...fds]);
  const end = fds.reduce((end, fd) => Math.max(end, fd + 1), nfds);
  const size = Math.max(10, 10 * Math.floor((width - LABEL_COLUMNS) / 10)); // whole tens, for the ruler
  const parts: Picture[] = [];
  for (let first = 0; first < end; first += size) {
    const last = Math.min(first + size, end);
    if (!fds.some((fd) => fd >= first && fd < last)) continue;
    const columns = Array.from({ length: last - first }, (_, i) => first + i);
    const lines = [`  ${'fd'.padEnd(9)}  ${ruler(first, last)}`];
    for (const { label, fds, when } of rows) {
      const bits = columns.map((fd) => (fds.has(fd) ? '1' : '.')).join('');
      lines.push(`  ${label.padEnd(9)}  ${bits} ${when}`);
    }
    const isReady = rows.some(({ fds, when }) => when === 'after' && columns.some((fd) => fds.has(fd)));
    parts.push({ lines, isReady });
  }
  return parts;
}

/** The tens, each above its column. */
function ruler(first: number, last: number): string {
  let text = '';
  for (let fd = first; fd < last; fd += 10) text += String(fd).padEnd(10);
  return text.trimEnd();
}
