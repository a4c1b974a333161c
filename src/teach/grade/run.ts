/** One run of a student's program, with its clients: what the checks of an assignment look at. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { addressText } from '../../posix/sockaddr.js';
import type { TcpSocket } from '../observe/proc.js';
import { sentence, type ThreadState } from '../observe/snapshot.js';
import { UserError } from '../user-error.js';
import { Client } from './client.js';
import { diagnose, hintFor, hintForEnded, hintForNotReading } from './diagnosis.js';
import { Lost, NotStarted } from './failure.js';
import { freePort, isFreeForIPv4, listening } from './ports.js';
import { unreadInput } from './socket-queues.js';
import { cut, Submission } from './submission.js';

export interface Options {
  command: string[];
  /** the port that the server is to listen on; a free one if none */
  port?: number;
  /** arguments that come after the command's own, unless a check has others */
  more?: string[];
  /** seconds that each answer may take */
  timeout: number;
}

/** How many times longer than for an answer a program may take to start. */
const START = 5;

/** What a program does is what most of this many looks show … */
export const LOOKS = 20;
/** … so many milliseconds apart. */
const INTERVAL = 15;

/** More bytes than a reader wants to see. */
const LONG = 200;

/** What to do where only signs are wrong. */
const SIGNS =
  'the words are right; compare the rest with the assignment, letter by letter: capitals, quotes, spaces, newlines';

/** A program that so many looks show at rest will not answer any more, however busy the machine is. */
const AT_REST = 2 * LOOKS;

