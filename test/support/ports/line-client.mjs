import { OSError, repr } from 'posix-select';
import * as socket from 'posix-select/socket';

const [host, port] = [process.argv[2], Number(process.argv[3])];
let s = null;
for (const [family, type, proto, , address] of socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)) {
  try {
    s = new socket.Socket(family, type, proto);
    s.connect(address);
    break;
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
    s.close();
    s = null;
  }
}
if (s === null) throw new Error(`no address of ${host} answers`);
const f = s.makefile('rw');
for (const line of ['hello\n', 'and goodbye\n']) {
  f.write(line);
  f.flush();
  console.log(repr(f.readline()));
}
s.close();
