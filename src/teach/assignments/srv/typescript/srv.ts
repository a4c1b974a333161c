/** srv: a chat whose users are known by their addresses. README.md says how. */
import { select } from 'posix-select';
import { createServer } from 'posix-select/socket';

function runServer(host: string, port: number): void {
  // 1. A socket that listens on this host and port.
  // 2. For ever: wait in select() until something can be read.
  // 3. The listening socket: greet the newcomer, and tell the others. Any other: relay, or forget it.
}

if (process.argv.length !== 4) {
  console.error('usage: srv host port');
  process.exit(2);
}
runServer(process.argv[2], Number(process.argv[3]));
