/** What the descriptors of a process are, from the calls that made them: without -y strace(1) shows their numbers alone. */
import { addressText } from '../../posix/sockaddr.js';
import type { Ends } from '../recording/format.js';
import { rowOf } from '../trace/syscalls.js';
import type { Made } from './made.js';
import type { ParsedCall } from './syntax.js';
import { endsOf, plainAddress } from './values.js';

interface File {
  isStream: boolean;
  isClosedOnExec: boolean;
  /** a socket's own address: of bind, or of the listener that accepted it */
  own?: string;
  ends?: Ends;
}

/** A descriptor that was open before the first line of the log. */
export interface OpenFile {
  fd: number;
  /** as -yy shows it: `TCP:[127.0.0.1:80->127.0.0.1:9]` */
  file: string;
  isClosedOnExec: boolean;
}

/** Asks the kernel for the addresses of a socket that a process has now; undefined where it has none any more. */
export type AskForEnds = (pid: number, fd: number) => Ends | undefined;

export class Files {
  readonly #pid: number;
  readonly #byFd = new Map<number, File>();
  readonly #ask: AskForEnds | undefined;
  /** Whether the process ran before the log began: it may have opened what no call shows. */
  #hasRunBefore = false;
  #made = 0;

  constructor(pid: number, ask?: AskForEnds, parent?: Files) {
    this.#pid = pid;
    this.#ask = ask;
    if (parent) for (const [fd, file] of parent.#byFd) this.#byFd.set(fd, { ...file });
  }

  endsOf(fd: number): Ends | undefined {
    const file = this.#byFd.get(fd);
    if (file || !this.#hasRunBefore) return file?.ends;
    const ends = this.#ask?.(this.#pid, fd);
    this.#byFd.set(fd, { isStream: ends !== undefined, isClosedOnExec: false, own: ends?.[0], ends });
    return ends;
  }

  /** The process had these open when it was attached to. */
  had(files: OpenFile[]): void {
    this.#hasRunBefore = true;
    for (const { fd, file, isClosedOnExec } of files) {
      const ends = endsOf(file);
      const [, own] = /^TCP(?:v6)?:\[([^>]*)\]$/.exec(file) ?? [];
      this.#byFd.set(fd, {
        isStream: file.startsWith('TCP'),
        isClosedOnExec,
        own: ends?.[0] ?? (own === undefined ? undefined : plainAddress(own)),
        ends,
      });
    }
  }

  closed(fd: number): void {
    this.#byFd.delete(fd);
  }

  /** @returns whether the descriptor is open in the program that the process has become */
  survivesExec(fd: number): boolean {
    const file = this.#byFd.get(fd);
    if (file && !file.isClosedOnExec) return true;
    this.#byFd.delete(fd);
    return false;
  }

  /** Learns what a call has made. */
  learn({ args }: ParsedCall, made: Made): void {
    const { call, fd = -1, result, errno } = made;
    if (call === 'connect' && (errno === undefined || errno === 'EINPROGRESS')) this.#connected(fd, made);
    if (errno !== undefined) return;
    const isClosedOnExec = args.some((arg) => /\w_CLOEXEC\b/.test(arg));
    const open = (made: number, file: Partial<File> = {}) =>
      this.#byFd.set(made, { isStream: false, ...file, isClosedOnExec });
    if (call === 'close') this.closed(fd);
    else if (call === 'socket') open(result, { isStream: /SOCK_(STREAM|SEQPACKET)/.test(args[1] ?? '') });
    else if (call === 'accept') open(result, this.#accepted(fd, made));
    else if (/^dup/.test(call)) open(result, this.#byFd.get(fd));
    else if (call === 'pipe' || call === 'pipe2' || call === 'socketpair') this.#pair(made, open);
    else if (call === 'open' || rowOf(call).makesFd) open(result);
    else this.#changed(args, made);
  }

  /** Calls that change what is known of a descriptor. */
  #changed(args: string[], { call, fd = -1, address }: Made): void {
    const file = this.#byFd.get(fd);
    if (!file) return;
    if (call === 'fcntl' && args[1] === 'F_SETFD') file.isClosedOnExec = (args[2] ?? '').includes('CLOEXEC');
    else if (call === 'ioctl' && args[1] === 'FIOCLEX') file.isClosedOnExec = true;
    else if (call === 'listen') this.#listens(fd, file);
    else if ((call === 'bind' || call === 'getsockname') && address)
      file.own = plainAddress(addressText(address));
  }

  /** The port of a listener that has asked for any. */
  #listens(fd: number, file: File): void {
    if (file.own !== undefined && !file.own.endsWith(':0')) return;
    const [own] = this.#ask?.(this.#pid, fd) ?? [];
    if (own !== undefined) file.own = own;
  }

  #connected(fd: number, { address }: Made): void {
    const file = this.#byFd.get(fd);
    if (!file?.isStream || !address) return;
    file.ends ??= [file.own ?? this.#nameless('connect'), plainAddress(addressText(address))];
  }

  #accepted(fd: number, made: Made): Partial<File> {
    const own = this.#byFd.get(fd)?.own;
    const asked = made.address ? undefined : this.#ask?.(this.#pid, made.result);
    if (asked) made.address = addressOfText(asked[1]);
    const peer = made.address ? plainAddress(addressText(made.address)) : this.#nameless('accept');
    const ends: Ends | undefined = own === undefined ? asked : [asked?.[0] ?? own, peer];
    return ends ? { isStream: true, own: ends[0], ends } : { isStream: true };
  }

  #pair({ call, rest = [] }: Made, open: (fd: number, file: Partial<File>) => void): void {
    const [, one, two] = /\[(\d+), (\d+)\]/.exec(rest.join()) ?? [];
    if (one === undefined || two === undefined) return;
    const name = this.#nameless(call);
    const [a, b] = call === 'socketpair' ? [`${name} a`, `${name} b`] : [name, name];
    open(Number(one), { ends: [a, b] });
    open(Number(two), { ends: [b, a] });
  }

  /** A name for an end that has no address, or none that the calls show. */
  #nameless(call: string): string {
    return `${call} ${this.#pid} ${++this.#made}`;
  }
}

/** `127.0.0.1:80`, `[::1]:80` */
function addressOfText(text: string): [string, number] {
  const at = text.lastIndexOf(':');
  return [text.slice(0, at).replace(/^\[|\]$/g, ''), Number(text.slice(at + 1))];
}
