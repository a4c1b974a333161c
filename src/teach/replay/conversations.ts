/** Who sends what to whom: calls of several processes, paired by the connection that both see from their ends. */
import type { Call, Ends, OtherCall } from '../recording/format.js';
import type { MessageKind } from '../story/programs.js';
import { rowOf } from '../trace/syscalls.js';

/** Transfers that are paired; of a longer run, the first ones. */
const MAX_TRANSFERS = 20_000;

/** A call in a story: its thread, and its place among the thread's calls. */
export interface Place {
  tid: number;
  call: number;
  /** which of the thread's programs makes it: an execve begins another one */
  program: number;
}

export interface Pair {
  kind: MessageKind;
  from: Place;
  to: Place;
  bytes: number;
}

/** Bytes of one call: where they are in all that goes this way over the connection. */
interface Part {
  place: Place;
  begin: number;
  end: number;
  /** the first of the bytes */
  data: Buffer;
}

/** One way over a connection: from an end to its peer. */
interface Way {
  ends: Ends;
  sent: Part[];
  received: Part[];
  /** the connect that made the connection, and the accept that took it */
  connect?: Place & { at: number };
  accept?: Place & { at: number };
  /** the call that ended it, and the recv that saw the end */
  end?: Place;
  sawEnd?: Place;
}

export class Conversations {
  readonly #ways = new Map<string, Way>();
  /** The ends of each process's descriptors, by `pid fd`. */
  readonly #ends = new Map<string, Ends>();
  /** Connects whose ends the next call on the descriptor will show. */
  readonly #connects = new Map<string, Place & { at: number }>();
  #transfers = 0;

  /** Whether there were more transfers than are paired. */
  get isCut(): boolean {
    return this.#transfers > MAX_TRANSFERS;
  }

  add(call: Call, pid: number, place: Place): void {
    for (const [fd, ends] of Object.entries(call.ends ?? {})) this.#learn(`${pid} ${fd}`, ends);
    if ('nfds' in call) return;
    const { fd = -1, errno } = call;
    const key = `${pid} ${fd}`;
    if (call.call === 'connect' && (errno === undefined || errno === 'EINPROGRESS'))
      this.#connected(key, { ...place, at: call.at });
    if (call.call === 'exited' || call.call === 'killed') this.#exit(pid, place);
    if (errno !== undefined) return;
    if (call.call === 'accept')
      this.#accept(this.#ends.get(`${pid} ${call.result}`), { ...place, at: call.at + call.took });
    const ends = this.#ends.get(key);
    if (!ends) return;
    if (call.call === 'shutdown' && call.rest?.[0] !== 'SHUT_RD') this.#way(ends).end = place;
    else if (call.call === 'close') this.#close(key, ends, place);
    else this.#transfer(call, ends, place);
  }

