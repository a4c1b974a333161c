/** multiconn-server: echoes what each of its clients sends. README.md says how. */
import { repr } from 'posix-select';
import { DefaultSelector, EVENT_READ, EVENT_WRITE, type SelectorKey } from 'posix-select/selectors';
import { type Address, createServer, type Socket } from 'posix-select/socket';

/** What goes with an accepted socket. */
interface Data {
  addr: Address;
  outb: Buffer;
}

const sel = new DefaultSelector<Data | null>();

function acceptConnection(sock: Socket): void {
  // 3. Accept, do not block, register with data of its own.
}

function serviceConnection(key: SelectorKey<Data | null>, mask: number): void {
  // 4. Read what can be read, send what can be sent.
}

function runServer(host: string, port: number): void {
  // 1. A socket that listens on this host and port, does not block, and is registered with null.
  // 2. For ever: sel.select(), and for each key one of the two functions.
}

if (process.argv.length !== 4) {
  console.error('usage: multiconn-server host port');
  process.exit(2);
}
runServer(process.argv[2], Number(process.argv[3]));
