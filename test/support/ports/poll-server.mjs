import { POLLHUP, POLLIN, poll } from 'posix-select';
import * as socket from 'posix-select/socket';

const listener = socket.createServer(['127.0.0.1', 0]);
console.log(listener.getsockname()[1]);
const poller = poll();
poller.register(listener, POLLIN);
const conns = new Map([[listener.fileno(), listener]]);
let served = 0;
while (served < 2) {
  for (const [fd, event] of poller.poll()) {
    if (fd === listener.fileno()) {
      const [conn] = listener.accept();
      poller.register(conn, POLLIN);
      conns.set(conn.fileno(), conn);
    } else if (event & (POLLIN | POLLHUP)) {
      const data = conns.get(fd).recv(1024);
      if (data.length > 0) {
        conns.get(fd).sendall(Buffer.from(data.toString().toUpperCase()));
      } else {
        poller.unregister(fd);
        conns.get(fd).close();
        conns.delete(fd);
        served += 1;
      }
    }
  }
}
console.log('served', served);
listener.close();
