/**
 * srv is a chat: what one says, all others get.
 *
 *     $ posix-select srv 127.0.0.1 34911
 *     Chat Server started on port 34911.
 *     > New user 127.0.0.1:56152 entered. (1 user online)
 *     > New user 127.0.0.1:56166 entered. (2 users online)
 *     [127.0.0.1:56152] hello
 *     < The user 127.0.0.1:56166 left (1 user online)
 *
 * A message is what one recv gets, so that two quick ones may run together. With `--framing line` each ends in a
 * newline and is put together again from the stream.
 */
import { StringDecoder } from 'node:string_decoder';
import { select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { print, warn } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_SIZE = 1024;

interface User {
  /** `127.0.0.1:56152` */
  name: string;
  /** Puts the messages together, with `--framing line`. */
  lines: Lines;
  /** Without framing, keeps the first bytes of a character whose others are still to come: what is printed is text. */
  text: StringDecoder;
}

export function main(
  args: { host: string; port: number; framing: 'none' | 'line'; maxPending: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([args.host, args.port]);
  const rlist = new Set<number | Socket>([stop, listener]);
  const users = new Map<Socket, User>();
  const outbox = new Outbox(args.maxPending);
  const end = Buffer.from(args.framing === 'line' ? '\n' : '');

  const online = () => `(${users.size} ${users.size < 2 ? 'user' : 'users'} online)`;

  function sendToOthers(conn: Socket, message: Uint8Array): void {
    const framed = Buffer.concat([message, end]);
    for (const other of users.keys()) if (other !== conn) outbox.send(other, framed);
  }

  function enter(conn: Socket, [host, port]: Address): void {
    const name = `${host}:${port}`;
    rlist.add(conn);
    users.set(conn, { name, lines: new Lines(), text: new StringDecoder('utf8') });
    outbox.send(conn, Buffer.from(`> Connected to the chat server ${online()}${end}`));
    const message = `> New user ${name} entered. ${online()}`;
    print(message);
    sendToOthers(conn, Buffer.from(message));
  }

  function say(conn: Socket, { name, text }: User, message: Buffer): void {
    print(`[${name}] ${args.framing === 'line' ? message : text.write(message)}`);
    sendToOthers(conn, Buffer.concat([Buffer.from(`[${name}] `), message]));
  }

  function leave(conn: Socket, { name }: User): void {
    rlist.delete(conn);
    users.delete(conn);
    outbox.close(conn);
    const message = `< The user ${name} left ${online()}`;
    print(message);
    sendToOthers(conn, Buffer.from(message));
  }

  function serve(conn: Socket, user: User): void {
    const data = recvOrEof(conn, BUFFER_SIZE);
    if (data.length === 0) {
      if (user.lines.pending > 0) say(conn, user, user.lines.take());
      leave(conn, user);
    } else if (args.framing === 'line') {
      for (const line of user.lines.push(data)) say(conn, user, line);
    } else {
      say(conn, user, data);
    }
  }

  const [, port] = listener.getsockname();
  listening(listener.getsockname());
  print(`Chat Server started on port ${port}.`);

  while (true) {
    const [readable, writable] = select(rlist, outbox.wlist, []);
    if (readable.includes(stop)) break;
    for (const conn of writable) outbox.flush(conn);
    for (const s of readable) {
      const user = users.get(s as Socket);
      if (user) serve(s as Socket, user);
      else for (const [conn, address] of listener.acceptAll()) enter(conn, address);
    }
    for (const [conn, reason] of outbox.lost) {
      const user = users.get(conn) as User;
      warn(`${user.name}: ${reason}`);
      leave(conn, user);
    }
  }

  print('KeyboardInterrupt');
  for (const open of [listener, ...users.keys()]) open.close();
  outbox.closeAll();
  return 0;
}
