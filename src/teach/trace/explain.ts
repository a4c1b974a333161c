/** A call in pictures and sentences. */
import { errno, strerror } from '../../posix/errors.js';
import { addressText } from '../../posix/sockaddr.js';
import { repr } from '../../repr.js';
import type { Call, OtherCall, Sets } from '../recording/format.js';
import { type SetRow, setRows } from '../recording/set-rows.js';
import { displayWidth } from '../text.js';
import { shown } from './readiness.js';
import { strace } from './strace.js';

/** Columns of a terminal. */
const WIDTH = 80;

/** What a row of the picture takes beside its bits, which are whole tens, so that its ruler can be read. */
const BESIDE = '  exceptfds   before'.length;

/** Descriptors that are named in a list; the picture has all. */
const NAMED = 20;

/** Bytes of data that are shown. */
const SHOWN = 40;

/** Tells a program's calls in their order: names come with the calls. */
export class Explanation {
  readonly #names = new Map<number, string>();

  /** What a call is about to wait for; nothing where it does not wait. */
  begins(call: Call): string {
    this.learn(call);
    const sets = setsOf(call);
    if (!sets) return '';
    const lines = [`\n${call.call} ${patience(call.timeout)}`];
    for (const [what, fds] of [
      ['read', sets.readfds],
      ['write', sets.writefds],
      ['exception', sets.exceptfds],
    ] as const) {
      if (fds && fds.length > 0) lines.push(this.#list(`  to ${what}:`, fds));
    }
    return `${lines.join('\n')}\n`;
  }

  /** How a call has ended. */
  ended(call: Call): string {
    const lines = setsOf(call) ? this.#wait(call) : [`  ${this.sentence(call as OtherCall)}`];
    this.learn(call);
    return `${lines.join('\n')}\n`;
  }

  /** Takes in the names that a call brings. */
  learn({ names = {} }: Call): void {
    for (const [fd, name] of Object.entries(names)) {
      if (name === null) this.#names.delete(Number(fd));
      else this.#names.set(Number(fd), name);
    }
  }

  /** `5 listener` */
  of(fd: number): string {
    const name = this.#names.get(fd);
    return name === undefined ? `fd ${fd}` : `${fd} ${name}`;
  }

  #list(begin: string, fds: number[]): string {
    const names = fds.slice(0, NAMED).map((fd) => this.of(fd));
    if (fds.length > NAMED) names.push(`and ${fds.length - NAMED} more`);
    let column = begin.length;
    let text = begin;
    for (const [i, name] of names.entries()) {
      const word = ` ${name}${i < names.length - 1 ? ',' : ''}`;
      const columns = displayWidth(word);
      if (column + columns > WIDTH) {
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
    return why.map(({ fd, sentence }) => (fd === null ? sentence : `${this.of(fd)}: ${sentence}`));
  }

  /** A call that does not wait, in a sentence. */
  sentence(call: OtherCall): string {
    const { fd = -1, result, length = 0, rest = [] } = call;
    const of = this.of(fd);
    const to = call.address ? addressText(call.address) : '';
    if (call.errno !== undefined) {
      const told = FAILURES[`${call.call} ${call.errno}`];
      const text = strerror(errno[call.errno as keyof typeof errno] ?? 0);
      return `${call.call} ${of}${told ? `: ${told}` : `${to && ` to ${to}`}: ${text}`} (${call.errno})`;
    }
    switch (call.call) {
      case 'socket':
        return `socket: ${result} is a new socket, ${rest[0]}`;
      case 'bind':
        return `bind ${of} to ${to}`;
      case 'listen':
        return `listen ${of}: it takes connections from now on`;
      case 'accept':
        return `accept ${of}: ${result} is the connection from ${to || 'a client'}`;
      case 'connect':
        return `connect ${of} to ${to}`;
      case 'recv':
      case 'read':
        if (result === 0) return `${call.call} ${of}: 0 bytes, the end`;
        return `${call.call} ${of}: ${counted(result)} ${quoted(call)}`;
      case 'send':
      case 'write':
        return `${call.call} ${of}: ${result < length ? `${result} of ` : ''}${counted(length)} ${quoted(call)}`;
      case 'close':
        return `close ${of}`;
      default:
        return strace(call);
    }
  }
}

/** Failures that are everyday answers. */
const FAILURES: Record<string, string> = {
  'accept EAGAIN': 'nobody else is waiting',
  'connect EINPROGRESS': 'the connection is under way',
  'recv EAGAIN': 'nothing is there',
  'send EAGAIN': 'there is no room',
  'recv ECONNRESET': 'the peer has reset the connection',
};

/** What a call waits for; null for a call that does not wait. */
export function setsOf(call: Call): Sets | null {
  if ('nfds' in call) return call;
  return call.waits ?? null;
}

/** How long a call is ready to wait. */
export function patience(timeout: number | null | undefined): string {
  if (timeout === null || timeout === undefined) return 'waits for ever';
  return timeout === 0 ? 'looks, and does not wait' : `waits ${shown(timeout)} at most`;
}

/** How many are ready: `1 ready after 1.204 s` */
export function outcome({ errno, result, took }: Call): string {
  return `${errno ?? `${result || 'none'} ready`} after ${shown(took)}`;
}

function counted(bytes: number): string {
  return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
}

function quoted({ data = '' }: OtherCall): string {
  const bytes = Buffer.from(data, 'base64');
  return repr(bytes.subarray(0, SHOWN)) + (bytes.length > SHOWN ? '…' : '');
}

/** A part of the picture: some tens of descriptors. */
export interface Picture {
  lines: string[];
  /** Whether one of them is ready. */
  isReady: boolean;
}

/** The bits before and after, a column for each descriptor; parts without a bit are left out. */
export function pictures(rows: SetRow[], nfds: number, width = WIDTH): Picture[] {
  const fds = rows.flatMap(({ fds }) => [...fds]);
  const end = fds.reduce((end, fd) => Math.max(end, fd + 1), nfds);
  const size = Math.max(10, 10 * Math.floor((width - BESIDE) / 10));
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
