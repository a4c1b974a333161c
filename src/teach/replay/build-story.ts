/** Builds a story from a recording's calls. */
import { StringDecoder } from 'node:string_decoder';
import { visible } from '../../loop/terminal.js';
import type { Call, Head, OtherCall, Reason, Sets } from '../recording/format.js';
import { Lives } from '../story/lives.js';
import {
  CALL_COLUMNS,
  type CallColumn,
  SET_NAMES,
  type StoryData,
  WAIT_COLUMNS,
  WAIT_KINDS,
  type WaitColumn,
  type WaitKind,
} from '../story/story.js';
import { setsOf, waitKind } from '../trace/explain.js';
import { strace } from '../trace/strace.js';
import { rowOf } from '../trace/syscalls.js';

/** Characters of what goes over a connection; what is printed is kept in full. */
const MAX_PREVIEW_CHARS = 80;

/** A call that takes so long has waited. */
const BLOCKED_S = 0.001;

/** Calls that may wait for one descriptor alone. */
const WAITS_FOR_ONE = new Set(['accept', 'recv', 'recvfrom', 'recvmsg', 'read', 'readv']);

/** Calls that the story has words for; others are shown as strace shows them. */
const IN_WORDS = new Set(['accept', 'close', 'exited', 'killed', 'fork', 'clone']);

