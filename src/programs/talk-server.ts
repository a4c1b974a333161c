/**
 * talk-server relays what each client sends to all others, byte for byte, and knows who they are.
 *
 *     $ posix-select talk-server -v
 *     listening on 127.0.0.1, 12345
 *     new connection from 127.0.0.1, 50312
 *     127.0.0.1, 50312 is Alice
 *     relayed 15 bytes from Alice to 1 other
 *     Alice (127.0.0.1, 50312) disconnected
 *
 * `/who:` is answered to the asker alone.
 */
import { select } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { print, warn } from 'posix-select/terminal';

/** Bytes for one recv: a message, if its sender and the network were kind. */
const BUFFER_SIZE = 1024;

const UNKNOWN = '<unknown>';

/** After a name: `Alice says: hi`; as real clients have it also `Alice says:hi`, `Alice says : hi`, `<Alice> says: hi`. */
const SAYS = /\ssays\s*:/;

const WHO = /^\s*\/who:?\s*$/;

interface Client {
  name: string;
  /** `127.0.0.1, 50312` */
  address: string;
}

/** Who speaks, as far as a message tells, and what is said. */
function parse(text: string): [name: string | null, said: string] {
  const says = SAYS.exec(text);
  if (!says) return [null, text];
  const name = text
    .slice(0, says.index)
    .trim()
    .replace(/^<(.*)>$/, '$1');
  const said = text.slice(says.index + says[0].length);
  return name.includes('\n') ? [null, text] : [name, said];
}

export function main(
  args: { host: string; port: number; verbose: boolean; maxPending: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([args.host, args.port]);
  const socks = new Set<number | Socket>([stop, listener]);
  const clients = new Map<Socket, Client>();
  const outbox = new Outbox(args.maxPending);

  const note = (line: string) => {
    if (args.verbose) print(line);
  };

  function connect(conn: Socket, [host, port]: Address): void {
    socks.add(conn);
    clients.set(conn, { name: UNKNOWN, address: `${host}, ${port}` });
    note(`new connection from ${host}, ${port}`);
    outbox.send(conn, Buffer.from('Thank you for connecting'));
  }

  function who(): Buffer {
    const lines = [...clients.values()].map(({ name, address }) => `${name} connected from ${address}.\n`);
    return Buffer.from(`${clients.size} clients connected.\n${lines.join('')}`);
  }

  function serve(conn: Socket, client: Client): void {
    const message = recvOrEof(conn, BUFFER_SIZE);
    if (message.length === 0) {
      disconnect(conn, client);
      return;
    }
    const text = message.toString();
    const [name, said] = parse(text);
    if (name && name !== client.name) {
      note(`${client.address} is ${name}`);
      client.name = name;
    }
    if (WHO.test(said)) {
      note(`told ${client.name} who is connected`);
      outbox.send(conn, who());
      return;
    }
    const others = [...clients.keys()].filter((other) => other !== conn);
    for (const other of others) outbox.send(other, message);
    const count = `${others.length} ${others.length === 1 ? 'other' : 'others'}`;
    note(`relayed ${message.length} bytes from ${client.name} to ${count}`);
  }

  function disconnect(conn: Socket, { name, address }: Client): void {
    socks.delete(conn);
    clients.delete(conn);
    outbox.close(conn);
    note(`${name} (${address}) disconnected`);
  }

  listening(listener.getsockname());
  note(`listening on ${args.host}, ${listener.getsockname()[1]}`);

  while (true) {
    const [readable, writable] = select(socks, outbox.wlist, []);
    if (readable.includes(stop)) break;
    for (const conn of writable) outbox.flush(conn);
    for (const s of readable) {
      const client = clients.get(s as Socket);
      if (client) serve(s as Socket, client);
      else for (const [conn, address] of listener.acceptAll()) connect(conn, address);
    }
    for (const [conn, reason] of outbox.lost) {
      const client = clients.get(conn) as Client;
      warn(`${client.name} (${client.address}): ${reason}`);
      note(`error: ${client.name} (${client.address}): ${reason}`);
      disconnect(conn, client);
    }
  }

  for (const open of [listener, ...clients.keys()]) open.close();
  outbox.closeAll();
  return 0;
}
