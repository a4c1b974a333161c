/**
 * chatclient chats through chatserver: it waits for the keyboard and the server in one
 * select().
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
 *
 * Original: the client that the exercise builds; its names are kept: my_socket,
 * inputready, open_connection, format_message. Left out: nothing. Added: lines are put
 * together again from the stream; the end of input ends it too.
 */
import { StringDecoder } from 'node:string_decoder';
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Outbox } from 'posix-select/outbox';
import { finish, recvOrEof } from 'posix-select/peer';
import { createConnection, type Socket } from 'posix-select/socket';
import { Output, print, Stdin } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_BYTES = 1024;

/** After this time without more, an unfinished line is shown: it may be a question. */
const LINE_TIMEOUT_S = 0.2;

/** A new connection to the server. */
export function openConnection(host: string, port: number): Socket {
  return createConnection([host, port]);
}

/** `name::text` as `[name] text`; a message without a name as it is. */
export function formatMessage(message: string): string {
  const at = message.indexOf('::');
  return at < 0 ? message : `[${message.slice(0, at)}] ${message.slice(at + 2)}`;
}

export function main(args: { host: string; port: number }, stop: number): number {
  const mySocket = openConnection(args.host, args.port);
  const stdin = new Stdin();
  const lines = new Lines();
  /** Keeps the first bytes of a character where a line is shown before its end. */
  const text = new StringDecoder('utf8');
  const output = new Output();
  const outbox = new Outbox(Infinity); // nothing that was typed is lost
  /** Bytes that were typed and will not be sent. */
  let unsent = 0;

  function showUnfinished(line: string): void {
    if (line !== '') print(formatMessage(line));
  }

  /** Prints what has come; false at the end of the stream. */
  function show(): boolean {
    const data = recvOrEof(mySocket, BUFFER_BYTES);
    for (const line of lines.push(data)) print(formatMessage(text.end(line)));
    // A readable socket with 0 bytes is at the end of the stream: the server has closed.
    if (data.length === 0) showUnfinished(text.end(lines.take()));
    return data.length > 0;
  }

  /** Sends what was typed, each line by itself; false after `/quit`, or the last. */
  function say(): boolean {
    for (const line of stdin.readLines()) {
      if (line === '/quit') return false;
      if (line !== '') outbox.send(mySocket, Buffer.from(`${line}\n`));
    }
    return !stdin.ended;
  }

  let isTyping = true;
  while (isTyping || outbox.size(mySocket) > 0) {
    // Without `stop` in rlist, Ctrl-C could not end this wait: it may have no time limit.
    // The keyboard waits while the server takes no more, and both while stdout does.
    const isShown = output.wlist.length === 0;
    const readsKeys = isTyping && isShown && outbox.size(mySocket) === 0;
    const rlist = [stop, ...(isShown ? [mySocket] : []), ...(readsKeys ? [stdin] : [])];
    const wlist = [...outbox.wlist, ...output.wlist];
    const timeout = lines.pending > 0 ? LINE_TIMEOUT_S : null;
    const [inputReady, outputReady] = select(rlist, wlist, [], timeout);
    if (inputReady.includes(stop)) break;
    // Nothing is ready: the time is over.
    if (inputReady.length + outputReady.length === 0)
      showUnfinished(text.write(lines.take()));
    if (inputReady.includes(mySocket) && !show()) {
      unsent = stdin.unread;
      print('Disconnected from server!');
      break;
    }
    if (inputReady.includes(stdin)) isTyping = say();
    if (outputReady.includes(mySocket)) outbox.flush(mySocket);
    output.flush();
  }

  unsent += outbox.size(mySocket) + outbox.lostBytes;
  const undelivered = finish(mySocket, { stop, unsent, sent: outbox.sentBytes });
  output.end(stop);
  return undelivered === 0 ? 0 : 1;
}