export class Run {
  readonly #options: Options;
  readonly #clients: Client[] = [];
  #submission?: Submission;
  #server?: Server;
  #host = '127.0.0.1';
  #port = 0;
  /** The last looks at the program. */
  #looks: ThreadState[][] = [];
  /** What costs no points and is worth knowing. */
  readonly notes: string[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  /** The port that the server is to listen on. */
  get port(): number {
    return this.#port;
  }

  /** What the program has printed so far. */
  get stdout(): string {
    return this.#submission?.stdout ?? '';
  }

  get isRunning(): boolean {
    return this.#submission !== undefined && !this.ended;
  }

  /** How it ended, once it has: not while what it has put into the background still listens. */
  get ended(): string | undefined {
    const { ended } = this.program;
    return ended && this.#listeners().some(({ local }) => local[1] === this.#port) ? undefined : ended;
  }

  /** The program, which must have been started. */
  get program(): Submission {
    if (!this.#submission) throw new Error('the program has not been started');
    return this.#submission;
  }

  /** Starts the program. `{port}` in the command is the port. @param more arguments that come after the command's own */
  async start(more = this.#options.more ?? [], port?: number): Promise<Submission> {
    this.#port = port ?? this.#options.port ?? (await freePort());
    const args = [...this.#options.command, ...more].map((arg) =>
      arg.replaceAll('{port}', String(this.#port)),
    );
    this.#submission = new Submission(args);
    return this.#submission;
  }

  /** Starts the program and waits until it listens. @throws NotStarted */
  async listen(more?: string[], port?: number): Promise<Submission> {
    const server = await this.start(more, port);
    const expected = `a server that listens on port ${this.port}`;
    const begin = performance.now();
    let elsewhere = Infinity; // since when
    await this.#answer(async () => {
      const found = await this.#listener();
      if (found || this.#listeners().length === 0) return found;
      elsewhere = Math.min(elsewhere, performance.now());
      return performance.now() - elsewhere > this.#options.timeout * 1000 && 'elsewhere';
    }, START);
    // It may have begun to listen after the last look.
    if (await this.#listener()) return server;
    if (server.ended)
      throw new NotStarted({
        expected,
        seen: `it ended before a client could connect: ${this.howItEnded()}`,
        hint: server.exitCode
          ? 'run the command yourself, and read the error from its last line up'
          : hintForEnded(server.ended, server.complaint),
      });
    const others = this.#listeners().filter(({ local }) => local[1] !== this.#port);
    if (others.length > 0)
      throw new NotStarted({
        expected,
        seen: `it listens on ${others.map(({ local }) => addressText(local)).join(', ')}`,
        hint: 'the port is the one on the command line',
      });
    const limit = this.#options.timeout * START;
    const within = performance.now() - begin > limit * 1000 ? ` within ${limit} s` : '';
    const { seen, call } = diagnose(this.#looks);
    throw new NotStarted({
      expected,
      seen: `it did not listen${within}: ${seen}`,
      hint:
        call === 'endless'
          ? hintFor(call)
          : 'a socket takes connections only after bind() and listen(): what comes before them?',
    });
  }

  /**
   * Listens itself, starts the program and waits until it connects.
   *
   * @throws NotStarted; OSError when the port is in use
   */
  async accept(): Promise<Client> {
    let client: Client | undefined;
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      client ??= new Client(socket);
    });
    this.#server = server;
    await listening(server, this.#options.port ?? 0);
    const { port } = server.address() as AddressInfo;
    const program = await this.start(undefined, port);
    await this.#answer(() => client, START);
    if (client) {
      this.#clients.push(client);
      return client;
    }
    const seen = program.ended ? `it ended before: ${this.howItEnded()}` : diagnose(this.#looks).seen;
    throw new NotStarted({
      expected: `a client that connects to port ${port}`,
      seen,
      hint: 'a client needs socket() and connect(), with the host and the port of the command line',
    });
  }

  /**
   * Connects a client to the server.
   *
   * @param isNarrow for which the kernel keeps little
   * @throws Lost
   */
  async connect(isNarrow = false): Promise<Client> {
    try {
      const connect = isNarrow ? Client.connectNarrow : Client.connect;
      const client = await connect(this.#host, this.#port, this.#options.timeout);
      this.#clients.push(client);
      return client;
    } catch (err) {
      const { code } = err as NodeJS.ErrnoException;
      await this.answer(() => false); // it may be about to end
      const why = code === 'ETIMEDOUT' ? 'so many wait to be accepted that the kernel takes no more' : code;
      const hint = code === 'ECONNREFUSED' ? 'a listener that is closed takes no client' : hintFor('other');
      throw await this.unanswered(`a client can connect to port ${this.#port}`, why ?? '', hint);
    }
  }

  /** What the threads of the program wait in; nothing where that cannot be seen. */
  look(): ThreadState[] {
    try {
      return this.program.look();
    } catch (err) {
      if (err instanceof UserError) return [];
      throw err;
    }
  }

  /**
   * Waits until `condition` holds.
   *
   * @param condition is asked again and again, with what the threads of the program wait in
   * @returns what it gave; undefined when the time is over, or when the program has ended or come to rest before
   */
  answer<T>(condition: (all: ThreadState[]) => T | Promise<T>): Promise<T | undefined> {
    return this.#answer(condition, 1);
  }

  async #answer<T>(condition: (all: ThreadState[]) => T | Promise<T>, times: number): Promise<T | undefined> {
    const deadline = performance.now() + this.#options.timeout * times * 1000;
    let before = '';
    for (let looks = 1, still = 1; ; looks++) {
      const ended = this.program.isGone;
      if (ended) await this.program.drain();
      const all = this.look();
      this.#looks = [...this.#looks.slice(1 - LOOKS), all];
      const value = await condition(all);
      if (value) return value;
      const now = rest(all);
      still = now && now === before ? still + 1 : 1;
      before = now;
      // On a busy machine the time may be over before it has been looked at often enough.
      if (ended || still > AT_REST || (performance.now() > deadline && looks > LOOKS)) return undefined;
      await pause(INTERVAL);
    }
  }

  /** Waits until nothing moves any more: in what the program prints, and in what its sockets have taken and sent. */
  async settles(): Promise<void> {
    const deadline = performance.now() + START * this.#options.timeout * 1000;
    const moved = (all: ThreadState[]) => `${this.stdout.length} ${flow(all)}`;
    let before = '';
    for (
      let now = moved(this.look());
      now !== before && performance.now() < deadline;
      now = moved(this.look())
    ) {
      before = now;
      await this.answer((all) => moved(all) !== before);
    }
  }

  /** Waits until the program shows a text, in a line that need not be whole. @throws Lost */
  async shows(text: RegExp, expected: string, hint: string): Promise<string> {
    const find = () => this.stdout.split('\n').find((line) => text.test(line));
    const found = await this.answer(find);
    if (found !== undefined) return `it printed: ${cut(found)}`;
    throw await this.unanswered(`it prints ${expected}`, this.printed, hint, text);
  }

  /** Waits until the program prints a line, which is whole. @throws Lost */
  async prints(line: RegExp, expected: string, hint: string): Promise<string> {
    const find = () => this.program.lines.find((text) => line.test(text));
    const found = await this.answer(find);
    if (found !== undefined) return `it printed: ${found}`;
    const isNear = this.program.lines.some((text) => sameWords(text, expected));
    throw await this.unanswered(`it prints ${expected}`, this.printed, isNear ? SIGNS : hint, line);
  }

  /** Waits until a client has received so many bytes, has been closed, or receives no more. */
  async arrives(client: Client, bytes: number): Promise<void> {
    const isDone = () => client.received.length >= bytes || client.ended;
    for (let size = -1; size !== client.received.length && !isDone(); ) {
      size = client.received.length;
      await this.answer(() => client.received.length > size || client.ended);
    }
  }

  /**
   * Waits until a client has received these bytes, and no others.
   *
   * @param text a character for each byte
   * @param who the client, for the reader
   * @throws Lost
   */
  async receives(client: Client, text: string, who: string, hint: string): Promise<string> {
    await this.arrives(client, text.length);
    const got = client.received;
    client.received = '';
    if (got === text) return `${who} received ${shown(text)}`;
    throw await this.#missed(client, text, got, who, hint);
  }

  /** Waits until a client has received this text, whatever comes with it. @throws Lost */
  async hears(client: Client, text: string, who: string, hint: string): Promise<string> {
    if (await this.answer(() => client.received.includes(text))) return `${who} received ${shown(text)}`;
    throw await this.#missed(client, text, client.received, who, hint);
  }

  #missed(client: Client, text: string, got: string, who: string, hint: string): Promise<Lost> {
    const closed = client.ended ? ', and the connection was closed' : '';
    const seen = `it received ${shown(got, text)}${closed}`;
    const isNear = text.length <= LONG && sameWords(got, text);
    return this.unanswered(`${who} receives ${shown(text)}`, seen, isNear ? SIGNS : hint);
  }

  /**
   * What a check throws. If the program has ended, that is what was seen, before all else.
   *
   * @param line what was missing on stdout, whole or not
   */
  lost(expected: string, seen: string, hint: string, line?: RegExp): Lost {
    const missing = line && !hasLine(this.stdout, line) ? line : undefined;
    if (!this.ended) return new Lost({ expected, seen, hint }, missing);
    return new Lost(
      {
        expected,
        seen: `the program ended: ${this.howItEnded()}`,
        hint: hintForEnded(this.ended, this.program.complaint),
      },
      missing,
    );
  }

  /** The same where an answer is missing: a program that does not take what comes for it cannot answer. */
  async unanswered(expected: string, seen: string, hint: string, line?: RegExp): Promise<Lost> {
    if (line && hasLine(this.program.stderr, line))
      return this.lost(
        expected,
        'it printed that on stderr',
        'what a program has to say goes to stdout',
        line,
      );
    let left: string | undefined;
    // What has only just come may be taken in a moment.
    await this.answer((all) => {
      left = unreadInput(this, this.#clients, all);
      return left === undefined;
    });
    if (left === undefined) return this.lost(expected, seen, hint, line);
    const found = diagnose(this.#looks);
    return this.lost(expected, `${seen}; ${left}: ${found.seen}`, hintForNotReading(found.call), line);
  }

  howItEnded(): string {
    return [this.program.ended, this.program.complaint].filter(Boolean).join(': ');
  }

  /** What was printed last. */
  get printed(): string {
    const rest = this.stdout.slice(this.stdout.lastIndexOf('\n') + 1);
    if (rest) return `it printed last, without a newline at its end: ${cut(rest)}`;
    const last = this.program.lines.at(-1);
    return last === undefined ? 'it printed nothing' : `the last line that it printed: ${cut(last)}`;
  }

  /**
   * Ends the run.
   *
   * @param gently by Ctrl-C
   * @returns what costs no points and is worth knowing
   */
  async end(gently: boolean): Promise<string[]> {
    for (const client of this.#clients) client.destroy();
    this.#server?.close();
    const program = this.#submission;
    if (!program) return this.notes;
    if (program.ended || !gently) {
      await program.destroy();
      return this.notes;
    }
    const { ignored, leftBehind } = await program.interrupt();
    const notes = [...this.notes, ...leftBehind.map(({ name }) => `it left a process behind: ${name}`)];
    return ignored ? [...notes, 'Ctrl-C (SIGINT) did not end it within 2 s: it had to be killed'] : notes;
  }

  async #listener(): Promise<true | undefined> {
    if (this.look().length === 0) return (await this.#takesConnections()) || undefined;
    const listener = this.#listeners().find(({ local }) => local[1] === this.#port);
    if (!listener) return undefined;
    const [host] = listener.local;
    if (host === '::' && isFreeForIPv4(this.#port)) this.#host = '::1';
    else if (!['0.0.0.0', '::'].includes(host)) this.#host = host;
    return true;
  }

  async #takesConnections(): Promise<boolean> {
    const client = await Client.connect(this.#host, this.#port, this.#options.timeout).catch(() => undefined);
    client?.destroy();
    return client !== undefined;
  }

  /** The listening sockets that it has, as far as that can be seen. */
  #listeners(): TcpSocket[] {
    const sockets = this.look().flatMap(({ descriptors }) => [...descriptors.values()]);
    return sockets.flatMap(({ tcp }) => (tcp?.state === 'LISTEN' ? [tcp] : []));
  }
}

/** Whether a line matches, be it whole or not. */
export function hasLine(text: string, line: RegExp): boolean {
  return new RegExp(line, `${line.flags}m`).test(text);
}

/** Bytes for a reader; of many only how many there are, and how many of them are as they should be. */
function shown(text: string, wanted = text): string {
  if (text === '') return 'nothing';
  if (text.length <= LONG && wanted.length <= LONG) return JSON.stringify(text);
  const right = [...text].findIndex((byte, i) => byte !== wanted[i]);
  return `${text.length} bytes${right < 0 ? '' : `, the first ${right} of them right`}`;
}

function sameWords(a: string, b: string): boolean {
  const words = (text: string) =>
    text
      .replaceAll("b'", "'")
      .toLowerCase()
      .match(/[a-z0-9]+/g);
  return String(words(a)) === String(words(b));
}

/** What has been left of what its sockets have received, and of what they have sent. */
function flow(all: ThreadState[]): string {
  const sockets = all.flatMap(({ descriptors }) => [...descriptors.values()]);
  return sockets.flatMap(({ tcp }) => (tcp ? [`${tcp.unread} ${tcp.unsent}`] : [])).join();
}

/** What the threads wait in, if they will wait there until something comes from outside; '' if not. */
function rest(all: ThreadState[]): string {
  const isAtRest = ({ call, timeout, fds, descriptors }: ThreadState) =>
    call !== 'running' &&
    call !== 'nanosleep' &&
    typeof timeout !== 'number' &&
    !fds.some(({ fd }) => descriptors.get(fd)?.tcp?.unread);
  return all.every(isAtRest) ? all.map((seen) => `${seen.tid} ${sentence(seen)}`).join() : '';
}
