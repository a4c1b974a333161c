/**
 * talk-client talks through talk-server: it waits for the keyboard and the server in one
 * select().
 *
 *     $ posix-select talk-client -n Alice
 *     Thank you for connecting
 *     hi
 *     Bob says: hi yourself
 *
 * `/who:` shows who is connected. The end of input ends it.
 *
 * Original: talk_client.py. Left out: nothing. Added: pasted lines are all sent.
 */
import { StringDecoder } from 'node:string_decoder';
import { select } from 'posix-select';
import { Outbox } from 'posix-select/outbox';
import { finish, recvOrEof } from 'posix-select/peer';
import { createConnection } from 'posix-select/socket';
import { Output, print, Stdin, warn } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_BYTES = 1024;

export function main(
  args: { name: string; server: string; port: number; verbose: boolean },
  stop: number,
): number {
  const sock = createConnection([args.server, args.port]);
  const stdin = new Stdin();
  /** Keeps the first bytes of a character until its last one has come. */
  const text = new StringDecoder('utf8');
  const output = new Output();
  const outbox = new Outbox(Infinity); // nothing that was typed is lost
  /** Bytes that were typed and will not be sent. */
  let unsent = 0;

  function note(line: string): void {
    if (args.verbose) warn(line);
  }

  /** Prints what has come; false at the end of the stream. */
  function show(): boolean {
    const data = recvOrEof(sock, BUFFER_BYTES);
    note(`received ${data.length} bytes`);
    // A readable socket with 0 bytes is at the end of the stream: the server has closed.
    const shown = data.length > 0 ? text.write(data) : text.end();
    if (shown !== '') print(shown);
    return data.length > 0;
  }

  /** Sends what was typed, each line by itself; false after the last. */
  function say(): boolean {
    for (const line of stdin.readLines()) {
      outbox.send(sock, Buffer.from(`${args.name} says: ${line}`));
      note(`sent ${line.length} characters`);
    }
    return !stdin.ended;
  }

  /** Runs until there is a reason to end; returns the exit code. */
  function talk(): number {
    let isTyping = true;
    while (isTyping || outbox.size(sock) > 0) {
      // Without `stop` in rlist, Ctrl-C could not end this wait: it has no time limit.
      // The keyboard waits while the server takes no more, and both while stdout does.
      const isShown = output.wlist.length === 0;
      const readsKeys = isTyping && isShown && outbox.size(sock) === 0;
      const rlist = [stop, ...(isShown ? [sock] : []), ...(readsKeys ? [stdin] : [])];
      const wlist = [...outbox.wlist, ...output.wlist];
      const [readable, writable] = select(rlist, wlist, []);
      if (readable.includes(stop)) return 0;
      if (readable.includes(sock) && !show()) {
        unsent = stdin.unread;
        print('The server terminated the connection.');
        return 1;
      }
      if (readable.includes(stdin)) isTyping = say();
      if (writable.includes(sock)) outbox.flush(sock);
      output.flush();
    }
    return 0;
  }

  note(`connected to ${args.server}, ${args.port} as ${args.name}`);
  const code = talk();
  unsent += outbox.size(sock) + outbox.lostBytes;
  const undelivered = finish(sock, { stop, unsent, sent: outbox.sentBytes });
  output.end(stop);
  return undelivered === 0 ? code : 1;
}
