/** What is piped into a client arrives whole, whatever the server does; or the client says what has not been delivered. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLI, Process, until } from '../support/process.js';
import { listenInSteps } from '../support/python.js';
import { fileFor } from '../support/traced.js';

const LINES = 60_000;
const LINE = 'x'.repeat(39);

const CLIENTS = [
  { program: 'cli', args: ['--framing', 'line'], isHostFirst: true },
  { program: 'talk-client', args: ['-n', 'n', '-p'], isHostFirst: false },
  { program: 'chatclient', args: [], isHostFirst: true },
];

/** A client whose stdin is a file of 2.4 MB, and the server in Python that it has connected to. */
async function piped({ program, args, isHostFirst }: (typeof CLIENTS)[number], rcvbuf = 16_384) {
  const { python } = await listenInSteps();
  const port = await python.run<number>('listener = listen(rcvbuf=args); result = port(listener)', rcvbuf);
  const file = fileFor('input');
  writeFileSync(file, `${LINE}\n`.repeat(LINES));
  const command = [process.execPath, CLI, program];
  const address = isHostFirst ? ['127.0.0.1', String(port), ...args] : [...args, String(port)];
  const client = new Process('sh', ['-c', 'exec "$@" < "$0"', file, ...command, ...address]);
  await python.run(`
    conn = accept(listener)
    def talk():
        try:
            while not select.select([], [], [], 0.002)[0]: conn.sendall(b'news\\n')
        except OSError: pass
    talker = threading.Thread(target=talk, daemon=True)
    def read(pause):
        x = 0
        while data := conn.recv(4096):
            x += data.count(b'x')
            if pause: select.select([], [], [], pause)
        return x
  `);
  return { client, python };
}

/** How much of its input a client has read. */
function inputPosition({ pid }: Process): number {
  return Number(/^pos:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/0`, 'utf8'))?.[1]);
}

test.each(CLIENTS)('$program: all of it, to a server that talks', async (kind) => {
  const { client, python } = await piped(kind);
  await python.run('talker.start()');
  expect(await python.run('result = read(0); conn.close()')).toBe(LINES * LINE.length);
  expect({ exit: await client.exit, stderr: client.stderr }).toEqual({ exit: 0, stderr: '' });
});

test.each(CLIENTS)('$program: all of it, to a server that talks, reads late, and is slow', async (kind) => {
  const { client, python } = await piped(kind);
  await python.run('talker.start(); select.select([], [], [], 1)');
  expect(await python.run('result = read(0.0005)')).toBe(LINES * LINE.length);
  await python.run('conn.close()');
  expect({ exit: await client.exit, stderr: client.stderr }).toEqual({ exit: 0, stderr: '' });
});

test.each(CLIENTS)('$program: a server that resets is said, with what was not delivered', async (kind) => {
  const { client, python } = await piped(kind);
  await python.run('get(conn, 100_000); reset(conn)');
  expect(await client.exit).toBe(1);
  expect(client.stderr).toMatch(/^[\d,]+ bytes were not delivered\n$/);
  const undelivered = Number(client.stderr.replace(/[^\d]/g, ''));
  expect(undelivered).toBeGreaterThan(1_000_000);
  expect(undelivered).toBeLessThan((LINE.length + 10) * LINES);
});

test.each(CLIENTS)('$program: Ctrl-C ends it while the server takes nothing, and says so', async (kind) => {
  const { client, python } = await piped(kind);
  await python.run('get(conn, 100_000)');
  // Far more than the server and its kernel have taken.
  await until('the client has read much', () => inputPosition(client) > 1_000_000);
  expect((await client.end('SIGINT')).exit).toBe(1);
  expect(client.stderr).toMatch(/^[\d,]+ bytes were not delivered\n$/);
});

test.each(CLIENTS)('$program: stdout that nobody reads does not keep Ctrl-C from ending it', async (kind) => {
  const { client, python } = await piped(kind);
  client.child.stdout?.pause();
  await python.run(`
    conn.settimeout(None)
    line = b'y' * 999 + b'\\n'
    def drown():
        try:
            for _ in range(3000): conn.sendall(line)
        except OSError: pass
    threading.Thread(target=drown, daemon=True).start()
    get(conn, 1000)
  `);
  expect((await client.end('SIGINT')).exit).not.toBe(130); // which it would be if its loop did not end
});
