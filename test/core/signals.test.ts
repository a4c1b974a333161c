/** What a signal does to a call on the main thread: it goes on, unless a listener for a signal may wait to run. */
import { describe, expect, test } from 'vitest';
import { Process, until } from '../support/process.js';

interface Wait {
  name: string;
  /** What is done first, in JavaScript; it may set `fd` and `port` for `end`. */
  prepare?: string;
  /** The call that waits. */
  call: string;
  /** What lets it end, in another thread. */
  end?: string;
  /**
   * Whether the kernel itself begins the call again after a handler of Node's (SA_RESTART): not waits, and not
   * those with a time limit (man 7 signal).
   */
  isRestarted?: boolean;
}

const FULL = `
  const l = api.socket.createServer('\\0posix-select-' + process.pid, { backlog: 0 });
  const first = new api.socket.Socket(api.socket.AF_UNIX);
  first.connect(l.getsockname());
  fd = l.fileno();
`;
const FILL = `
  try { while (true) a.send(Buffer.alloc(65536), api.socket.MSG_DONTWAIT); } catch (err) { if (err.code !== 'EAGAIN') throw err; }
`;
const DRAIN = `
  const { MSG_DONTWAIT, Socket } = require('posix-select').socket;
  const other = new Socket({ fileno: fd });
  try { while (true) other.recv(65536, MSG_DONTWAIT); } catch (err) { if (err.code !== 'EAGAIN') throw err; }
  other.detach();
`;

const WAITS: Wait[] = [
  { name: 'select', call: 'api.select([a], [], [])' },
  { name: 'SelectSelector', call: 'selector("SelectSelector").select()' },
  { name: 'PollSelector', call: 'selector("PollSelector").select()' },
  { name: 'DefaultSelector', call: 'selector("DefaultSelector").select()' },
  { name: 'poll()', call: 'polled().poll()' },
  { name: 'recv', call: 'a.recv(1)', isRestarted: true },
  { name: 'recv with a timeout', prepare: 'a.settimeout(100)', call: 'a.recv(1)' },
  { name: 'recvInto', call: 'a.recvInto(Buffer.alloc(1))', isRestarted: true },
  { name: 'recvfrom', call: 'a.recvfrom(1)', isRestarted: true },
  { name: 'recvmsg', call: 'a.recvmsg(1)', isRestarted: true },
  {
    name: 'accept',
    prepare: "const l = api.socket.createServer(['127.0.0.1', 0]); port = l.getsockname()[1]",
    call: 'l.accept()',
    end: "require('node:net').connect(port, '127.0.0.1')",
    isRestarted: true,
  },
  {
    name: 'connect to a full listen queue',
    prepare: FULL,
    call: 'new api.socket.Socket(api.socket.AF_UNIX).connect(l.getsockname())',
    // What is left to the other thread is closed at that one's end, which may come before the connect.
    end: "const s = new (require('posix-select').socket.Socket)({ fileno: fd }); s.accept(); s.detach()",
    isRestarted: true,
  },
  { name: 'send', prepare: FILL, call: 'a.send(Buffer.from("x"))', end: DRAIN, isRestarted: true },
  { name: 'sendall', prepare: FILL, call: 'a.sendall(Buffer.from("x"))', end: DRAIN, isRestarted: true },
];

/** A program that prepares a wait, starts a thread that runs `other` and then ends the wait, and waits. */
const program = ({ prepare = '', call, end = "writeSync(fd, 'x')" }: Wait, other: string, first: string) => `
  const api = require('posix-select');
  const { Worker } = require('node:worker_threads');
  const [a, b] = api.socket.socketpair();
  const selector = (name) => { const s = new api.selectors[name](); s.register(a, 1); return s; };
  const polled = () => { const p = api.poll(); p.register(a, 1); return p; };
  let fd = b.fileno();
  let port;
  ${prepare};
  const code = ${JSON.stringify(`
    const { readFileSync, readSync, writeSync } = require('node:fs');
    const { fd, go, port } = require('node:worker_threads').workerData;
    const state = () => readFileSync('/proc/' + process.pid + '/task/' + process.pid + '/stat', 'utf8').split(') ')[1][0];
    ${other}
    while (state() !== 'S');
    ${end};
  `)};
  ${first}
  worker.once('online', () => {
    try { ${call}; console.log('returned'); } catch (err) { console.log(err.code); }
    process.exit();
  });
`;

const SIGNALS =
  "for (let i = 0; i < 10; i++) { while (state() !== 'S'); process.kill(process.pid, 'SIGUSR2'); }";
const LISTEN = `
  process.on('SIGUSR2', () => {});
  const worker = new Worker(code, { eval: true, workerData: { fd, port } });
`;

/** A process stops this one and lets it go on, three times; then it says so. */
const STOP = `
  const [go, done] = api.socket.pipe();
  const worker = new Worker(code, { eval: true, workerData: { fd, go, port } });
  const loop = 'for i in 1 2 3; do kill -STOP ' + process.pid + '; kill -CONT ' + process.pid + '; done; printf x >&3';
  require('node:child_process').spawn('sh', ['-c', loop], { stdio: ['ignore', 'ignore', 'inherit', done] });
`;

describe.runIf(process.platform === 'linux').each(WAITS)('$name', (wait) => {
  test('a listener that may wait to run: EINTR, unless the kernel restarts the call', async () => {
    const child = new Process(process.execPath, ['-e', program(wait, SIGNALS, LISTEN)]);
    await until('it has said what came', () => child.lines.length > 0 || child.hasEnded);
    expect(child.lines[0], child.stderr).toBe(wait.isRestarted ? 'returned' : 'EINTR');
  });

  test('SIGSTOP and SIGCONT disturb nobody', async () => {
    const child = new Process(process.execPath, [
      '-e',
      program(wait, 'readSync(go, Buffer.alloc(1));', STOP),
    ]);
    expect(await child.exit, child.stderr).toBe(0);
    expect(child.stdout).toBe('returned\n');
  });
});
