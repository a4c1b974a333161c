/** cli, given: srv's client. Shows what the server sends, and sends what is typed; an empty line ends it. */
import { OSError, select } from 'posix-select';
import { createConnection, type Socket } from 'posix-select/socket';
import { print, Stdin } from 'posix-select/terminal';

function runClient(sock: Socket): string {
  const stdin = new Stdin();
  while (true) {
    const [readable] = select([sock, stdin], [], []);
    if (readable.includes(sock)) {
      const data = sock.recv(1024);
      if (data.length === 0) return 'Server closed the connection.';
      print(data.toString());
    }
    if (readable.includes(stdin)) {
      for (const line of stdin.readLines()) {
        if (line === '') return 'You have been disconnected.';
        sock.sendall(Buffer.from(line));
        print(`[You] ${line}`);
      }
      if (stdin.ended) return 'You have been disconnected.';
    }
  }
}

if (process.argv.length !== 4) {
  console.error('usage: cli host port');
  process.exit(2);
}
try {
  const sock = createConnection([process.argv[2], Number(process.argv[3])]);
  try {
    print(runClient(sock));
  } finally {
    sock.close();
  }
} catch (err) {
  if (!(err instanceof OSError)) throw err;
  console.error(err.message);
  process.exitCode = 1;
}
