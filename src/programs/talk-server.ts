/**
 * talk-server relays what each client sends to all others, byte for byte.
 *
 *     $ posix-select talk-server -v
 *     listening on 127.0.0.1, 12345
 *     new connection from 127.0.0.1, 50312
 *     127.0.0.1, 50312 is Alice
 *     relayed 15 bytes from Alice to 1 other
 *     Alice (127.0.0.1, 50312) disconnected
 *
 * `/who:` is answered to the client that asks, with who is connected.
 *
 * Original: talk_server.py, where rlist is socks. Left out: nothing; `/who:` is its part
 * for honours. Added: a name is given once; output for those who read slowly.
 */
import { select } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { Output, print, warn, withoutInvisible } from 'posix-select/terminal';
import { inTurns } from 'posix-select/turns';

/** Bytes for one recv, which are taken for one message. */
const BUFFER_BYTES = 1024;

/** `Alice says: hi`; from other clients also `Alice says:hi`, `<Alice> says : hi`. */
const SAYS = /\ssays\s*:/;

const WHO = /^\s*\/who:?\s*$/;

/** select() takes it, and gives it back, because it has a fileno(). */
class Client {
  name = '<unknown>';

  constructor(
    readonly conn: Socket,
    /** `127.0.0.1, 50312` */
    readonly address: string,
  ) {}

  fileno(): number {
    return this.conn.fileno();
  }
}

/** Who speaks, if the message says that, and what is said. */
function parse(text: string): [name: string | null, said: string] {
  const says = SAYS.exec(text);
  if (!says || text.slice(0, says.index).trim().includes('\n')) return [null, text];
  const name = withoutInvisible(text.slice(0, says.index)).trim();
  return [name.replace(/^<(.*)>$/, '$1'), text.slice(says.index + says[0].length)];
}

export function main(
  args: {
    host: string;
    port: number;
    verbose: boolean;
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

  function note(line: string): void {
    if (args.verbose) print(line);
  }

  function onConnect(conn: Socket, [host, port]: Address): void {
    const client = new Client(conn, `${host}, ${port}`);
    clients.add(client);
    note(`new connection from ${client.address}`);
    outbox.send(client, Buffer.from('Thank you for connecting'));
  }

  function onReadable(client: Client): void {
    const message = recvOrEof(client.conn, BUFFER_BYTES);
    // A readable socket with 0 bytes is at the end of the stream: the peer has closed.
    if (message.length === 0) onLeave(client);
    else onMessage(client, message);
  }

  function onMessage(client: Client, message: Buffer): void {
    const [name, said] = parse(message.toString());
    const isTaken = [...clients].some((other) => other.name === name);
    if (name && !isTaken) {
      note(`${client.address} is ${name}`);
      client.name = name;
    }
    if (WHO.test(said)) onWho(client);
    else relay(client, message);
  }

  function onWho(client: Client): void {
    note(`told ${client.name} who is connected`);
    const lines = [...clients].map(
      (each) => `${each.name} connected from ${each.address}.\n`,
    );
    outbox.send(
      client,
      Buffer.from(`${clients.size} clients connected.\n${lines.join('')}`),
    );
  }

  function relay(client: Client, message: Buffer): void {
    for (const other of clients) if (other !== client) outbox.send(other, message);
    const count = clients.size - 1;
    const others = `${count} ${count === 1 ? 'other' : 'others'}`;
    note(`relayed ${message.length} bytes from ${client.name} to ${others}`);
  }

  function onLeave(client: Client): void {
    clients.delete(client);
    outbox.close(client);
    note(`${client.name} (${client.address}) disconnected`);
  }

  listening(listener.getsockname());
  note(`listening on ${args.host}, ${listener.getsockname()[1]}`);

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
    // After the round, when no message is relayed to some and not yet to others.
    for (const [client, reason] of outbox.lost) {
      warn(`${client.name} (${client.address}): ${reason}`);
      note(`error: ${client.name} (${client.address}): ${reason}`);
      onLeave(client);
    }
  }

  listener.close();
  for (const { conn } of clients) conn.close();
  outbox.closeAll();
  output.end();
  return 0;
}
