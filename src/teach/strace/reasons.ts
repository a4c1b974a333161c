/** Why a wait has ended, where strace(1) has recorded it: inferred from the calls that follow it. */
import { errno, strerror } from '../../posix/errors.js';
import type { Call, OtherCall, Reason, Sets } from '../recording/format.js';
import { durationText } from '../text.js';
import type { Kind } from '../trace/row.js';
import { rowOf } from '../trace/syscalls.js';

/** A wait that has returned, and what its thread did with the ready descriptors. */
export class PendingWait {
  readonly call: Call;
  readonly #ready: { fd: number; set: NonNullable<Reason['set']>; kind: Kind | undefined }[];
  /** The calls on ready descriptors, in their order. */
  readonly #calls: OtherCall[] = [];
  readonly #kinds: Map<number, Kind>;
  /**
   * How many ready descriptors strace has not shown: it cuts the sets behind a select at 1 KiB, and shows none behind a
   * poll that went on after a signal.
   */
  #missing: number;

  constructor(call: Call, kinds: Map<number, Kind>) {
    this.call = call;
    this.#kinds = kinds;
    const { readfds, writefds, exceptfds } = call.after ?? NOTHING;
    const member = (set: NonNullable<Reason['set']>) => (fd: number) => ({ fd, set, kind: kinds.get(fd) });
    this.#ready = [
      ...(readfds ?? []).map(member('read')),
      ...(writefds ?? []).map(member('write')),
      ...(exceptfds ?? []).map(member('except')),
    ];
    const isShown = call.call !== 'select' && (call.call !== 'poll' || this.#ready.length > 0);
    this.#missing = isShown ? 0 : call.result - this.#ready.length;
  }

  get isWithoutReady(): boolean {
    return this.call.errno !== undefined || (this.#ready.length === 0 && this.#missing === 0);
  }

  /** A call of the same thread before its next wait. */
  follow(call: OtherCall): void {
    if (this.#missing > 0) this.#findMissing(call);
    if (this.#ready.some(({ fd }) => fd === call.fd)) this.#calls.push(call);
  }

  /** A descriptor that was asked for, and is worked on: it was ready. */
  #findMissing({ call: name, fd = -1, errno }: OtherCall): void {
    const { call } = this;
    const { data } = rowOf(name);
    const set = data === 'received' || name === 'accept' ? 'read' : data === 'sent' ? 'write' : null;
    const asked = 'nfds' in call ? call : call.waits;
    if (!set || !asked || !call.after || errno === 'EAGAIN') return;
    const fds = set === 'read' ? 'readfds' : 'writefds';
    const after = call.after[fds] ?? [];
    if (!asked[fds]?.includes(fd) || after.includes(fd)) return;
    call.after[fds] = [...after, fd].sort((a, b) => a - b);
    this.#ready.push({ fd, set, kind: this.#kinds.get(fd) });
    this.#missing--;
    if (this.#missing === 0 && 'note' in call) delete call.note;
  }

  /** Writes the reasons into the call. */
  settle(): void {
    this.call.why = this.isWithoutReady
      ? [withoutReady(this.call)]
      : this.#ready.length === 0
        ? [{ fd: null, set: null, sentence: 'strace does not show what is ready' }]
        : this.#ready.map((ready) => this.#reason(ready));
  }

  #reason({
    fd,
    set,
    kind,
  }: {
    fd: number;
    set: NonNullable<Reason['set']>;
    kind: Kind | undefined;
  }): Reason {
    const calls = this.#calls.filter((call) => call.fd === fd);
    if (set === 'except') return { fd, set, sentence: 'urgent data has come' };
    return { fd, set, sentence: set === 'read' ? readable(calls, kind) : writable(calls, kind) };
  }
}

const NOTHING: Sets = { readfds: null, writefds: null, exceptfds: null };

function withoutReady({ errno: code, timeout }: Call): Reason {
  const isTimed = timeout !== null && timeout !== undefined && timeout > 0;
  const sentence = () => {
    if (code === 'EINTR') return 'a signal has interrupted the wait';
    if (code !== undefined) return strerror(errno[code as keyof typeof errno] ?? 0);
    return isTimed ? `nothing was ready within ${durationText(timeout)}` : 'nothing is ready';
  };
  return { fd: null, set: null, sentence: sentence() };
}

function readable(calls: OtherCall[], kind: Kind | undefined): string {
  if (kind === 'listener' || calls.some(({ call }) => call === 'accept')) return 'a connection is waiting';
  const reads = calls.filter(({ call }) => rowOf(call).data === 'received');
  const bytes = reads.reduce((sum, { result }) => sum + Math.max(result, 0), 0);
  const last = reads.findLast(({ errno }) => errno !== 'EAGAIN');
  const isReset = last?.errno === 'ECONNRESET';
  const isEnd = last?.result === 0 && last.errno === undefined;
  if (bytes > 0) {
    const isFull = last !== undefined && last.result === last.length;
    const count = `${isFull ? 'at least ' : ''}${bytes} ${bytes === 1 ? 'byte' : 'bytes'} can be read`;
    return count + (isReset ? ', and after them a reset' : isEnd ? ', and after them the end' : '');
  }
  if (isReset) return 'the peer has reset the connection';
  if (isEnd)
    return kind === 'conn' ? 'the peer has closed: recv returns 0 bytes' : 'the end: read returns 0 bytes';
  if (kind === 'connecting' && last) return 'the connection has failed';
  return 'it can be read';
}

function writable(calls: OtherCall[], kind: Kind | undefined): string {
  const failed = calls.some(({ errno }) => errno === 'EPIPE' || errno === 'ECONNRESET');
  const isRefused = calls.some(
    ({ call, rest = [] }) => call === 'getsockopt' && /\[E?[A-Z1-9]/.test(rest[2] ?? ''),
  );
  if (kind === 'connecting') return isRefused ? 'the connection has failed' : 'it is connected';
  return failed ? 'the peer does not read any more: a send fails' : 'there is room to send';
}
