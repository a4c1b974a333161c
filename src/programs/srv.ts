/**
 * srv is a chat: what one says, all others get.
 *
 *     $ posix-select srv 127.0.0.1 34911
 *     Chat Server started on port 34911.
 *     > New user 127.0.0.1:56152 entered. (1 user online)
 *     > New user 127.0.0.1:56166 entered. (2 users online)
 *     [127.0.0.1:56152] hello
 *     < The user 127.0.0.1:56166 left (1 user online)
 *
 * Original: srv.py, where the listener is welcome_sock, rlist is conn_list, and a client
 * is a user. Left out: nothing. Added: output for those who read slowly, `--framing`.
 *
 * A message is what one recv gets: two quick messages may run together. With `--framing
 * line` each ends in a newline, and is put together again from the stream.
 */
import { StringDecoder } from 'node:string_decoder';
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { Output, print, warn } from 'posix-select/terminal';
import { inTurns } from 'posix-select/turns';

/** Bytes for one recv. */
const BUFFER_BYTES = 1024;

/** select() takes it, and gives it back, because it has a fileno(). */
class Client {
  /** With `--framing line`: puts the messages together. */
  readonly lines = new Lines();
  /** Without: keeps the first bytes of a character until its last one has come. */
  readonly text = new StringDecoder('utf8');

  constructor(
    readonly conn: Socket,
    /** `127.0.0.1:56152` */
    readonly name: string,
  ) {}

  fileno(): number {
    return this.conn.fileno();
  }
}

export function main(
  args: {
    host: string;
    port: number;
    framing: 'none' | 'line';
    maxPending: number;
    maxPendingTotal: number;
  },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([args.host, args.port]);
  const clients = new Set<Client>();
  const output = new Output();
  const outbox = new Outbox<Client>(args.maxPending, args.maxPendingTotal);
  const hasLines = args.framing === 'line';

  const online = () => `(${clients.size} ${clients.size < 2 ? 'user' : 'users'} online)`;

  function framed(message: string | Buffer): Buffer {
    return Buffer.concat([Buffer.from(message), Buffer.from(hasLines ? '\n' : '')]);
  }

  function sendToOthers(client: Client, data: Buffer): void {
    for (const other of clients) {
      if (other === client) continue;
      // With framing, what a round brings goes out together; without, each by itself.
      if (hasLines) outbox.queue(other, data);
      else outbox.send(other, data);
    }
  }

  function onConnect(conn: Socket, [host, port]: Address): void {
    const client = new Client(conn, `${host}:${port}`);
    clients.add(client);
    outbox.send(client, framed(`> Connected to the chat server ${online()}`));
    const message = `> New user ${client.name} entered. ${online()}`;
    print(message);
    sendToOthers(client, framed(message));
  }

  function onReadable(client: Client): void {
    const data = recvOrEof(client.conn, BUFFER_BYTES);
    // A readable socket with 0 bytes is at the end of the stream: the peer has closed.
    if (data.length === 0) {
      if (client.lines.pending > 0) onMessages(client, [client.lines.take()]);
      onLeave(client);
    } else if (hasLines) {
      onMessages(client, client.lines.push(data));
    } else {
      onMessages(client, [data]);
    }
  }

  function onMessages(client: Client, messages: Buffer[]): void {
    const start = `[${client.name}] `;
    for (const message of messages)
      print(`${start}${hasLines ? message : client.text.write(message)}`);
    // Together: a client that says 500 lines at once costs no more than one that says one.
    const data = messages.map((message) =>
      framed(Buffer.concat([Buffer.from(start), message])),
    );
    if (data.length > 0) sendToOthers(client, Buffer.concat(data));
  }

  function onLeave(client: Client): void {
    clients.delete(client);
    outbox.close(client);
    const message = `< The user ${client.name} left ${online()}`;
    print(message);
    sendToOthers(client, framed(message));
  }

  const [, port] = listener.getsockname();
  listening(listener.getsockname());
  print(`Chat Server started on port ${port}.`);

  while (true) {
    // Without `stop` in rlist, Ctrl-C could not end this wait: it has no time limit.
    // Only slow readers are in wlist: the others are writable, and select would not wait.
    const wlist = [...outbox.wlist, ...output.wlist];
    const [readable, writable] = select([stop, listener, ...clients], wlist, []);
    if (readable.includes(stop)) break;
    for (const s of writable) if (s instanceof Client) outbox.flush(s);
    output.flush();
    // The longest silent first, for a few ms: who floods the server delays nobody.
    for (const s of inTurns(readable)) {
      // A readable listener has a connection waiting: accept does not block.
      if (s === listener)
        for (const [conn, from] of listener.acceptAll()) onConnect(conn, from);
      if (s instanceof Client) onReadable(s);
    }
    outbox.sendQueued();
    // After the round, when no broadcast is half done: that they leave is one itself.
    for (const [client, reason] of outbox.lost) {
      warn(`${client.name}: ${reason}`);
      onLeave(client);
    }
  }

  print('KeyboardInterrupt');
  listener.close();
  for (const { conn } of clients) conn.close();
  outbox.closeAll();
  output.end();
  return 0;
}
