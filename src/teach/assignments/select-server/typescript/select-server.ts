/** select-server: prints who connects, what they send, and who leaves. README.md says how. */
import { repr, select } from 'posix-select';
import { createServer } from 'posix-select/socket';

function runServer(port: number): void {
  // 1. A socket that listens on 127.0.0.1 and this port: createServer().
  // 2. For ever: wait in select() until something can be read.
  // 3. The listening socket: somebody connects. Any other: data, or the end. repr() prints as Python does.
}

if (process.argv.length !== 3) {
  console.error('usage: select-server port');
  process.exit(2);
}
runServer(Number(process.argv[2]));
