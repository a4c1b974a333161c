/** A recording that is being written, as a page that grows with it: http on the main thread, server-sent events. */
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OSError } from '../../posix/errors.js';
import { hostPort } from '../../posix/sockaddr.js';
import type { Call, Head } from '../recording/format.js';
import type { StoryData } from '../story/story.js';
import { setsOf } from '../trace/explain.js';
import { StoryBuilder } from './build-story.js';
import { threadOf } from './open.js';
import { page } from './page.js';

/** Milliseconds between two looks at the file. */
const LOOK_MS = 100;

/**
 * Milliseconds for a look: a program may write faster than this reads, and pages, signals and the program's end are to
 * have their turn.
 */
const MAX_LOOK_MS = LOOK_MS / 2;

const CHUNK_BYTES = 1 << 18;

/** What a page has: how much of each part of the story. */
interface Cursor {
  /** the story that it has; another one begins anew */
  epoch: number;
  calls: number;
  waits: number;
  texts: number;
  sets: number;
  reasons: number;
}

/** What has come since: appended to what the page has, or in its place. */
export interface LiveMessage {
  isNew: boolean;
  more: StoryData;
}

const NOTHING: Cursor = { epoch: -1, calls: 0, waits: 0, texts: 0, sets: 0, reasons: 0 };

export class LivePage {
  readonly #tail: Tail;
  readonly #server: Server;
  readonly #clients = new Map<ServerResponse, Cursor>();
  readonly #timer: NodeJS.Timeout;
  #isLocal = true;

  private constructor(file: string) {
    this.#tail = new Tail(file);
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  /**
   * @param file the recording, which grows
   * @param port 0 for a free one
   * @throws OSError where the port cannot be listened on
   */
  static async open(file: string, host: string, port: number): Promise<{ live: LivePage; url: string }> {
    const live = new LivePage(file);
    live.#isLocal = host === '127.0.0.1';
    const listening = once(live.#server, 'listening');
    live.#server.listen(port, host);
    try {
      await listening;
    } catch (err) {
      throw OSError.from(err, hostPort(host, port));
    }
    live.#server.unref();
    const { port: own } = live.#server.address() as AddressInfo;
    return { live, url: `http://${hostPort(host, own)}/` };
  }

  /** The recording is whole: the pages get the rest, and are told that there is no more. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#look(Infinity);
    const ended = [...this.#clients.keys()].map(
      (client) => new Promise<void>((resolve) => client.end('event: end\ndata: {}\n\n', resolve)),
    );
    await Promise.race([Promise.all(ended), new Promise((resolve) => setTimeout(resolve, 300))]);
    this.#server.close();
    this.#tail.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // A page of another site must not read it under a name that leads here.
    const isOwn = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(request.headers.host ?? '');
    if (this.#isLocal && !isOwn) response.writeHead(403).end();
    else if (request.method !== 'GET') response.writeHead(405).end();
    else if (request.url === '/events') this.#follow(response);
    else if (request.url === '/')
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(null));
    else response.writeHead(404).end();
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.on('error', () => {}).on('close', () => this.#clients.delete(response));
    this.#clients.set(response, NOTHING);
    this.#send(response, NOTHING);
  }

  #look(maxMs = MAX_LOOK_MS): void {
    if (this.#tail.read(maxMs)) for (const [response, cursor] of this.#clients) this.#send(response, cursor);
  }

  /** A page that is slow gets its part when it has taken the last: nothing is kept for it. */
  #send(response: ServerResponse, cursor: Cursor): void {
    const story = this.#tail.story;
    if (!story || response.writableNeedDrain) {
      if (response.writableNeedDrain && response.listenerCount('drain') === 0)
        response.once('drain', () => this.#send(response, this.#clients.get(response) ?? NOTHING));
      return;
    }
    const isNew = cursor.epoch !== this.#tail.epoch;
    const from = isNew ? NOTHING : cursor;
    const message: LiveMessage = { isNew, more: since(story, from) };
    this.#clients.set(response, {
      epoch: this.#tail.epoch,
      calls: story.calls[0]?.length ?? 0,
      waits: story.waits[0]?.length ?? 0,
      texts: story.texts.length,
      sets: story.sets.length,
      reasons: story.reasons.length,
    });
    response.write(`data: ${JSON.stringify(message)}\n\n`);
  }
}

function since(story: StoryData, from: Cursor): StoryData {
  return {
    ...story,
    texts: story.texts.slice(from.texts),
    sets: story.sets.slice(from.sets),
    calls: story.calls.map((column) => column.slice(from.calls)),
    waits: story.waits.map((column) => column.slice(from.waits)),
    reasons: story.reasons.slice(from.reasons),
  };
}

/** Reads a recording that grows, and builds the story of the thread that waits first. */
class Tail {
  /** Counts the stories: another one begins when a thread is chosen, or another program is executed. */
  epoch = 0;
  readonly #file: string;
  #fd: number | undefined;
  #at = 0;
  #rest = '';
  #head: Head | undefined;
  #builder: StoryBuilder | undefined;
  #thread: number | undefined;
  /** The calls before the first wait. */
  #setUp: Call[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  get story(): StoryData | undefined {
    return this.#builder?.data;
  }

  /**
   * @param maxMs after which it reads no further
   * @returns whether there is more
   */
  read(maxMs: number): boolean {
    try {
      this.#fd ??= openSync(this.#file, 'r');
    } catch {
      return false; // it is not there yet
    }
    let isMore = false;
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const end = performance.now() + maxMs;
    for (let count = CHUNK_BYTES; count === CHUNK_BYTES && performance.now() < end; ) {
      count = readSync(this.#fd, chunk, 0, CHUNK_BYTES, this.#at);
      this.#at += count;
      // A line has only ASCII beside names: a chunk may end within one, which the next look completes.
      const lines = (this.#rest + chunk.toString('latin1', 0, count)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) isMore = this.#line(Buffer.from(line, 'latin1').toString()) || isMore;
    }
    return isMore;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #line(text: string): boolean {
    const value = JSON.parse(text) as Head | Call | { ended: number };
    if ('format' in value) this.#head = value;
    if (!('call' in value)) return false;
    if (this.#thread === undefined) return this.#beforeWait(value);
    if (threadOf(value, this.#head?.pid).tid !== this.#thread) return false;
    this.#builder?.add(value);
    return true;
  }

  #beforeWait(call: Call): boolean {
    this.#setUp.push(call);
    if (!setsOf(call) || !this.#head) return false;
    this.#thread = threadOf(call, this.#head.pid).tid;
    this.#builder = new StoryBuilder(this.#head, true);
    this.epoch++;
    for (const before of this.#setUp)
      if (threadOf(before, this.#head.pid).tid === this.#thread) this.#builder.add(before);
    this.#setUp = [];
    return true;
  }
}
