/** A call in pictures and sentences. */
import { errno, strerror } from '../../posix/errors.js';
import { addressText } from '../../posix/sockaddr.js';
import { repr } from '../../repr.js';
import type { Call, OtherCall, Sets } from '../recording/format.js';
import { type SetRow, setRows } from '../recording/set-rows.js';
import { displayWidth, durationText } from '../text.js';
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

/** Explains a program's calls in their order: the names of descriptors come with the calls. */
export class Explanation {
  readonly #names = new Map<number, string>();

  /** What a call is about to wait for; nothing where it does not wait. */
  beforeWait(call: Call): string {
    this.learn(call);
    const sets = setsOf(call);
    if (!sets) return '';
    const lines = [`\n${call.call} ${timeoutText(call.timeout)}`];
    for (const [what, fds] of [
      ['read', sets.readfds],
      ['write', sets.writefds],
      ['exception', sets.exceptfds],
    ] as const) {
      if (fds && fds.length > 0) lines.push(this.#list(`  to ${what}:`, fds));
    }
    return `${lines.join('\n')}\n`;
  }

  /** A call that has returned. */
  text(call: Call): string {
    const lines = setsOf(call) ? this.#wait(call) : [`  ${this.sentence(call as OtherCall)}`];
    this.learn(call);
    return `${lines.join('\n')}\n`;
  }

  /** Takes over the names that come with a call. */
  learn({ names = {} }: Call): void {
    for (const [fd, name] of Object.entries(names)) {
      if (name === null) this.#names.delete(Number(fd));
      else this.#names.set(Number(fd), name);
    }
  }

  /** A descriptor by number and name: `5 listener`. */
  label(fd: number): string {
    const name = this.#names.get(fd);
    return name === undefined ? `fd ${fd}` : `${fd} ${name}`;
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

  #wait(call: Call): string[] {
    const before = setsOf(call) as Sets;
    const after = call.errno === undefined && call.after ? call.after : null;
    const nfds = 'nfds' in call ? call.nfds : 0;
    const lines = [outcome(call), ...this.reasons(call)].map((line) => `  ${line}`);
    return [...pictures(setRows(call.call, before, after), nfds).flatMap(({ lines }) => lines), ...lines];
  }

  /** Why a wait has ended: a sentence for each ready descriptor. */
  reasons({ why = [] }: Call): string[] {
    return why.map(({ fd, sentence }) => (fd === null ? sentence : `${this.label(fd)}: ${sentence}`));
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

/** How long a call may wait. */
export function timeoutText(timeout: number | null | undefined): string {
  if (timeout === null || timeout === undefined) return 'waits for ever';
  return timeout === 0 ? 'does not wait' : `waits ${durationText(timeout)} at most`;
}

/** How many are ready: `1 ready after 1.204 s` */
export function outcome({ errno, result, took }: Call): string {
  return `${errno ?? `${result || 'none'} ready`} after ${durationText(took)}`;
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
