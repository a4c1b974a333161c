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
import { finish, isGone } from 'posix-select/peer';
import { createConnection, type Socket } from 'posix-select/socket';
import { print, Stdin, warn } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_SIZE = 1024;

function terminated(): number {
  print('The server terminated the connection.');
  return 1;
}

export function main(
  args: { name: string; server: string; port: number; verbose: boolean },
  stop: number,
): number {
  const sock = createConnection([args.server, args.port]);
  const stdin = new Stdin();
  const text = new StringDecoder('utf8');

  const note = (line: string) => {
    if (args.verbose) warn(line);
  };
  note(`connected to ${args.server}, ${args.port} as ${args.name}`);

  try {
    while (true) {
      const [readable] = select([stop, sock, stdin], [], []);
      if (readable.includes(stop)) return 0;
      for (const s of readable as (Socket | Stdin)[]) {
        if (s === sock) {
          const data = sock.recv(BUFFER_SIZE);
          note(`received ${data.length} bytes`);
          if (data.length === 0) return terminated();
          const shown = text.write(data);
          if (shown !== '') print(shown);
        } else {
          for (const line of stdin.readLines()) {
            sock.sendall(Buffer.from(`${args.name} says: ${line}`));
            note(`sent ${line.length} characters`);
          }
          if (stdin.ended) return 0;
        }
      }
    }
  } catch (err) {
    if (!isGone(err)) throw err;
    return terminated();
  } finally {
    finish(sock);
  }
}
