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
 *
 * Original: cli.py, where the socket is cli_sock. Left out: nothing. Added: the end of
 * input ends it too; pasted lines are all sent; `--framing`, as srv has it.
 */
import { StringDecoder } from 'node:string_decoder';
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Outbox } from 'posix-select/outbox';
import { finish, recvOrEof } from 'posix-select/peer';
import { createConnection } from 'posix-select/socket';
import { Output, print, Stdin } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_BYTES = 1024;

export function main(
  args: { host: string; port: number; framing: 'none' | 'line' },
  stop: number,
): number {
  const sock = createConnection([args.host, args.port]);
  const stdin = new Stdin();
  const lines = new Lines();
  /** Keeps the first bytes of a character until its last one has come. */
  const text = new StringDecoder('utf8');
  const output = new Output();
  const outbox = new Outbox(Infinity); // nothing that was typed is lost
  const hasLines = args.framing === 'line';
  /** Bytes that were typed and will not be sent. */
  let unsent = 0;

  /** Prints what has come; false at the end of the stream. */
  function show(): boolean {
    const data = recvOrEof(sock, BUFFER_BYTES);
    const messages = hasLines ? lines.push(data).map(String) : [text.write(data)];
    // A readable socket with 0 bytes is at the end of the stream: the server has closed.
    if (data.length === 0) messages.push(String(lines.take()), text.end());
    for (const message of messages) if (message !== '') print(message);
    return data.length > 0;
  }

  /** Sends what was typed, each line by itself; false after an empty line or the last. */
  function say(): boolean {
    for (const line of stdin.readLines()) {
      if (line === '') return false;
      outbox.send(sock, Buffer.from(hasLines ? `${line}\n` : line));
      print(`[You] ${line}`);
    }
    return !stdin.ended;
  }

  /** Runs until there is a reason to end, and returns that. */
  function chat(): string {
    let isTyping = true;
    while (isTyping || outbox.size(sock) > 0) {
      // Without `stop` in rlist, Ctrl-C could not end this wait: it has no time limit.
      // The keyboard waits while the server takes no more, and both while stdout does.
      const isShown = output.wlist.length === 0;
      const readsKeys = isTyping && isShown && outbox.size(sock) === 0;
      const rlist = [stop, ...(isShown ? [sock] : []), ...(readsKeys ? [stdin] : [])];
      const wlist = [...outbox.wlist, ...output.wlist];
      const [readable, writable] = select(rlist, wlist, []);
      if (readable.includes(stop)) return 'KeyboardInterrupt';
      if (readable.includes(sock) && !show()) {
        unsent = stdin.unread;
        return 'Server closed the connection.';
      }
      if (readable.includes(stdin)) isTyping = say();
      if (writable.includes(sock)) outbox.flush(sock);
      output.flush();
    }
    return 'You have been disconnected.';
  }

  print(chat());
  unsent += outbox.size(sock) + outbox.lostBytes;
  const undelivered = finish(sock, { stop, unsent, sent: outbox.sentBytes });
  output.end(stop);
  return undelivered === 0 ? 0 : 1;
}