  /** What was sent and received, with the connects and the ends. */
  pairs(): Pair[] {
    this.#joinHalves();
    return [...this.#ways.values()].flatMap(({ sent, received, connect, accept, end, sawEnd }) => {
      const pairs = transfers(sent, received) ?? [];
      if (connect && accept) pairs.push({ kind: 'connect', from: connect, to: accept, bytes: 0 });
      if (end && sawEnd) pairs.push({ kind: 'end', from: end, to: sawEnd, bytes: 0 });
      return pairs.filter(({ from, to }) => from.tid !== to.tid);
    });
  }

  #learn(key: string, ends: Ends): void {
    this.#ends.set(key, ends);
    const connect = this.#connects.get(key);
    if (connect) this.#way(ends).connect ??= connect;
    this.#connects.delete(key);
  }

  #connected(key: string, place: Place & { at: number }): void {
    const ends = this.#ends.get(key);
    if (ends) this.#way(ends).connect ??= place;
    else this.#connects.set(key, place);
  }

  #accept(ends: Ends | undefined, place: Place & { at: number }): void {
    if (ends) this.#way([ends[1], ends[0]]).accept ??= place;
  }

  #close(key: string, ends: Ends, place: Place): void {
    this.#ends.delete(key);
    this.#way(ends).end = place;
  }

  #exit(pid: number, place: Place): void {
    for (const [key, ends] of this.#ends) if (key.startsWith(`${pid} `)) this.#close(key, ends, place);
  }

  #transfer({ call, rest, result, data = '' }: OtherCall, [own, peer]: Ends, place: Place): void {
    const direction = rowOf(call).data;
    if (direction === null || result < 0 || rest?.[0]?.includes('MSG_PEEK')) return;
    const isSent = direction === 'sent';
    const way = this.#way(isSent ? [own, peer] : [peer, own]);
    if (result === 0) {
      if (!isSent) way.sawEnd ??= place;
      return;
    }
    if (++this.#transfers > MAX_TRANSFERS) return;
    const parts = isSent ? way.sent : way.received;
    const begin = parts.at(-1)?.end ?? 0;
    parts.push({ place, begin, end: begin + result, data: Buffer.from(data, 'base64') });
  }

  /**
   * A client's calls do not show its own port, nor those of a server on 0.0.0.0 its address: the connect is that of the
   * next accept of the server's port that has the same bytes.
   */
  #joinHalves(): void {
    const all = [...this.#ways.values()];
    const connects = all.filter(({ connect, accept }) => connect && !accept).sort(by('connect'));
    const accepts = all.filter(({ connect, accept }) => accept && !connect).sort(by('accept'));
    for (const client of connects) {
      const server = accepts.find((way) => isSameConnection(client, way) && this.#agree(client, way));
      if (!server) continue;
      accepts.splice(accepts.indexOf(server), 1);
      this.#join(client, server);
    }
  }

  #agree({ ends: [from, to], ...client }: Way, { ends: [peer, own], ...server }: Way): boolean {
    const answered = this.#way([own, peer]).sent;
    const answers = this.#way([to, from]).received;
    return transfers(client.sent, server.received) !== null && transfers(answered, answers) !== null;
  }

  #join({ ends: [from, to], ...client }: Way, server: Way): void {
    const [peer, own] = server.ends;
    const [back, answer] = [this.#way([to, from]), this.#way([own, peer])];
    Object.assign(
      server,
      { sent: client.sent },
      client.connect && { connect: client.connect },
      client.end && { end: client.end },
    );
    Object.assign(answer, { received: back.received }, back.sawEnd && { sawEnd: back.sawEnd });
    this.#ways.delete(`${from}>${to}`);
    this.#ways.delete(`${to}>${from}`);
  }

  #way(ends: Ends): Way {
    const key = ends.join('>');
    const way = this.#ways.get(key) ?? { ends, sent: [], received: [] };
    this.#ways.set(key, way);
    return way;
  }
}

const by = (end: 'connect' | 'accept') => (a: Way, b: Way) => (a[end]?.at ?? 0) - (b[end]?.at ?? 0);

/** An end that the calls do not name: see Files. */
const NAMELESS = /^(?:connect|accept) \d+ \d+$/;

const ANY_HOST = /^(?:0\.0\.0\.0|\[::\]):/;

/** Whether both can be one connection, by the addresses and the times that their processes know. */
function isSameConnection(client: Way, server: Way): boolean {
  const [[from, to], [peer, own]] = [client.ends, server.ends];
  const isServer = own === to || (ANY_HOST.test(own) && portOf(own) === portOf(to));
  const isClient = from === peer || NAMELESS.test(from) || NAMELESS.test(peer);
  return isServer && isClient && (client.connect?.at ?? 0) <= (server.accept?.at ?? 0);
}

const portOf = (address: string) => address.slice(address.lastIndexOf(':'));

/** Each send with the recvs that have taken its bytes. null where the bytes differ at both ends: they are not those of one way, or it was seen in part. */
function transfers(sent: Part[], received: Part[]): Pair[] | null {
  const pairs: Pair[] = [];
  let first = 0;
  for (const to of received) {
    while ((sent[first]?.end ?? Number.POSITIVE_INFINITY) <= to.begin) first++;
    for (let i = first; (sent[i]?.begin ?? to.end) < to.end; i++) {
      const from = sent[i] as Part;
      const begin = Math.max(from.begin, to.begin);
      const bytes = Math.min(from.end, to.end) - begin;
      if (!agree(from, to, begin, bytes)) return null;
      pairs.push({ kind: 'data', from: from.place, to: to.place, bytes });
    }
  }
  return pairs;
}

/** Whether both have the same bytes, as far as these are recorded. */
function agree(from: Part, to: Part, begin: number, bytes: number): boolean {
  const bytesOf = ({ data, begin: first }: Part) => data.subarray(begin - first, begin - first + bytes);
  const [a, b] = [bytesOf(from), bytesOf(to)];
  const length = Math.min(a.length, b.length);
  return a.subarray(0, length).equals(b.subarray(0, length));
}
