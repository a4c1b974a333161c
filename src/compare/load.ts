/**
 * The load of an echo server, from our own select loop: `load.js PORT CONNECTIONS IDLE BYTES SECONDS`. Each connection
 * sends a message when the last one has come back; idle ones never say anything. Prints what it has seen as JSON.
 */
import { select } from 'posix-select';
import { createConnection, IPPROTO_TCP, type Socket, TCP_NODELAY } from 'posix-select/socket';

export interface Seen {
  messages: number;
  seconds: number;
  /** 99 of 100 messages are back whole so many microseconds after their send */
  p99Us: number;
}

/** A server that answers nothing for so long never will. */
const STALL_S = 10;

const [port, connections, idle, size, seconds] = process.argv.slice(2).map(Number) as [
  ...[port: number, connections: number, idle: number, size: number, seconds: number],
];

function connect(): Socket {
  const conn = createConnection(['127.0.0.1', port]);
  conn.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
  return conn;
}

const conns = Array.from({ length: connections }, connect);
const silent = Array.from({ length: idle }, connect);
const message = Buffer.alloc(size, 'x');
const buffer = Buffer.alloc(65_536);
/** For each connection, how many bytes have yet to come back, and when its message was sent. */
const missing = new Map<Socket, number>();
const sentMs = new Map<Socket, number>();
const latenciesMs: number[] = [];

function say(conn: Socket): void {
  missing.set(conn, size);
  sentMs.set(conn, performance.now());
  conn.sendall(message);
}

const beginMs = performance.now();
const endMs = beginMs + seconds * 1000;
for (const conn of conns) say(conn);
for (let nowMs = beginMs; missing.size > 0; nowMs = performance.now()) {
  const [readable] = select([...missing.keys()], [], [], STALL_S);
  if (readable.length === 0) throw new Error('the server answers no more');
  for (const conn of readable) {
    const left = (missing.get(conn) as number) - conn.recvInto(buffer);
    missing.set(conn, left);
    if (left > 0) continue;
    latenciesMs.push(performance.now() - (sentMs.get(conn) as number));
    if (nowMs < endMs) say(conn);
    else missing.delete(conn);
  }
}
const tookMs = performance.now() - beginMs;

latenciesMs.sort((a, b) => a - b);
const p99Ms = latenciesMs[Math.floor((latenciesMs.length - 1) * 0.99)] ?? 0;
const seen: Seen = {
  messages: latenciesMs.length,
  seconds: tookMs / 1000,
  p99Us: Math.round(p99Ms * 1000),
};
console.log(JSON.stringify(seen));
for (const conn of [...conns, ...silent]) conn.close();
