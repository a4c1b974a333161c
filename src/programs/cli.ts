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
import { Outbox } from 'posix-select/outbox';
import { finish, recvOrEof } from 'posix-select/peer';
import { createConnection, type Socket } from 'posix-select/socket';
import { print, Stdin } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_SIZE = 1024;

export function main(args: { host: string; port: number; framing: 'none' | 'line' }, stop: number): number {
  const sock = createConnection([args.host, args.port]);
  const stdin = new Stdin();
  const lines = new Lines();
  const text = new StringDecoder('utf8');
  const outbox = new Outbox(Infinity); // none of what was typed is lost; while it waits, no more is read
  const end = args.framing === 'line' ? '\n' : '';

  /** Prints what has come; false at the end of the stream. */
  function show(): boolean {
    const data = recvOrEof(sock, BUFFER_SIZE);
    const messages = args.framing === 'line' ? lines.push(data).map(String) : [text.write(data)];
    if (data.length === 0) messages.push(String(lines.take()), text.end());
    for (const message of messages) if (message !== '') print(message);
    return data.length > 0;
  }

  /** Sends what was typed, each line by itself; false once the user has had enough. */
  function say(): boolean {
    for (const line of stdin.readLines()) {
      if (line === '') return false;
      outbox.send(sock, Buffer.from(line + end));
      print(`[You] ${line}`);
    }
    return !stdin.ended;
  }

  /** Runs until there is a reason to end, and returns it. */
  function chat(): string {
    const rlist = new Set<number | Socket | Stdin>([stop, sock, stdin]);
    while (rlist.has(stdin) || outbox.size(sock) > 0) {
      // While the server takes no more, what is typed waits.
      const [readable, writable] = select(outbox.size(sock) > 0 ? [stop, sock] : rlist, outbox.wlist, []);
      if (readable.includes(stop)) return 'KeyboardInterrupt';
      if (readable.includes(sock) && !show()) return 'Server closed the connection.';
      if (readable.includes(stdin) && !say()) rlist.delete(stdin);
      for (const conn of writable) outbox.flush(conn);
    }
    return 'You have been disconnected.';
  }

  print(chat());
  finish(sock);
  return 0;
}
