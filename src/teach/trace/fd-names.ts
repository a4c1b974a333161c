/** What each descriptor is, and what it is called: learned from the calls that are made on it. */
import { addressText } from '../../posix/sockaddr.js';
import type { Call, OtherCall } from '../recording/format.js';

export type Kind = 'stop' | 'listener' | 'conn' | 'connecting' | 'stream';

/** Characters of a name that a user has chosen. */
const LONGEST = 24;

/** Characters that are kept of what a nameless user has said. */
const HEARD = 512;

export class FdNames {
  readonly kinds = new Map<number, Kind>();
  readonly #names = new Map<number, string>();
  /** What those who have no name yet have said, the last speaker last. */
  readonly #heard = new Map<number, string>();
  readonly #learnUser: LearnUser | undefined;
  #changes: Record<string, string | null> | undefined;

  /** @param program as on the command line: a chat's users have names */
  constructor(program: string, stop: number) {
    this.#learnUser = USERS[program];
    for (const [fd, name] of [
      [0, 'stdin'],
      [1, 'stdout'],
      [2, 'stderr'],
      [stop, 'stop'],
    ] as const) {
      this.#call(fd, name, name === 'stop' ? 'stop' : 'stream');
    }
  }

  /** What descriptors are now called, where this call has changed it or the ones before the first. */
  learn(call: Call): Record<string, string | null> | undefined {
    if (!('nfds' in call) && call.fd !== undefined) this.#learn(call, call.fd);
    const changes = this.#changes;
    this.#changes = undefined;
    return changes;
  }

  #learn(call: OtherCall, fd: number): void {
    const ok = call.errno === undefined;
    if (call.call === 'recv' || call.call === 'send' || call.call === 'write') {
      if (ok) this.#learnName(call, fd);
    } else if (call.call === 'listen') {
      if (ok) this.#call(fd, 'listener', 'listener');
    } else if (call.call === 'accept') {
      if (ok) this.#call(call.result, (call.address && addressText(call.address)) || 'client', 'conn');
    } else if (call.call === 'connect') {
      if (ok || call.errno === 'EINPROGRESS') this.#call(fd, 'server', ok ? 'conn' : 'connecting');
    } else if (call.call === 'close') {
      this.#heard.delete(fd);
      this.kinds.delete(fd);
      if (this.#names.delete(fd)) this.#change(fd, null);
    }
  }

  #learnName(call: OtherCall, fd: number): void {
    if (!this.#learnUser || call.data === undefined) return;
    const text = Buffer.from(call.data, 'base64').toString();
    if (call.call === 'recv' && this.kinds.get(fd) === 'conn') {
      const heard = (this.#heard.get(fd) ?? '') + text;
      this.#heard.delete(fd);
      this.#heard.set(fd, heard.slice(0, HEARD));
    }
    const [user, name] = this.#learnUser(call.call, fd, text, this.#heard) ?? [fd, ''];
    const clean = name.replace(/\p{C}/gu, '').slice(0, LONGEST);
    if (clean !== '' && this.#names.get(user) !== clean) this.#call(user, clean, 'conn');
  }

  #call(fd: number, name: string, kind: Kind): void {
    this.kinds.set(fd, kind);
    this.#names.set(fd, name);
    this.#change(fd, name);
  }

  #change(fd: number, name: string | null): void {
    this.#changes ??= {};
    this.#changes[fd] = name;
  }
}

/** Which descriptor's user has which name, where the bytes of a call tell it. */
type LearnUser = (
  call: string,
  fd: number,
  text: string,
  heard: Map<number, string>,
) => [fd: number, name: string] | undefined;

/** The programs whose users have names. */
const USERS: Record<string, LearnUser> = {
  /** A user says it with each message: `Alice says: hi`. */
  'talk-server': (call, fd, text) => {
    const says = call === 'recv' ? /^\s*<?([^<>\n]+?)>?\s+says\s*:/.exec(text) : null;
    return says ? [fd, says[1]] : undefined;
  },
  /** The first line is the name, which the server makes presentable, and tells on stdout. */
  chatserver: (call, fd, text, heard) => {
    const loggedIn = call === 'write' && fd === 1 ? /^None -> (.*) logged in\n$/.exec(text) : null;
    if (!loggedIn) return undefined;
    const [, name] = loggedIn;
    for (const [user, said] of [...heard].reverse()) {
      if (
        !said
          .replace(/\p{Cc}|::/gu, '')
          .trimStart()
          .startsWith(name)
      )
        continue;
      heard.delete(user);
      return [user, name];
    }
    return undefined;
  },
};
