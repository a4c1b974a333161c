// talk_server: a chat server in JavaScript. The environment's KIND names the one thing that it does otherwise.
import { parseArgs } from 'node:util';
import { select } from 'posix-select';
import { createServer } from 'posix-select/socket';

const kind = process.env.KIND ?? 'none';
const isShort = kind === 'shortoptions';
const { values } = parseArgs({
  strict: false,
  options: {
    [isShort ? 'p' : 'port']: { type: 'string', short: 'p' },
    [isShort ? 'v' : 'verbose']: { type: 'boolean', short: 'v' },
  },
});
const port = Number((isShort ? values.p : values.port) ?? 12345);
const verbose = isShort ? values.v === true : values.verbose;

let listener;
try {
  listener = createServer(['0.0.0.0', port]);
} catch (err) {
  console.error(`talk_server: ${err.message}`);
  process.exit(1);
}
const clients = new Set();
let timeout = kind === 'timeval' ? 3 : kind === 'timeout' ? 1 : undefined;

function sendAll(sock, data) {
  try {
    if (kind === 'partial') {
      sock.setblocking(false);
      sock.send(data); // what it returns is not looked at
    } else sock.sendall(data);
  } catch {}
}

function take() {
  const [conn] = listener.accept();
  clients.add(conn);
  sendAll(conn, Buffer.from('Thank you for connecting'));
  if (verbose && kind !== 'messages') console.log('a connection');
}

function serve(sock) {
  let data = Buffer.alloc(0);
  try {
    data = (kind === 'wrongsocket' ? listener : sock).recv(1024);
  } catch (err) {
    if (kind === 'wrongsocket') throw err;
  }
  if (data.length > 0) {
    if (verbose) console.log(`${data.length} bytes`);
    for (const other of clients) if (other !== sock) sendAll(other, data);
    return;
  }
  if (verbose && kind !== 'messages') console.log('one has left');
  clients.delete(sock);
  sock.close();
}

for (;;) {
  let ready;
  if (kind === 'turns') {
    ready = select([listener], [], [], 0.1)[0];
    if (clients.size > 0) ready = [...ready, ...select([...clients], [], [], 0.1)[0]];
  } else ready = select([listener, ...clients], [], [], timeout)[0];
  if (kind === 'timeval' && ready.length === 0) timeout = 0;
  for (const sock of ready) sock === listener ? take() : serve(sock);
}
