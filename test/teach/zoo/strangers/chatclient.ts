/** A chat client in TypeScript. The third argument names one thing that it does otherwise. */
import { readSync, writeSync } from 'node:fs';
import { select } from 'posix-select';
import { createConnection } from 'posix-select/socket';

const [host, port, how] = process.argv.slice(2);
const server = createConnection([host as string, Number(port)]);
const typed = () => {
  const buffer = Buffer.alloc(1024);
  return buffer.subarray(0, readSync(0, buffer));
};
if (how === 'hello') {
  writeSync(1, server.recv(1024));
  server.sendall(Buffer.from(`${String(typed()).trim()}\n`));
  writeSync(1, server.recv(1024));
}
while (true) {
  const [readable] = select([server, 0], [], []);
  if (readable.includes(server)) {
    const data = server.recv(1024);
    if (data.length === 0) {
      writeSync(1, how === 'typo' ? 'Disconnected  from server!\n' : 'Disconnected from server!\n');
      process.exit(0);
    }
    writeSync(1, data);
  }
  if (readable.includes(0)) server.sendall(typed());
}
