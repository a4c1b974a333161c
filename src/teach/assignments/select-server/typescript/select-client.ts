/** select-client, given: sends a few random letters to the server, at once and every few seconds. */
import { OSError, select } from 'posix-select';
import { createConnection, type Socket } from 'posix-select/socket';

function randint(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least + 1));
}

function runClient(sock: Socket, prefix: string): string {
  while (true) {
    const letters = Array.from({ length: randint(10, 19) }, () => 'a'.charCodeAt(0) + randint(0, 25));
    sock.sendall(Buffer.from(`${prefix}: ${String.fromCharCode(...letters)}`));
    // The server says nothing: all that can be read is its end.
    const [readable] = select([sock], [], [], randint(1, 5));
    if (readable.length > 0) return 'server closed the connection';
  }
}

const [prefix, host, port] = process.argv.slice(2);
if (port === undefined) {
  console.error('usage: select-client prefix host port');
  process.exit(2);
}
try {
  const sock = createConnection([host, Number(port)]);
  try {
    console.error(runClient(sock, prefix));
  } finally {
    sock.close();
  }
} catch (err) {
  if (!(err instanceof OSError)) throw err;
  console.error(err.message);
}
process.exitCode = 1;
