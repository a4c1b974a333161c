/** chatserver, given: a chat whose users have names. What one says comes to all as NAME::TEXT. */
import { OSError, select } from 'posix-select';
import { Lines } from 'posix-select/lines';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import { createServer, type Socket } from 'posix-select/socket';
import { print } from 'posix-select/terminal';

const WELCOME = 'Welcome to the chat server\nPlease enter your screen name:\n';

function runServer(port: number): void {
  const listener = createServer(['127.0.0.1', port]);
  print(`Listening on :${listener.getsockname()[1]}`);
  const names = new Map<Socket, string>();
  const begun = new Map<Socket, Lines>();
  const outbox = new Outbox();

  function broadcast(text: string): void {
    for (const conn of names.keys()) outbox.send(conn, Buffer.from(text));
  }

  function hear(conn: Socket, line: string): void {
    const name = names.get(conn);
    if (name !== undefined) {
      broadcast(`${name}::${line}\n`);
    } else if (line !== '') {
      names.set(conn, line);
      broadcast(`${line} logged in\n`);
    }
  }

  function leave(conn: Socket): void {
    const name = names.get(conn);
    begun.delete(conn);
    names.delete(conn);
    outbox.close(conn);
    if (name !== undefined) broadcast(`${name} disconnected\n`);
  }

  while (true) {
    const [readable, writable] = select([listener, ...begun.keys()], outbox.wlist, []);
    for (const conn of writable) outbox.flush(conn);
    for (const s of readable) {
      if (s === listener) {
        const [conn] = s.accept();
        begun.set(conn, new Lines());
        outbox.send(conn, Buffer.from(WELCOME));
        continue;
      }
      const data = recvOrEof(s, 1024);
      for (const line of begun.get(s)?.push(data) ?? []) hear(s, String(line).trim());
      if (data.length === 0) leave(s);
    }
    for (const conn of outbox.lost.keys()) leave(conn);
  }
}

if (process.argv.length !== 3) {
  console.error('usage: chatserver port');
  process.exit(2);
}
try {
  runServer(Number(process.argv[2]));
} catch (err) {
  if (!(err instanceof OSError)) throw err;
  console.error(err.message);
  process.exitCode = 1;
}
