/** print and warn, in processes of their own, with slow, stopped and vanished readers. */
import { createHash } from 'node:crypto';
import { SO_LINGER, SOL_SOCKET } from 'posix-select/socket';
import { expect, test } from 'vitest';
import { nodeArgs, Process, ROOT, startNode, startServer, until } from '../support/process.js';
import { connect, Python } from '../support/python.js';
import { tcp } from '../support/sockets.js';

const IMPORTS = `
import { select, OSError } from 'posix-select';
import { print, warn } from 'posix-select/terminal';
`;

test('all lines of threads whose event loops never turn arrive, whole', async () => {
  const [threads, count] = [3, 2000];
  const child = startNode(`
    import { Worker } from 'node:worker_threads';
    const thread = \`(async () => {
      const { select } = await import('posix-select');
      const { print } = await import('posix-select/terminal');
      const { workerData } = await import('node:worker_threads');
      for (let i = 0; i < ${count}; i++) print(workerData + ' ' + i + ' ' + 'é'.repeat(100));
      select([], [], []);
    })()\`;
    for (let i = 0; i < ${threads}; i++) new Worker(thread, { eval: true, workerData: i });
  `);
  await until('as many lines', () => child.lines.length >= threads * count);
  for (let thread = 0; thread < threads; thread++) {
    const theirs = child.lines.filter((line) => line.startsWith(`${thread} `));
    expect(theirs).toEqual(Array.from({ length: count }, (_, i) => `${thread} ${i} ${'é'.repeat(100)}`));
  }
  expect(child.stderr).toBe('');
});

test('print and warn write to stdout and stderr, each in its order', async () => {
  const child = startNode(`${IMPORTS}
    print('one'); warn('a'); print(''); warn(''); print('two\\nthree'); warn('€ 😀');`);
  expect(await child.exit).toBe(0);
  expect([child.stdout, child.stderr]).toEqual(['one\n\ntwo\nthree\n', 'a\n\n€ 😀\n']);
});

/**
 * A Python that gives a process a non-blocking pipe for its stdout or stderr, waits until it is full and the
 * process asleep, may interrupt it then, and only then reads, in small pieces. Says how much came and what it was.
 */
const SLOW_READER = `
import fcntl, hashlib, json, os, select, signal, subprocess, sys
stream, interruptions, *command = json.loads(sys.argv[1])
r, w = os.pipe()
os.set_blocking(w, False)
child = subprocess.Popen(command, **{stream: w})
def asleep():
    with open(f'/proc/{child.pid}/stat') as f: return f.read().rsplit(') ', 1)[1][0] == 'S'
def wait():
    while child.poll() is None and (select.select([], [w], [], 0)[1] or not asleep()): pass
wait()
for _ in range(interruptions):
    child.send_signal(signal.SIGUSR2)
    wait()
os.close(w)
digest, n = hashlib.sha256(), 0
while data := os.read(r, 3000):
    digest.update(data)
    n += len(data)
print(json.dumps([n, digest.hexdigest(), child.wait()]), flush=True)
`;

const lines = () => [
  ...Array.from({ length: 500 }, (_, i) => `${i} €`),
  '😀'.repeat(500_000),
  'x'.repeat(2_000_001),
  'last',
];

test.each([
  ['print', 'stdout', 0],
  ['print', 'stdout', 20],
  ['warn', 'stderr', 0],
  ['warn', 'stderr', 20],
])(
  'megabytes by %s into a full, non-blocking %s, interrupted by %i signals',
  async (call, stream, signals) => {
    const code = `${IMPORTS}
    process.on('SIGUSR2', () => {});
    for (const line of (${lines})()) ${call}(line);`;
    const args = [stream, signals, process.execPath, ...nodeArgs(code)];
    const reader = Python.program(SLOW_READER, [JSON.stringify(args)], { cwd: ROOT });
    const [, answer] = await reader.out(/^(.*)\n/);
    const text = Buffer.from(
      lines()
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect(JSON.parse(answer)).toEqual([text.length, createHash('sha256').update(text).digest('hex'), 0]);
  },
);

test('print without a reader is EPIPE, and the process lives', async () => {
  const code = `${IMPORTS}
    try {
      for (;;) print('x'.repeat(1000));
    } catch (err) {
      const { message, code, syscall } = err;
      warn(JSON.stringify([err instanceof OSError, message, code, syscall]));
    }`;
  const script = '"$@" | head -c 1';
  const pipeline = new Process('sh', ['-c', script, 'sh', process.execPath, ...nodeArgs(code)], {
    cwd: ROOT,
  });
  await pipeline.exit;
  expect(JSON.parse(pipeline.stderr)).toEqual([true, 'write stdout: Broken pipe (EPIPE)', 'EPIPE', 'write']);
});

test('print to a closed stdout is EBADF', async () => {
  const child = startNode(`${IMPORTS}
    import { closeSync } from 'node:fs';
    closeSync(1);
    try { print('x') } catch (err) { warn(err.message) }`);
  expect(await child.exit).toBe(0);
  expect(child.stderr).toBe('write stdout: Bad file descriptor (EBADF)\n');
});

test('warn survives that nobody reads stderr, and a closed one', async () => {
  const child = startNode(`${IMPORTS}
    import { closeSync, readSync } from 'node:fs';
    warn('heard');
    readSync(0, Buffer.alloc(1));
    for (let i = 0; i < 1000; i++) warn('x'.repeat(1000));
    print('alive');
    closeSync(2);
    warn('x');
    print('still alive');`);
  await child.err(/^heard\n$/);
  const { stderr, stdin } = child.child;
  stderr?.destroy();
  await until('stderr is closed', () => stderr?.destroyed);
  stdin?.end('go');
  expect(await child.exit).toBe(0);
  expect(child.lines).toEqual(['alive', 'still alive']);
});

test('a stdin that is a connection, and is reset, is at its end: the server serves on', async () => {
  const [stdin, keyboard] = tcp();
  keyboard.setsockopt(SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0));
  keyboard.close();
  const server = await startServer('chatserver', [0], { stdio: [stdin.fileno(), 'pipe', 'pipe'] });
  const peer = await connect(server.port);
  await peer.out(/screen name:/);
  expect((await server.end('SIGINT')).exit, server.stderr).toBe(0);
});