/** Characters that turn the direction of a text or end its line: they are shown as escapes, like control characters. */
const DIRECTION = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export class StoryBuilder {
  readonly data: StoryData;
  readonly #hasWaits: boolean;
  readonly #texts = new Map<string, number>();
  readonly #sets = new Map<string, number>();
  readonly #reasons = new Map<string, number>();
  readonly #lives: Lives;
  readonly #decoders = new Map<number, StringDecoder>();
  #micros = 0;
  /** How often the story has begun anew: with each program that has taken the place of another. */
  restarts = 0;

  /** @param hasWaits whether the thread waits in select, poll, epoll or kqueue; else its blocking calls are its waits */
  constructor({ program, args, platform, began, isUntimed = false }: Head, hasWaits: boolean) {
    const when = began && `, ${began.replace(/T(\d\d:\d\d)\S*Z$/, ' $1 UTC')}`;
    this.#hasWaits = hasWaits;
    this.data = {
      program: safeLine([program, ...args].join(' ')),
      notes: [`recorded on ${platform}${when}`],
      isUntimed,
      texts: [],
      lives: [],
      sets: [],
      calls: CALL_COLUMNS.map(() => []),
      waits: WAIT_COLUMNS.map(() => []),
      reasons: [[]],
    };
    this.#lives = new Lives(this.data.lives);
    this.#text('');
  }

  /** Begins in the midst of a run: the descriptors that are open there, by name. */
  seed(names: Record<string, string>): void {
    for (const [fd, name] of Object.entries(names)) {
      this.#lives.seed(Number(fd), safeLine(name));
    }
  }

  add(call: Call): void {
    if (call.call === 'execve' && (this.#waitCount === 0 || !this.#hasWaits)) this.#restart();
    const sets = setsOf(call);
    this.#learnNames(call, false);
    if (sets) {
      this.#addWait(call, sets, waitKind(call));
      return;
    }
    const other = call as OtherCall;
    if (!this.#hasWaits && this.#isBlocked(other)) {
      this.#addBlocked(other);
      if (other.isUnfinished) return;
    }
    this.#addCall(other);
  }

  /** How many calls there are, the waits among them. */
  get length(): number {
    return this.#callCount;
  }

  get #waitCount(): number {
    return this.data.waits[0]?.length ?? 0;
  }

  /** A new program in the place of the old one, a shell or a starter: the story begins with it. */
  #restart(): void {
    for (const column of [...this.data.calls, ...this.data.waits]) column.length = 0;
    this.#lives.clear();
    this.#micros = 0;
    this.restarts++;
  }

  #isBlocked({ call, took, isUnfinished, fd }: OtherCall): boolean {
    return fd !== undefined && WAITS_FOR_ONE.has(call) && (isUnfinished === true || took >= BLOCKED_S);
  }

  #addBlocked(call: OtherCall): void {
    const { fd = -1, result, length = 0 } = call;
    const sets: Sets = { readfds: [fd], writefds: null, exceptfds: null };
    const sentence = () => {
      if (call.call === 'accept') return 'a connection is waiting';
      if (result === 0) return 'the peer has closed: recv returns 0 bytes';
      return `${result === length ? 'at least ' : ''}${result} ${result === 1 ? 'byte' : 'bytes'} can be read`;
    };
    const why: Reason[] = call.errno ? [] : [{ fd, set: 'read', sentence: sentence() }];
    this.#addWait({ ...call, waits: sets, after: sets, timeout: null, why, names: undefined }, sets, 'one');
    call.at += call.took;
    call.took = 0;
  }

  #addWait(call: Call, sets: Sets, kind: WaitKind): void {
    const after = call.errno === undefined ? call.after : undefined;
    const reasons = (call.why ?? []).map(({ fd, set, sentence }): [number, number, number] => [
      fd === null ? -1 : this.#lives.of(fd),
      set === null ? -1 : SET_NAMES.indexOf(set),
      this.#text(safeLine(sentence)),
    ]);
    const cells: Record<WaitColumn, number> = {
      kind: WAIT_KINDS.indexOf(kind),
      timeout: call.timeout === null || call.timeout === undefined ? -1 : Math.round(call.timeout * 1e6),
      nfds: 'nfds' in call ? call.nfds : 0,
      readAsked: this.#set(sets.readfds),
      writeAsked: this.#set(sets.writefds),
      exceptAsked: this.#set(sets.exceptfds),
      readReady: this.#set(after?.readfds ?? null),
      writeReady: this.#set(after?.writefds ?? null),
      exceptReady: this.#set(after?.exceptfds ?? null),
      reasons: this.#reasonsAt(reasons),
      isUnfinished: call.isUnfinished ? 1 : 0,
    };
    const wait = this.#waitCount;
    for (const [i, column] of WAIT_COLUMNS.entries()) this.data.waits[i]?.push(cells[column]);
    this.#push(call, { life: -1, other: -1, length: 0, text: 0, wait });
  }

  #addCall(call: OtherCall): void {
    const { fd, result, length = 0 } = call;
    const row = rowOf(call.call);
    const life = fd === undefined || fd < 0 ? -1 : this.#lives.of(fd);
    const text = this.#textOf(call, life);
    let other = -1;
    if (call.errno === undefined && row.makesFd && result >= 0)
      other = this.#lives.opened(result, call.call, this.#callCount);
    const target = call.call === 'epoll_ctl' ? Number(call.rest?.[1]) : targetOf(call);
    if (target >= 0) other = this.#lives.of(target);
    this.#push(call, { life, other, length, text, wait: -1 });
    this.#learnNames(call, true);
    if (call.call === 'close' && call.errno === undefined && fd !== undefined)
      this.#lives.closed(fd, this.#callCount);
  }

  #push(
    call: Call,
    cells: Pick<Record<CallColumn, number>, 'life' | 'other' | 'length' | 'text' | 'wait'>,
  ): void {
    const micros = Math.round(call.at * 1e6);
    const all: Record<CallColumn, number> = {
      ...cells,
      name: this.#text(safeLine(call.call)),
      gap: micros - this.#micros,
      took: Math.round(call.took * 1e6),
      result: call.result,
      errno: this.#text(call.errno ?? ''),
    };
    this.#micros = micros;
    for (const [i, column] of CALL_COLUMNS.entries()) this.data.calls[i]?.push(all[column]);
  }

  get #callCount(): number {
    return this.data.calls[0]?.length ?? 0;
  }

  /** @param isMade whether the call stands in the story already: a new name is known before it, a close after it */
  #learnNames({ names, call }: Call, isMade: boolean): void {
    const isFirst = this.#callCount === 0;
    for (const [key, name] of Object.entries(names ?? {})) {
      const fd = Number(key);
      if (name === null && isMade) this.#lives.closed(fd, this.#callCount);
      if (name === null || (!isMade && call === 'accept')) continue;
      const at = isFirst ? -1 : this.#callCount;
      this.#lives.named(fd, safeLine(name), call, at);
    }
  }

  #set(fds: number[] | null): number {
    if (fds === null) return 0;
    const lives = fds.map((fd) => this.#lives.of(fd));
    return this.#place(this.#sets, lives.join(), () => this.data.sets.push(lives));
  }

  #reasonsAt(reasons: [number, number, number][]): number {
    if (reasons.length === 0) return 0;
    return this.#place(this.#reasons, reasons.join(';'), () => this.data.reasons.push(reasons) - 1);
  }

  #text(text: string): number {
    return this.#place(this.#texts, text, () => this.data.texts.push(text) - 1);
  }

  #place(known: Map<string, number>, key: string, add: () => number): number {
    const place = known.get(key) ?? add();
    known.set(key, place);
    return place;
  }

  /** What went over the descriptor, or the call as strace shows it. */
  #textOf(call: OtherCall, life: number): number {
    const { data, result, fd = -1 } = call;
    if (data === undefined) return this.#text(IN_WORDS.has(call.call) ? '' : safeLine(strace(call)));
    const bytes = Buffer.from(data, 'base64');
    if (this.data.lives[life]?.kind !== 'output') return this.#text(safe(preview(bytes, result)));
    const decoder = this.#decoders.get(fd) ?? new StringDecoder('utf8');
    this.#decoders.set(fd, decoder);
    return this.#text(safe(decoder.write(bytes)) + (result > bytes.length ? '…\n' : ''));
  }
}

function targetOf({ call, rest = [] }: OtherCall): number {
  const ident = call === 'kevent' ? /\{ident=(\d+)/.exec(rest[0] ?? '')?.[1] : undefined;
  return ident === undefined ? -1 : Number(ident);
}

function preview(bytes: Buffer, result: number): string {
  const text = bytes.subarray(0, 4 * MAX_PREVIEW_CHARS).toString('utf8');
  const isShort = text.length <= MAX_PREVIEW_CHARS && bytes.length >= result;
  return isShort ? text : `${text.slice(0, MAX_PREVIEW_CHARS)}…`;
}

/** Text from outside, safe to show: characters that steer are escapes. */
function safe(text: string): string {
  return visible(text).replace(DIRECTION, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same, as one line. */
export function safeLine(text: string): string {
  return safe(text).replace(/[\n\t]/g, (char) => (char === '\n' ? '\\n' : '\\t'));
}
