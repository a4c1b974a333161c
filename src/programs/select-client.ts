/**
 * select-client sends random letters to select-server, at once and every few seconds.
 *
 *     $ posix-select select-client test1 localhost 3490
 *
 * It prints nothing: the server shows what it sends, as `test1: xajrxttphhlwmjf`.
 *
 * Original: select_client.py, which sleeps between two messages. Left out: nothing.
 * Added: it waits in select(), and so notices when the server goes away; `--count` and
 * `--interval`.
 */
import { select } from 'posix-select';
import { Outbox } from 'posix-select/outbox';
import { finish, recvOrEof } from 'posix-select/peer';
import { createConnection } from 'posix-select/socket';
import { warn } from 'posix-select/terminal';

/** Seconds between two messages, from and to. */
const PAUSE_S = [1, 5] as const;
/** Letters in a message, from and to. */
const LETTERS = [10, 19] as const;

/** Bytes for one recv. The server says nothing: it is read from to notice its end. */
const BUFFER_BYTES = 4096;

function randint([from, to]: readonly [number, number]): number {
  return from + Math.floor(Math.random() * (to - from + 1));
}

function randomLetters(): string {
  const codes = Array.from(
    { length: randint(LETTERS) },
    () => 'a'.charCodeAt(0) + randint([0, 25]),
  );
  return String.fromCharCode(...codes);
}

export function main(
  args: { prefix: string; host: string; port: number; count?: number; interval?: number },
  stop: number,
): number {
  const { prefix, host, port, count = Infinity, interval } = args;
  const sock = createConnection([host, port]);
  const outbox = new Outbox(Infinity);
  let sent = 0;
  let dueMs = performance.now();

  /** Runs until there is a reason to end; returns the exit code. */
  function run(): number {
    while (sent < count || outbox.size(sock) > 0) {
      const isDue = sent < count && outbox.size(sock) === 0;
      // The timeout is the pause: select() ends it early when the server goes away.
      const timeout = isDue ? Math.max(0, dueMs - performance.now()) / 1000 : null;
      const [readable, writable] = select([stop, sock], outbox.wlist, [], timeout);
      if (readable.includes(stop)) return 0;
      // A readable socket with 0 bytes is at its end: the server has closed.
      const hasEnded =
        readable.includes(sock) && recvOrEof(sock, BUFFER_BYTES).length === 0;
      if (hasEnded || outbox.lost.has(sock)) {
        warn('server closed the connection');
        return 1;
      }
      if (writable.includes(sock)) outbox.flush(sock);
      if (!isDue || performance.now() < dueMs) continue;
      outbox.send(sock, Buffer.from(`${prefix}: ${randomLetters()}`));
      sent += 1;
      dueMs += (interval ?? randint(PAUSE_S)) * 1000;
    }
    return 0;
  }

  const code = run();
  const undelivered = finish(sock, {
    stop,
    unsent: outbox.size(sock) + outbox.lostBytes,
    sent: outbox.sentBytes,
  });
  return undelivered === 0 ? code : 1;
}
