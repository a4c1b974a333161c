/**
 * chatclient chats through chatserver: it waits for the keyboard and the server in one select().
 *
 *     $ posix-select chatclient localhost 5555
 *     -------------------------------------
 *     Welcome to the Hackbright Chat Server
 *     -------------------------------------
 *     Please enter your screen name:
 *     FoofusTheCat
 *     FoofusTheCat logged in
 *     [FoofusTheCat] hello
 *
 * `/quit` ends it.
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

/** Seconds after which a line that has begun is shown: the server may have asked something. */
const PATIENCE = 0.2;

/** A new connection to the server. */
export function openConnection(host: string, port: number): Socket {
  return createConnection([host, port]);
}

/** `name::text` as `[name] text`; what has no name as it is. */
export function formatMessage(message: string): string {
  const at = message.indexOf('::');
  return at < 0 ? message : `[${message.slice(0, at)}] ${message.slice(at + 2)}`;
}

export function main({ host, port }: { host: string; port: number }, stop: number): number {
  const mySocket = openConnection(host, port);
  const stdin = new Stdin();
  const lines = new Lines();
  /** Keeps the first bytes of a character, where a line is shown before its end. */
  const text = new StringDecoder('utf8');
  const outbox = new Outbox(Infinity); // none of what was typed is lost; while it waits, no more is read

  function show(line: string): void {
    if (line !== '') print(formatMessage(line));
  }

  /** Shows what has come; false at the end of the stream. */
  function hear(): boolean {
    const data = recvOrEof(mySocket, BUFFER_SIZE);
    for (const line of lines.push(data)) print(formatMessage(text.end(line)));
    if (data.length === 0) show(text.end(lines.take()));
    return data.length > 0;
  }

  /** Sends what was typed; false once the user has had enough. */
  function say(): boolean {
    for (const line of stdin.readLines()) {
      if (line === '/quit') return false;
      if (line !== '') outbox.send(mySocket, Buffer.from(`${line}\n`));
    }
    return !stdin.ended;
  }

  const rlist = new Set<number | Socket | Stdin>([stop, mySocket, stdin]);
  while (rlist.has(stdin) || outbox.size(mySocket) > 0) {
    // While the server takes no more, what is typed waits.
    const sources = outbox.size(mySocket) > 0 ? [stop, mySocket] : rlist;
    const patience = lines.pending > 0 ? PATIENCE : null;
    const [inputReady, outputReady] = select(sources, outbox.wlist, [], patience);
    if (inputReady.includes(stop)) break;
    if (inputReady.includes(mySocket)) {
      if (!hear()) {
        print('Disconnected from server!');
        break;
      }
    } else if (lines.pending > 0 && inputReady.length + outputReady.length === 0) {
      show(text.write(lines.take()));
    }
    if (inputReady.includes(stdin) && !say()) rlist.delete(stdin);
    for (const conn of outputReady) outbox.flush(conn);
  }
  finish(mySocket);
  return 0;
}
