/**
 * cli is srv's client: it waits for the keyboard and the server in one select().
 *
 *     $ posix-select cli localhost 34911
 *     > Connected to the chat server (1 user online)
 *     > New user 127.0.0.1:56166 entered. (2 users online)
 *     hello
 *     [You] hello
 *     [127.0.0.1:56166] hi
 *
 * An empty line ends it.
 */
import { StringDecoder } from 'node:string_decoder';
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { finish, isGone } from 'posix-select/peer';
import { createConnection, type Socket } from 'posix-select/socket';
import { print, Stdin } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_SIZE = 1024;

export function main(args: { host: string; port: number; framing: 'none' | 'line' }, stop: number): number {
  const sock = createConnection([args.host, args.port]);
  const stdin = new Stdin();
  const lines = new Lines();
  const text = new StringDecoder('utf8');
  const end = args.framing === 'line' ? '\n' : '';

  /** Prints what has come; false at the end of the stream. */
  function show(): boolean {
    const data = sock.recv(BUFFER_SIZE);
    const messages = args.framing === 'line' ? lines.push(data) : [text.write(data)];
    for (const message of messages) if (message.length > 0) print(message.toString());
    return data.length > 0;
  }

  /** Sends what was typed, each line by itself; false once the user has had enough. */
  function say(): boolean {
    for (const line of stdin.readLines()) {
      if (line === '') return false;
      sock.sendall(Buffer.from(line + end));
      print(`[You] ${line}`);
    }
    return !stdin.ended;
  }

  try {
    while (true) {
      const [readable] = select([stop, sock, stdin], [], []);
      if (readable.includes(stop)) {
        print('KeyboardInterrupt');
        return 0;
      }
      for (const s of readable as (Socket | Stdin)[]) {
        if (s === sock && !show()) {
          print('Server closed the connection.');
          return 0;
        }
        if (s === stdin && !say()) {
          print('You have been disconnected.');
          return 0;
        }
      }
    }
  } catch (err) {
    if (!isGone(err)) throw err;
    print('Server closed the connection.');
    return 0;
  } finally {
    finish(sock);
  }
}
