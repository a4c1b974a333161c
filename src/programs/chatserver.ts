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
 * The server's keyboard is one more source in the same select(): `quit` ends it.
 *
 * Original: chatserver.py. Left out: nothing. Added: input is lines; a line that nobody
 * ends counts after 200 ms; a name is given once; output for those who read slowly.
 */
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { Output, print, Stdin, warn, withoutInvisible } from 'posix-select/terminal';
import { inTurns } from 'posix-select/turns';

/** Bytes for one recv. */
const BUFFER_BYTES = 1024;

/** After this time without more from the client, an unfinished line counts as a line. */
const LINE_TIMEOUT_MS = 200;

const MAX_NAME_BYTES = 12;

const DASHES = '-'.repeat(37);
const QUESTION = 'Please enter your screen name:\n';
const WELCOME = `${DASHES}\nWelcome to the Hackbright Chat Server\n${DASHES}\n${QUESTION}`;

/** select() takes it, and gives it back, because it has a fileno(). */
class Client {
  /** null until it has logged in. */
  name: string | null = null;
  readonly lines = new Lines();
  /** When an unfinished line counts as a line. */
  lineDueMs = 0;

  constructor(readonly conn: Socket) {}

  fileno(): number {
    return this.conn.fileno();
  }
}

/** Without what would confuse a terminal or the protocol; no character is cut. */
function screenName(line: Buffer): string {
  const visible = withoutInvisible(line.toString());
  let name = '';
  for (const char of visible.replaceAll('::', '').trimEnd()) {
    if (Buffer.byteLength(name + char) > MAX_NAME_BYTES) break;
    name += char;
  }
  // A colon at the end would look like one of the two that follow a name.
  return name.replace(/[\s:]+$/, '');
}

export function main(
  args: { host: string; port: number; maxPending: number; maxPendingTotal: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([args.host, args.port]);
  const stdin = new Stdin();
  const clients = new Set<Client>();
  const output = new Output();
  const outbox = new Outbox<Client>(args.maxPending, args.maxPendingTotal);

  function sendToAll(message: string | Buffer): void {
    const data = Buffer.from(message);
    for (const client of clients) if (client.name !== null) outbox.queue(client, data);
  }

  function onConnect(conn: Socket): void {
    const client = new Client(conn);
    clients.add(client);
    print('Incoming Connection');
    outbox.send(client, Buffer.from(WELCOME));
  }

  function onReadable(client: Client): void {
    const data = recvOrEof(client.conn, BUFFER_BYTES);
    onLines(client, client.lines.push(data));
    client.lineDueMs = performance.now() + LINE_TIMEOUT_MS;
    // A readable socket with 0 bytes is at the end of the stream: the peer has closed.
    if (data.length === 0) {
      if (client.lines.pending > 0) onLines(client, [client.lines.take()]);
      onLeave(client);
    }
  }

  function onLines(client: Client, lines: Buffer[]): void {
    const said: Buffer[] = [];
    for (const line of lines) {
      const text = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
      if (client.name === null) {
        onName(client, screenName(text));
      } else if (text.length > 0) {
        print(`${client.name} -> ${text}`);
        said.push(Buffer.from(`${client.name}::`), text, Buffer.from('\n'));
      }
    }
    // Together: a client that says 500 lines at once costs no more than one that says one.
    if (said.length > 0) sendToAll(Buffer.concat(said));
  }

  function onName(client: Client, name: string): void {
    const isTaken = [...clients].some((other) => other.name === name);
    if (name === '' || isTaken) {
      const answer = isTaken ? `${name} is taken.\n${QUESTION}` : QUESTION;
      outbox.send(client, Buffer.from(answer));
      return;
    }
    client.name = name;
    print(`None -> ${name} logged in`);
    sendToAll(`${name} logged in\n`);
  }

  function onLeave(client: Client): void {
    print('client disconnecting');
    clients.delete(client);
    outbox.close(client);
    if (client.name === null) return;
    print(`None -> ${client.name} disconnected`);
    sendToAll(`${client.name} disconnected\n`);
  }

  const unfinished = () => [...clients].filter(({ lines }) => lines.pending > 0);

  /** Seconds until the first unfinished line counts; null without one: for ever. */
  function timeout(): number | null {
    const dueMs = Math.min(...unfinished().map(({ lineDueMs }) => lineDueMs));
    return dueMs === Infinity ? null : Math.max(0, dueMs - performance.now()) / 1000;
  }

  listening(listener.getsockname());
  print(`Listening on :${listener.getsockname()[1]}`);

  while (true) {
    // Without `stop` in rlist, Ctrl-C could not end this wait: it may have no time limit.
    const rlist = [stop, listener, ...clients, ...(stdin.ended ? [] : [stdin])];
    // Only slow readers are in wlist: the others are writable, and select would not wait.
    const wlist = [...outbox.wlist, ...output.wlist];
    const [readable, writable] = select(rlist, wlist, [], timeout());
    if (readable.includes(stop)) break;
    if (
      readable.includes(stdin) &&
      stdin.readLines().some((line) => line.trim() === 'quit')
    ) {
      for (const client of clients)
        outbox.send(client, Buffer.from('Server Shutting Down!\n'));
      break;
    }
    for (const s of writable) if (s instanceof Client) outbox.flush(s);
    output.flush();
    // The longest silent first, for a few ms: who floods the server delays nobody.
    for (const s of inTurns(readable)) {
      // A readable listener has a connection waiting: accept does not block.
      if (s === listener) for (const [conn] of listener.acceptAll()) onConnect(conn);
      if (s instanceof Client) onReadable(s);
    }
    for (const client of unfinished()) {
      if (client.lineDueMs <= performance.now()) onLines(client, [client.lines.take()]);
    }
    // All that the round has brought for a client goes out in one send.
    outbox.sendQueued();
    // After the round, when no broadcast is half done: that they leave is one itself.
    for (const [client, reason] of outbox.lost) {
      warn(`${client.name ?? 'a client without a name'}: ${reason}`);
      onLeave(client);
    }
  }

  listener.close();
  for (const { conn } of clients) conn.close();
  outbox.closeAll();
  output.end();
  return 0;
}
