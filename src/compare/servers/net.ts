/** Echo on node:net, which is libuv: each chunk is written back as it comes. Prints the port that it listens on. */
import { type AddressInfo, createServer } from 'node:net';
import './measured.js';

const BACKLOG = 4096;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (data) => socket.write(data));
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', BACKLOG, () => console.log((server.address() as AddressInfo).port));
