import { repr } from 'posix-select';
import * as socket from 'posix-select/socket';

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const s = new socket.Socket(socket.AF_INET, socket.SOCK_DGRAM);
s.settimeout(0.2);
for (let n = 0; n < count; n++) {
  s.sendto(Buffer.from(`ping ${n}`), [host, port]);
  try {
    const [data, peer] = s.recvfrom(1024);
    console.log('reply', repr(data), 'from', peer[0]);
  } catch (err) {
    if (!(err instanceof socket.TimeoutError)) throw err;
    console.log('ping', n, 'timed out after', s.gettimeout());
  }
}
s.close();
