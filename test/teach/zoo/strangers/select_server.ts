/** A select-server in TypeScript. The second argument names one thing that it does otherwise. */
import { repr, select } from 'posix-select';
import { createServer, type Socket } from 'posix-select/socket';

const [port, how = ''] = process.argv.slice(2);
const listener = createServer([how === 'v6' ? '::1' : '127.0.0.1', Number(port)]);
const names = new Map<Socket, string>();
const writers = new Set<Socket>();

function say(text: string): void {
  let line = text;
  if (how === 'stamp') line = `[info] ${line}`;
  if (how === 'ansi') line = `\x1b[38;5;208m${line}\x1b[39m`;
  if (how === 'trail') line += '\t';
  if (how === 'crlf') line += '\r';
  if (how === 'extracolon') line = line.replace(/\) (\d+) bytes/, '), $1 bytes');
  process.stdout.write(`${line}\n`);
}

while (true) {
  const [readable] = select([listener, ...names.keys()], [...writers], []);
  for (const s of readable) {
    if (s === listener) {
      const [conn, address] = listener.accept();
      names.set(conn, `('${address[0]}', ${address[1]})`);
      say(`${names.get(conn)}: connected`);
      continue;
    }
    let data = Buffer.alloc(0);
    try {
      data = s.recv(4096);
    } catch (err) {
      if (how === 'reset') throw err;
    }
    if (data.length > 0) {
      if (how === 'crashdata') (undefined as unknown as string).length;
      if (how === 'busy') writers.add(s);
      say(`${names.get(s)} ${data.length} bytes: ${repr(data)}`);
    } else {
      say(`${names.get(s)}: disconnected`);
      names.delete(s);
      writers.delete(s);
      s.close();
    }
  }
}
