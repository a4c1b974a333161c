/** A chat server in JavaScript. The third argument names one thing that it does otherwise. */
import { select } from 'posix-select';
import { createServer } from 'posix-select/socket';

const [host, port, how] = process.argv.slice(2);
const end = how === 'newline' ? '\n' : '';
const listener = createServer([host, Number(port)]);
const names = new Map();

const online = () => `(${names.size} user${names.size === 1 ? '' : 's'} online)`;

function tell(text, but) {
  for (const sock of names.keys()) {
    try {
      if (sock !== but) sock.sendall(Buffer.from(text + end));
    } catch {}
  }
}

function take() {
  const [sock, [address, number]] = listener.accept();
  names.set(sock, `${address}:${number}`);
  sock.sendall(Buffer.from(`> Connected to the chat server ${online()}${end}`));
  tell(`> New user ${names.get(sock)} entered. ${online()}`, sock);
}

function serve(sock) {
  let data = Buffer.alloc(0);
  try {
    data = sock.recv(1024);
  } catch {}
  const name = names.get(sock);
  if (data.length > 0) return tell(`[${name}] ${data}`, sock);
  names.delete(sock);
  sock.close();
  tell(`< The user ${name} left ${online()}`);
}

for (;;)
  for (const sock of select([listener, ...names.keys()], [], [])[0]) sock === listener ? take() : serve(sock);
