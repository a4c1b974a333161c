/** What a signal does to a call on the main thread: it goes on, unless a listener for a signal may wait to run. */
import { describe, expect, test } from 'vitest';
import { Process, until } from '../support/process.js';

const WAITS: Record<string, string> = {
  select: 'api.select([a], [], [])',
  SelectSelector: 'selector("SelectSelector").select()',
  PollSelector: 'selector("PollSelector").select()',
  DefaultSelector: 'selector("DefaultSelector").select()',
  'poll()': 'polled().poll()',
  recv: 'a.recv(1)',
  'recv with a timeout': '(a.settimeout(100), a.recv(1))',
  recvInto: 'a.recvInto(Buffer.alloc(1))',
  recvfrom: 'a.recvfrom(1)',
  recvmsg: 'a.recvmsg(1)',
};

/** A thread that signals the main one ten times while it waits, then lets the wait end. */
const code = (wait: string) => `
  const api = require('posix-select');
  const { Worker } = require('node:worker_threads');
  const [a, b] = api.socket.socketpair();
  const selector = (name) => { const s = new api.selectors[name](); s.register(a, 1); return s; };
  const polled = () => { const p = api.poll(); p.register(a, 1); return p; };
  const signals = \`
    const { readFileSync, writeSync } = require('node:fs');
    const { workerData: fd } = require('node:worker_threads');
    const state = () => readFileSync('/proc/' + process.pid + '/task/' + process.pid + '/stat', 'utf8').split(') ')[1][0];
    for (let i = 0; i < 10; i++) { while (state() !== 'S'); process.kill(process.pid, 'SIGUSR2'); }
    while (state() !== 'S');
    writeSync(fd, 'x');
  \`;
  process.on('SIGUSR2', () => {});
  const worker = new Worker(signals, { eval: true, workerData: b.fileno() });
  worker.once('online', () => {
    try { const r = ${wait}; console.log('returned'); } catch (err) { console.log(err.code); }
    process.exit();
  });
`;

describe.runIf(process.platform === 'linux').each(Object.entries(WAITS))('%s', (_, wait) => {
  // Node's handlers restart calls (SA_RESTART), but for waits and those with a time limit: man 7 signal.
  const isRestarted = /^a\.recv/.test(wait);

  test('a listener that may wait to run: EINTR, unless the kernel restarts the call', async () => {
    const child = new Process(process.execPath, ['-e', code(wait)]);
    await until('it has said what came', () => child.lines.length > 0);
    expect(child.lines[0], child.stderr).toBe(isRestarted ? 'returned' : 'EINTR');
  });

  test('SIGSTOP and SIGCONT disturb nobody', async () => {
    const program = `
      const api = require('posix-select');
      const [a, b] = api.socket.socketpair();
      const selector = (name) => { const s = new api.selectors[name](); s.register(a, 1); return s; };
      const polled = () => { const p = api.poll(); p.register(a, 1); return p; };
      const { spawn } = require('node:child_process');
      const fd = b.fileno();
      spawn('sh', ['-c', 'for i in 1 2 3; do kill -STOP ' + process.pid + '; kill -CONT ' + process.pid + '; done; printf x >&3'],
        { stdio: ['ignore', 'ignore', 'inherit', fd] });
      try { ${wait}; console.log('returned'); } catch (err) { console.log(err.message); }
      process.exit();
    `;
    const child = new Process(process.execPath, ['-e', program]);
    expect(await child.exit, child.stderr).toBe(0);
    expect(child.stdout).toBe('returned\n');
  });
});
