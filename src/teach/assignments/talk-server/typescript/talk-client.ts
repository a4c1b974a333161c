/** talk-client, given: shows what the server sends, and sends what is typed. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { OSError, select } from 'posix-select';
import { createConnection, type Socket } from 'posix-select/socket';
import { print, Stdin } from 'posix-select/terminal';

function runClient(sock: Socket, name: string): number {
  const stdin = new Stdin();
  while (true) {
    const [readable] = select([sock, stdin], [], []);
    if (readable.includes(sock)) {
      const data = sock.recv(1024);
      if (data.length === 0) {
        console.error('The server terminated the connection.');
        return 1;
      }
      print(data.toString());
    }
    if (readable.includes(stdin)) {
      for (const line of stdin.readLines()) sock.sendall(Buffer.from(`${name} says: ${line}`));
      if (stdin.ended) return 0;
    }
  }
}

const { values } = parseArgs({
  options: {
    name: { type: 'string', short: 'n', default: hostname() },
    server: { type: 'string', short: 's', default: '127.0.0.1' },
    port: { type: 'string', short: 'p', default: '12345' },
  },
});
try {
  const sock = createConnection([values.server, Number(values.port)]);
  try {
    process.exitCode = runClient(sock, values.name);
  } finally {
    sock.close();
  }
} catch (err) {
  if (!(err instanceof OSError)) throw err;
  console.error(err.message);
  process.exitCode = 1;
}
