/** multiconn-client, given: makes connections to the server, sends two messages on each, and receives them back. */
import { OSError, repr } from 'posix-select';
import { DefaultSelector, EVENT_READ, EVENT_WRITE } from 'posix-select/selectors';
import { Socket } from 'posix-select/socket';
import { print } from 'posix-select/terminal';

const MESSAGES = ['Message 1 from client.', 'Message 2 from client.'];

/** What goes with each socket. */
interface Data {
  connid: number;
  msgTotal: number;
  recvTotal: number;
  messages: Buffer[];
  outb: Buffer;
}

const sel = new DefaultSelector<Data>();

function startConnections(host: string, port: number, numConns: number): void {
  for (let connid = 1; connid <= numConns; connid++) {
    print(`Starting connection ${connid} to ${repr([host, port])}`);
    const sock = new Socket();
    sock.setblocking(false);
    sock.connectEx([host, port]);
    const messages = MESSAGES.map((message) => Buffer.from(message));
    const msgTotal = Buffer.concat(messages).length;
    const data = { connid, msgTotal, recvTotal: 0, messages, outb: Buffer.alloc(0) };
    sel.register(sock, EVENT_READ | EVENT_WRITE, data);
  }
}

function serviceConnection(sock: Socket, data: Data, mask: number): void {
  if (mask & EVENT_READ) {
    const received = sock.recv(1024);
    if (received.length > 0) print(`Received ${repr(received)} from connection ${data.connid}`);
    data.recvTotal += received.length;
    if (received.length === 0 || data.recvTotal === data.msgTotal) {
      print(`Closing connection ${data.connid}`);
      sel.unregister(sock);
      sock.close();
      return;
    }
  }
  if (mask & EVENT_WRITE) {
    if (data.outb.length === 0) data.outb = data.messages.shift() ?? data.outb;
    if (data.outb.length > 0) {
      print(`Sending ${repr(data.outb)} to connection ${data.connid}`);
      data.outb = data.outb.subarray(sock.send(data.outb));
    }
    if (data.outb.length + data.messages.length === 0) sel.modify(sock, EVENT_READ, data);
  }
}

if (process.argv.length !== 5) {
  console.error('usage: multiconn-client host port num_conns');
  process.exit(2);
}
const [host, port, numConns] = process.argv.slice(2);
try {
  startConnections(host, Number(port), Number(numConns));
  while ((sel.getMap()?.size ?? 0) > 0) {
    for (const [{ fileobj, data }, mask] of sel.select()) serviceConnection(fileobj as Socket, data, mask);
  }
} catch (err) {
  if (!(err instanceof OSError)) throw err;
  console.error(err.message);
  process.exitCode = 1;
}
