/** An echo server on Node's own loop. The third argument names one thing that it does otherwise. */
import { createServer } from 'node:net';

const [host, port, how] = process.argv.slice(2);
const server = createServer((conn) => {
  const name = `('${conn.remoteAddress}', ${conn.remotePort})`;
  const held = [];
  let timer;
  conn.on('data', (data) => {
    console.log(`Echoing b'${String(data.subarray(0, 60))}' to ${name}`);
    if (how !== 'slow') return conn.write(data);
    // Everything is read first, little by little.
    held.push(data);
    conn.pause();
    clearTimeout(timer);
    timer = setTimeout(() => conn.write(Buffer.concat(held.splice(0))), 50);
    setTimeout(() => conn.resume(), 3);
  });
  conn.on('end', () => how === 'leaves' && process.exit(0));
  if (how !== 'reset') conn.on('error', () => {});
});
server.listen(Number(port), host, () => console.log(`Listening on ('${host}', ${port})`));
