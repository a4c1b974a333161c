/** An echo server on Node's own loop. The third argument names one thing that it does otherwise. */
import { createServer } from 'node:net';

const [host, port, how] = process.argv.slice(2);
const server = createServer((conn) => {
  const name = `('${conn.remoteAddress}', ${conn.remotePort})`;
  conn.on('data', (data) => {
    console.log(`Echoing b'${String(data.subarray(0, 60))}' to ${name}`);
    conn.write(data);
  });
  conn.on('end', () => how === 'leaves' && process.exit(0));
  if (how !== 'reset') conn.on('error', () => {});
});
server.listen(Number(port), host, () => console.log(`Listening on ('${host}', ${port})`));
