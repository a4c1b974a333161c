/** The processes and threads in strace(1)'s output: what each knows of its descriptors. */
import { addressText } from '../../posix/sockaddr.js';
import type { Ends } from '../recording/format.js';
import { FdNames } from '../trace/fd-names.js';
import { Interest } from '../trace/interest.js';
import { type AskForEnds, Files, type OpenFile } from './files.js';
import { endsOf, type FdValue, peerOf } from './values.js';

/** What -y shows of a descriptor that is no file on a disk. */
const NOT_A_FILE = /^(TCP|UDP|UNIX|NETLINK|pipe:|socket:|anon_inode:|\/dev\/(pts|tty|null|ptmx))/;

export class Process {
  readonly pid: number;
  readonly names: FdNames;
  readonly files: Files;
  readonly interest = new Interest();
  /** Which descriptor an event of epoll is about: by the set and the data that epoll_ctl gave. */
  readonly epollData = new Map<string, number>();
  readonly #ends = new Map<number, Ends>();
  /** Descriptors of which -y has shown something. */
  readonly #shown = new Set<number>();
  #newEnds: Record<string, Ends> | undefined;
  /** Descriptors that a loop may wait for: sockets, pipes, terminals, and what is in a set. Files on a disk are not. */
  readonly #waitable = new Set<number>([0, 1, 2]);

  constructor(pid: number, program: string, ask?: AskForEnds, parent?: Process) {
    this.pid = pid;
    this.names = new FdNames(program, -1);
    this.files = new Files(pid, ask, parent?.files);
    if (!parent) return;
    this.names.inherit(parent.names);
    for (const fd of parent.#waitable) this.#waitable.add(fd);
    for (const [key, fd] of parent.epollData) this.epollData.set(key, fd);
  }

  /** It ran before the log began, and had these open. */
  had(files: OpenFile[]): void {
    for (const file of files) this.see(file);
    this.files.had(files);
  }

  /** Learns what -y shows of a descriptor, or what the calls that made it have shown. */
  see({ fd, file }: FdValue): void {
    if (fd < 0) return;
    if (file === undefined) {
      const ends = this.#shown.has(fd) ? undefined : this.files.endsOf(fd);
      if (ends) this.#seeEnds(fd, ends);
      return;
    }
    this.#shown.add(fd);
    if (!this.opened(fd, file)) return;
    const ends = endsOf(file);
    if (ends) this.#seeEnds(fd, ends);
  }

  /** @returns whether a loop may wait for such a file */
  opened(fd: number, file: string): boolean {
    if (!NOT_A_FILE.test(file)) {
      if (fd > 2) this.#waitable.delete(fd);
      return false;
    }
    this.#waitable.add(fd);
    if (!this.names.has(fd)) this.#nameBy(fd, file);
    return true;
  }

  /** The ends of connections that have been seen since the last time. */
  takeEnds(): Record<string, Ends> | undefined {
    const ends = this.#newEnds;
    this.#newEnds = undefined;
    return ends;
  }

  #seeEnds(fd: number, ends: Ends): void {
    const known = this.#ends.get(fd);
    if (known === ends || String(known) === String(ends)) return;
    this.#ends.set(fd, ends);
    this.#newEnds ??= {};
    this.#newEnds[fd] = ends;
  }

  isWaitable(fd: number): boolean {
    return this.#waitable.has(fd);
  }

  /** A call has made the descriptor, or works on sockets alone, or waits for it. */
  addWaitable(fd: number): void {
    this.#waitable.add(fd);
  }

  closed(fd: number): void {
    this.interest.closed(fd);
    this.#ends.delete(fd);
    this.#shown.delete(fd);
    if (fd > 2) this.#waitable.delete(fd);
  }

  /** A new program: it has the descriptors of the old one that are not closed by execve. */
  executed(): void {
    for (const fd of this.#waitable) {
      if (fd <= 2 || this.files.survivesExec(fd)) continue;
      this.#waitable.delete(fd);
      this.names.forget(fd);
    }
    this.names.nameStandard();
  }

  #nameBy(fd: number, file: string): void {
    const peer = peerOf(file);
    const [, anonymous] = /^anon_inode:\[?(\w+)/.exec(file) ?? [];
    if (peer) this.names.name(fd, addressText(peer), 'conn');
    else if (anonymous) this.names.name(fd, anonymous.replace('eventpoll', 'epoll'), 'stream');
    else if (file.startsWith('pipe:')) this.names.name(fd, 'pipe', 'stream');
    else if (file.startsWith('UNIX')) this.names.name(fd, 'unix socket', 'conn');
    else if (file.startsWith('/dev/pts') || file.startsWith('/dev/tty'))
      this.names.name(fd, 'terminal', 'stream');
  }
}

export class Processes {
  readonly #program: string;
  readonly #ask: AskForEnds | undefined;
  /** The process of each thread. */
  readonly #byTid = new Map<number, Process>();

  constructor(program: string, ask?: AskForEnds) {
    this.#program = program;
    this.#ask = ask;
  }

  has(tid: number): boolean {
    return this.#byTid.has(tid);
  }

  of(tid: number): Process {
    const known = this.#byTid.get(tid);
    if (known) return known;
    const process = new Process(tid, this.#program, this.#ask);
    this.#byTid.set(tid, process);
    return process;
  }

  /** A process that ran before the log began. */
  attached(pid: number, tids: number[], files: OpenFile[]): void {
    const process = this.of(pid);
    for (const tid of tids) this.#byTid.set(tid, process);
    process.had(files);
  }

  /** A thread has started another one, or a process. */
  started(parent: Process, tid: number, isThread: boolean): void {
    // Its first line may stand before the line of the clone that made it.
    if (this.#byTid.has(tid)) return;
    this.#byTid.set(tid, isThread ? parent : new Process(tid, this.#program, this.#ask, parent));
  }
}
