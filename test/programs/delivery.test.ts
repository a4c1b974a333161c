/** What is piped into a client arrives whole, whatever the server does; or the client says what has not been delivered. */
import { writeFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { untilAsleep } from '../support/idle.js';
import { beside, CLI, Process, start } from '../support/process.js';
import { listenInSteps } from '../support/python.js';
import { fileFor } from '../support/traced.js';

/** 8 MB. */
const LINES = 8000;
const LINE = 'x'.repeat(999);

const CLIENTS = [
  { program: 'cli', args: ['--framing', 'line'], isHostFirst: true },
  { program: 'talk-client', args: ['-n', 'n', '-p'], isHostFirst: false },
  { program: 'chatclient', args: [], isHostFirst: true },
  // It has no keyboard: what it says is its own.
  { program: 'select-client', args: ['--interval', '0', '--count', '80'], isHostFirst: true },
];

/** What a client says of bytes that were not delivered, beside its server's end. */
const SAID = /^(server closed the connection\n)?([\d,]+) bytes were not delivered\n$/;

/** A client that has 8 MB to say, its server in Python that it has connected to, and how many of the bytes are an x. */
async function saying({ program, args, isHostFirst }: (typeof CLIENTS)[number]) {
  const { python } = await listenInSteps();
  const port = await python.run<number>('listener = listen(rcvbuf=65_536); result = port(listener)');
  const file = fileFor('input');
  writeFileSync(file, `${LINE}\n`.repeat(LINES));
  const command = [process.execPath, CLI, program];
  // X, because its random letters are small.
  const prefix = program === 'select-client' ? ['X'.repeat(100_000)] : [];
  const address = isHostFirst ? ['127.0.0.1', String(port), ...args] : [...args, String(port)];
  const client = new Process('sh', ['-c', 'exec "$@" < "$0"', file, ...command, ...prefix, ...address]);
  const mark = prefix.length > 0 ? 'X' : 'x';
  await python.run(
    `
    conn = accept(listener)
    mark = args.encode()
    def talk():
        try:
            while not select.select([], [], [], 0.002)[0]: conn.sendall(b'news\\n')
        except OSError: pass
    talker = threading.Thread(target=talk, daemon=True)
    def read(pause):
        count = 0
        while data := conn.recv(16384):
            count += data.count(mark)
            if pause: select.select([], [], [], pause)
        return count
  `,
    mark,
  );
  return { client, python, bytes: mark === 'X' ? 8_000_000 : LINES * LINE.length };
}

describe.each(CLIENTS)('$program says 8 MB', (kind) => {
  beside('all of it, to a server that talks', async () => {
    const { client, python, bytes } = await saying(kind);
    await python.run('talker.start()');
    expect(await python.run('result = read(0); conn.close()')).toBe(bytes);
    expect({ exit: await client.exit, stderr: client.stderr }).toEqual({ exit: 0, stderr: '' });
  });

  beside('all of it, to a server that stops reading, and is slow', async () => {
    const { client, python, bytes } = await saying(kind);
    await python.run('head = get(conn, 100_000)');
    // Its queues and the server's are full: however long the server does not read, nothing else happens.
    await untilAsleep(client);
    await python.run('talker.start()');
    expect(await python.run('result = head.count(mark) + read(0.0005)')).toBe(bytes);
    await python.run('conn.close()');
    expect({ exit: await client.exit, stderr: client.stderr }).toEqual({ exit: 0, stderr: '' });
  });

  beside('a server that resets is said, with what was not delivered', async () => {
    const { client, python } = await saying(kind);
    await python.run('get(conn, 100_000)');
    await untilAsleep(client); // what the kernel has taken is no longer the client's to tell
    await python.run('reset(conn)');
    expect(await client.exit).toBe(1);
    const [, , undelivered = ''] = SAID.exec(client.stderr) ?? [];
    // Of what select-client has not said yet, nothing is known.
    expect(Number(undelivered.replaceAll(',', ''))).toBeGreaterThan(
      kind.program === 'select-client' ? 0 : 4e6,
    );
    expect(Number(undelivered.replaceAll(',', ''))).toBeLessThan((LINE.length + 10) * LINES);
  });

  beside('Ctrl-C ends it while the server takes nothing, and it says so', async () => {
    const { client, python } = await saying(kind);
    await python.run('get(conn, 100_000)');
    await untilAsleep(client);
    expect((await client.end('SIGINT')).exit).toBe(1);
    expect(client.stderr).toMatch(SAID);
  });
});

for (const kind of CLIENTS.slice(0, 3))
  beside(`${kind.program}: stdout that nobody reads does not keep Ctrl-C from ending it`, async () => {
    const { client, python } = await saying(kind);
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

beside(
  'multiconn-client: a server that reads late answers half of the connections, and resets the others',
  async () => {
    const { python, port } = await listenInSteps();
    const client = start('multiconn-client', ['127.0.0.1', port, 20]);
    await python.run('conns = [accept(listener) for _ in range(20)]');
    await untilAsleep(client);
    await python.run(`
    for conn in conns[:10]: conn.sendall(get(conn, 44))
    for conn in conns[10:]: reset(conn)`);
    expect(await client.exit).toBe(1);
    expect(client.stdout.match(/^Closing connection \d+$/gm)).toHaveLength(20);
    expect(client.stderr.match(/^connection \d+: recv fd \d+: .* \(ECONNRESET\)$/gm)).toHaveLength(10);
  },
);
