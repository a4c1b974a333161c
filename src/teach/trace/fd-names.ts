/** What each descriptor is, and what it is called: learned from the calls that are made on it. */
import type { Call, OtherCall } from '../recording/format.js';
import type { Kind, Learner } from './row.js';
import { rowOf } from './syscalls.js';

/** Characters of a name that a user has chosen. */
const MAX_NAME_CHARS = 24;

/** Characters that are kept of what a user without a name has sent. */
const MAX_KEPT_CHARS = 512;

export class FdNames implements Learner {
  readonly kinds = new Map<number, Kind>();
  readonly #names = new Map<number, string>();
  /** What the users who have no name yet have sent, the last one last. */
  readonly #received = new Map<number, string>();
  readonly #findUser: FindUser | undefined;
  #changes: Record<string, string | null> | undefined;

  /**
   * @param program as on the command line: the users of a chat have names
   * @param stop the stop descriptor; below 0 for none
   */
  constructor(program: string, stop: number) {
    this.#findUser = PROGRAMS[program];
    this.nameStandard();
    if (stop >= 0) this.name(stop, 'stop', 'stop');
  }

  nameStandard(): void {
    for (const [fd, name] of ['stdin', 'stdout', 'stderr'].entries())
      if (this.#names.get(fd) !== name) this.name(fd, name, 'stream');
  }

  /** Takes over all names of another process: a child has its parent's descriptors. */
  inherit(parent: FdNames): void {
    for (const fd of [...this.#names.keys()]) if (!parent.#names.has(fd)) this.forget(fd);
    for (const [fd, name] of parent.#names) this.name(fd, name, parent.kinds.get(fd) ?? 'stream');
  }

  /** Whether names are looked for in what goes over descriptors. */
  get readsData(): boolean {
    return this.#findUser !== undefined;
  }

  has(fd: number): boolean {
    return this.#names.has(fd);
  }

  /** Takes in what a call teaches of its descriptor. */
  learn(call: Call, { learn } = rowOf(call.call)): void {
    if (learn && !('nfds' in call) && call.fd !== undefined) learn(this, call, call.fd);
  }

  /** The names that have changed since they were taken last. */
  takeChanges(): Record<string, string | null> | undefined {
    const changes = this.#changes;
    this.#changes = undefined;
    return changes;
  }

  name(fd: number, name: string, kind: Kind): void {
    this.kinds.set(fd, kind);
    this.#names.set(fd, name);
    this.#change(fd, name);
  }

  copy(from: number, to: number): void {
    const name = this.#names.get(from);
    if (name !== undefined && from !== to) this.name(to, name, this.kinds.get(from) ?? 'stream');
  }

  forget(fd: number): void {
    this.#received.delete(fd);
    this.kinds.delete(fd);
    if (this.#names.delete(fd)) this.#change(fd, null);
  }

  transferred(call: OtherCall, fd: number): void {
    const data = this.#findUser && call.data;
    if (!this.#findUser || data === undefined) return;
    const text = Buffer.from(data, 'base64').toString();
    const isReceived = rowOf(call.call).data === 'received';
    if (isReceived && this.kinds.get(fd) === 'conn') {
      const before = this.#received.get(fd) ?? '';
      this.#received.delete(fd);
      this.#received.set(fd, (before + text).slice(0, MAX_KEPT_CHARS));
    }
    const user = this.#findUser({ isReceived, fd, text }, this.#received);
    const name = user?.name.replace(/\p{C}/gu, '').slice(0, MAX_NAME_CHARS);
    if (user && name && this.#names.get(user.fd) !== name) this.name(user.fd, name, 'conn');
  }

  #change(fd: number, name: string | null): void {
    this.#changes ??= {};
    this.#changes[fd] = name;
  }
}

/** Bytes that went over a descriptor, as text. */
interface Transfer {
  isReceived: boolean;
  fd: number;
  text: string;
}

/** The user whose name is in a transfer. */
type FindUser = (
  transfer: Transfer,
  received: Map<number, string>,
) => { fd: number; name: string } | undefined;

/** The programs whose users have names. */
const PROGRAMS: Record<string, FindUser> = {
  /** Each message has its sender's name: `Alice says: hi`. */
  'talk-server': ({ isReceived, fd, text }) => {
    const [, name] = (isReceived && /^\s*<?([^<>\n]+?)>?\s+says\s*:/.exec(text)) || [];
    return name === undefined ? undefined : { fd, name };
  },
  /** The first line is the name; the server removes control characters from it, and prints it. */
  chatserver: ({ isReceived, fd, text }, received) => {
    const [, name] = (!isReceived && fd === 1 && /^None -> (.*) logged in\n$/.exec(text)) || [];
    if (name === undefined) return undefined;
    const isFrom = (sent: string) =>
      sent
        .replace(/\p{Cc}|::/gu, '')
        .trimStart()
        .startsWith(name);
    const user = [...received].findLast(([, sent]) => isFrom(sent));
    if (!user) return undefined;
    received.delete(user[0]);
    return { fd: user[0], name };
  },
};
