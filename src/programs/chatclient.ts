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
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { finish, isGone } from 'posix-select/peer';
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

function disconnected(): number {
  print('Disconnected from server!');
  return 0;
}

export function main({ host, port }: { host: string; port: number }, stop: number): number {
  const mySocket = openConnection(host, port);
  const stdin = new Stdin();
  const lines = new Lines();
  const rlist = new Set<number | Socket | Stdin>([stop, mySocket, stdin]);

  try {
    while (true) {
      const [inputReady] = select(rlist, [], [], lines.pending > 0 ? PATIENCE : null);
      if (inputReady.length === 0) print(formatMessage(lines.take().toString()));
      for (const s of inputReady) {
        if (s === stop) return 0;
        if (s === mySocket) {
          const data = mySocket.recv(BUFFER_SIZE);
          for (const line of lines.push(data)) print(formatMessage(line.toString()));
          if (data.length > 0) continue;
          if (lines.pending > 0) print(formatMessage(lines.take().toString()));
          return disconnected();
        }
        for (const line of stdin.readLines()) {
          if (line === '/quit') return 0;
          if (line !== '') mySocket.sendall(Buffer.from(`${line}\n`));
        }
        if (stdin.ended) return 0;
      }
    }
  } catch (err) {
    if (!isGone(err)) throw err;
    return disconnected();
  } finally {
    finish(mySocket);
  }
}
