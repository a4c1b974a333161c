/** Node's own event loop, which waits in epoll. */
import { createServer } from 'node:net';

const server = createServer((socket) => {
  const address = `('${socket.remoteAddress}', ${socket.remotePort})`;
  console.log(`${address}: connected`);
  socket.on('data', (data) => console.log(`${address} ${data.length} bytes: b'${data}'`));
  socket.on('error', () => {});
  socket.on('close', () => console.log(`${address}: disconnected`));
});
server.listen(Number(process.argv[2]), '127.0.0.1');
