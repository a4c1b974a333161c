/** Wakes up every 20 ms, to no purpose; but in between it waits. */
import { repr, select } from 'posix-select';
import { type Address, createServer, type Socket } from 'posix-select/socket';

const listener = createServer(['127.0.0.1', Number(process.argv[2])]);
const addresses = new Map<Socket, Address>();
while (true) {
  const [readable] = select([listener, ...addresses.keys()], [], [], 0.02);
  for (const s of readable) {
    if (s === listener) {
      const [conn, address] = listener.accept();
      addresses.set(conn, address);
      process.stdout.write(`${repr(address)}: connected\n`);
      continue;
    }
    const address = repr(addresses.get(s));
    const data = receive(s);
    if (data.length > 0) {
      process.stdout.write(`${address} ${data.length} bytes: ${repr(data)}\n`);
    } else {
      process.stdout.write(`${address}: disconnected\n`);
      addresses.delete(s);
      s.close();
    }
  }
}

function receive(s: Socket): Buffer {
  try {
    return s.recv(4096);
  } catch {
    return Buffer.alloc(0);
  }
}
