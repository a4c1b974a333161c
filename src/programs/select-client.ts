/**
 * select-client sends a few random letters to select-server, at once and every few seconds.
 *
 *     $ posix-select select-client test1 localhost 3490
 *
 * It prints nothing: what it sends is seen at the server, as `test1: xajrxttphhlwmjf`.
 */
import { select } from 'posix-select';
import { finish, isGone } from 'posix-select/peer';
import { createConnection } from 'posix-select/socket';
import { warn } from 'posix-select/terminal';

/** Seconds between two messages, at least and at most. */
const PAUSE = [1, 5] as const;
/** Letters in a message, at least and at most. */
const LENGTH = [10, 19] as const;

/** The server says nothing; what comes is only read to notice its end. */
const BUFFER_SIZE = 4096;

function randint([least, most]: readonly [number, number]): number {
  return least + Math.floor(Math.random() * (most - least + 1));
}

function randomLetters(): string {
  const letters = Array.from({ length: randint(LENGTH) }, () => 'a'.charCodeAt(0) + randint([0, 25]));
  return String.fromCharCode(...letters);
}

function now(): number {
  return performance.now() / 1000;
}

function serverClosed(): number {
  warn('server closed the connection');
  return 1;
}

export function main(
  args: { prefix: string; host: string; port: number; count?: number; interval?: number },
  stop: number,
): number {
  const { prefix, host, port, count = Infinity, interval } = args;
  const sock = createConnection([host, port]);
  let sent = 0;
  let due = now();
  try {
    while (sent < count) {
      const [readable] = select([stop, sock], [], [], Math.max(0, due - now()));
      if (readable.includes(stop)) return 0;
      if (readable.includes(sock) && sock.recv(BUFFER_SIZE).length === 0) return serverClosed();
      if (now() < due) continue;
      sock.sendall(Buffer.from(`${prefix}: ${randomLetters()}`));
      sent += 1;
      due += interval ?? randint(PAUSE);
    }
    return 0;
  } catch (err) {
    if (!isGone(err)) throw err;
    return serverClosed();
  } finally {
    finish(sock);
  }
}
