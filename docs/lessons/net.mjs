/** An echo server on libuv, through node:net. */
import { createServer } from 'node:net';

createServer((conn) => conn.pipe(conn)).listen(Number(process.argv[2]), '127.0.0.1', () =>
  console.log('ready'),
);
