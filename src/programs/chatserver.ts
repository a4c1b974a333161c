/**
 * chatserver is a chat whose users have names.
 *
 *     $ posix-select chatserver 5555
 *     Listening on :5555
 *     Incoming Connection
 *     None -> FoofusTheCat logged in
 *     FoofusTheCat -> hello
 *     client disconnecting
 *     None -> FoofusTheCat disconnected
 *
 * Input is lines. Many clients send no newline at all: what has stayed without one for a while counts as a line.
 * The server's keyboard is one more source in the same select(): `quit` ends it.
 */
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { print, Stdin, warn } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_SIZE = 1024;

/** Seconds after which a line that has begun counts as ended. */
const PATIENCE = 0.2;

/** Bytes of a screen name, at most. */
const NAME_SIZE = 12;

const DASHES = '-'.repeat(37);
const QUESTION = 'Please enter your screen name:\n';
const WELCOME = `${DASHES}\nWelcome to the Hackbright Chat Server\n${DASHES}\n${QUESTION}`;

interface Client {
  /** null until the first line has told it */
  name: string | null;
  lines: Lines;
  /** When the line that has begun counts as ended, in seconds. */
  due: number;
}

function now(): number {
  return performance.now() / 1000;
}

/** Without what would confuse a terminal or the protocol; cut, but never within a character. */
function screenName(line: Buffer): string {
  const clean = line
    .toString()
    .replace(/\p{Cc}/gu, '')
    .replaceAll('::', '')
    .trimEnd();
  let name = '';
  for (const char of clean) {
    if (Buffer.byteLength(name + char) > NAME_SIZE) break;
    name += char;
  }
  return name.replace(/[\s:]+$/, ''); // a colon at its end would be taken for one of the two behind it
}

export function main(
  args: { host: string; port: number; maxPending: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([args.host, args.port]);
  const stdin = new Stdin();
  const rlist = new Set<number | Socket | Stdin>([stop, listener, stdin]);
  const clients = new Map<Socket, Client>();
  const outbox = new Outbox(args.maxPending);

  /** To all who are logged in. */
  function broadcast(text: string | Uint8Array): void {
    const data = Buffer.from(text);
    for (const [conn, { name }] of clients) if (name !== null) outbox.send(conn, data);
  }

  function connect(conn: Socket): void {
    print('Incoming Connection');
    rlist.add(conn);
    clients.set(conn, { name: null, lines: new Lines(), due: 0 });
    outbox.send(conn, Buffer.from(WELCOME));
  }

  function logIn(conn: Socket, client: Client, line: Buffer): void {
    const name = screenName(line);
    if (name === '') {
      outbox.send(conn, Buffer.from(QUESTION));
      return;
    }
    client.name = name;
    print(`None -> ${name} logged in`);
    broadcast(`${name} logged in\n`);
  }

  function hear(conn: Socket, client: Client, line: Buffer): void {
    const text = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
    if (client.name === null) {
      logIn(conn, client, text);
    } else if (text.length > 0) {
      print(`${client.name} -> ${text}`);
      broadcast(Buffer.concat([Buffer.from(`${client.name}::`), text, Buffer.from('\n')]));
    }
  }

  function serve(conn: Socket, client: Client): void {
    const data = recvOrEof(conn, BUFFER_SIZE);
    for (const line of client.lines.push(data)) hear(conn, client, line);
    client.due = now() + PATIENCE;
    if (data.length > 0) return;
    if (client.lines.pending > 0) hear(conn, client, client.lines.take());
    disconnect(conn, client);
  }

  function disconnect(conn: Socket, { name }: Client): void {
    print('client disconnecting');
    rlist.delete(conn);
    clients.delete(conn);
    outbox.close(conn);
    if (name === null) return;
    print(`None -> ${name} disconnected`);
    broadcast(`${name} disconnected\n`);
  }

  /** Whether the keyboard said to quit. */
  function quits(): boolean {
    const lines = stdin.readLines();
    if (stdin.ended) rlist.delete(stdin);
    return lines.some((line) => line.trim() === 'quit');
  }

  /** Seconds until the first line that has begun is due; null when none has. */
  function patience(): number | null {
    let first = Infinity;
    for (const { lines, due } of clients.values()) if (lines.pending > 0) first = Math.min(first, due);
    return first === Infinity ? null : Math.max(0, first - now());
  }

  listening(listener.getsockname());
  print(`Listening on :${listener.getsockname()[1]}`);

  while (true) {
    const [readable, writable] = select(rlist, outbox.wlist, [], patience());
    if (readable.includes(stop)) break;
    if (readable.includes(stdin) && quits()) {
      for (const conn of clients.keys()) outbox.send(conn, Buffer.from('Server Shutting Down!\n'));
      break;
    }
    for (const conn of writable) outbox.flush(conn);
    for (const s of readable) {
      const client = clients.get(s as Socket);
      if (client) serve(s as Socket, client);
      else if (s === listener) for (const [conn] of listener.acceptAll()) connect(conn);
    }
    for (const [conn, client] of clients) {
      if (client.lines.pending > 0 && client.due <= now()) hear(conn, client, client.lines.take());
    }
    for (const [conn, reason] of outbox.lost) {
      const client = clients.get(conn) as Client;
      warn(`${client.name ?? 'a client without a name'}: ${reason}`);
      disconnect(conn, client);
    }
  }

  for (const open of [listener, ...clients.keys()]) open.close();
  outbox.closeAll();
  return 0;
}
