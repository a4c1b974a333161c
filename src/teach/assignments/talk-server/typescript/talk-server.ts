/** talk-server: relays what each client sends to all others. README.md says how. */
import { parseArgs } from 'node:util';
import { select } from 'posix-select';
import { createServer } from 'posix-select/socket';

function runServer(port: number, verbose: boolean): void {
  // 1. A socket that listens on this port; if that cannot be, a message and the end.
  // 2. For ever: wait in select() until something can be read.
  // 3. The listening socket: greet the newcomer. Any other: relay, or forget it.
}

// 4. The options -p, --port and -v, --verbose.
const { values } = parseArgs({ options: {} });
runServer(12345, false);
