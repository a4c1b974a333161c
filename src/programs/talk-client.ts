/**
 * talk-client talks through talk-server: it waits for the keyboard and the server in one select().
 *
 *     $ posix-select talk-client -n Alice
 *     Thank you for connecting
 *     hi
 *     Bob says: hi yourself
 *
 * `/who:` shows who is connected. The end of input ends it.
 */
import { StringDecoder } from 'node:string_decoder';
import { select } from 'posix-select';
import { Outbox } from 'posix-select/outbox';
import { finish, recvOrEof } from 'posix-select/peer';
import { createConnection, type Socket } from 'posix-select/socket';
import { print, Stdin, warn } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_SIZE = 1024;

export function main(
  args: { name: string; server: string; port: number; verbose: boolean },
  stop: number,
): number {
  const sock = createConnection([args.server, args.port]);
  const stdin = new Stdin();
  const text = new StringDecoder('utf8');
  const outbox = new Outbox(Infinity); // none of what was typed is lost; while it waits, no more is read

  const note = (line: string) => {
    if (args.verbose) warn(line);
  };
  note(`connected to ${args.server}, ${args.port} as ${args.name}`);

  /** Prints what has come; false at the end of the stream. */
  function show(): boolean {
    const data = recvOrEof(sock, BUFFER_SIZE);
    note(`received ${data.length} bytes`);
    const shown = data.length > 0 ? text.write(data) : text.end();
    if (shown !== '') print(shown);
    return data.length > 0;
  }

  /** Sends what was typed; false at the end of input. */
  function say(): boolean {
    for (const line of stdin.readLines()) {
      outbox.send(sock, Buffer.from(`${args.name} says: ${line}`));
      note(`sent ${line.length} characters`);
    }
    return !stdin.ended;
  }

  let code = 0;
  const rlist = new Set<number | Socket | Stdin>([stop, sock, stdin]);
  while (rlist.has(stdin) || outbox.size(sock) > 0) {
    // While the server takes no more, what is typed waits.
    const [readable, writable] = select(outbox.size(sock) > 0 ? [stop, sock] : rlist, outbox.wlist, []);
    if (readable.includes(stop)) break;
    if (readable.includes(sock) && !show()) {
      print('The server terminated the connection.');
      code = 1;
      break;
    }
    if (readable.includes(stdin) && !say()) rlist.delete(stdin);
    for (const conn of writable) outbox.flush(conn);
  }
  finish(sock);
  return code;
}
