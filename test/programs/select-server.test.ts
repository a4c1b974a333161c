import { describe, expect, test } from 'vitest';
import { untilAsleep, waits } from '../support/idle.js';
import { eachAddress, needs } from '../support/needs.js';
import { freeze, thaw } from '../support/proc.js';
import { CLI, Process, start, startServer, until } from '../support/process.js';
import { Python } from '../support/python.js';
import { byClient, said } from '../support/select-server.js';

describe.each([[], ['--literal']])('select-server %s', (...form: string[]) => {
  test('its transcript with Python clients, and nothing is sent back', async () => {
    const server = await startServer('select-server', [...form, 0]);
    const python = new Python();
    const [a, b] = await python.run<[string, string]>(
      'socks = [connect(args), connect(args)]; result = names(socks)',
      server.port,
    );
    await until('both are in', () => server.lines.length === 3);
    const send = async (sock: number, text: string) => {
      const lines = server.lines.length;
      await python.run('socks[args[0]].sendall(args[1].encode())', [sock, text]);
      await until(`"${text}" is shown`, () => server.lines.length === lines + 1);
    };
    await send(0, 'test1: xajrxttphhlwmjf');
    await send(1, 'test2: bejnrwxftgzcgdyg');
    await send(0, 'test1: mtcwokwquc');
    const first = await python.run<number>(
      'socks[0].shutdown(socket.SHUT_WR); result = len(socks[0].recv(100))',
    );
    await until('the first has left', () => server.lines.length === 7);
    await send(1, 'test2: whvqnzgtaem');
    const { exit } = await server.end('SIGINT');
    const second = await python.run<number>('result = len(socks[1].recv(100))');

    expect({ exit, first, second }).toEqual({ exit: 0, first: 0, second: 0 });
    expect(server.lines).toEqual([
      'waiting for connections',
      `${a}: connected`,
      `${b}: connected`,
      `${a} 22 bytes: b'test1: xajrxttphhlwmjf'`,
      `${b} 23 bytes: b'test2: bejnrwxftgzcgdyg'`,
      `${a} 17 bytes: b'test1: mtcwokwquc'`,
      `${a}: disconnected`,
      `${b} 18 bytes: b'test2: whvqnzgtaem'`,
    ]);
  });

  test('its transcript with alice, bob and chris', async () => {
    const server = await startServer('select-server', [...form, 0]);
    const names = ['alice', 'bob', 'chris'];
    const clients = names.map((name) =>
      start('select-client', [name, 'localhost', server.port, '--count', 3, '--interval', 0.1]),
    );
    expect(await Promise.all(clients.map((client) => client.exit))).toEqual([0, 0, 0]);
    await until('all have left', () => server.stdout.match(/: disconnected\n/g)?.length === 3);
    expect((await server.end('SIGINT')).exit).toBe(0);

    const peer = "\\('127\\.0\\.0\\.1', \\d+\\)";
    const line = new RegExp(`^${peer}(: connected|: disconnected| \\d+ bytes: b'[a-z: ]+')$`);
    expect(server.lines[0]).toBe('waiting for connections');
    for (const each of server.lines.slice(1)) expect(each).toMatch(line);
    const shown = [...byClient(server).values()];
    for (const events of shown) expect([events[0], events.at(-1)]).toEqual(['connected', 'disconnected']);
    // Two messages may come in one recv when the server is late.
    expect(shown.map(said).sort()).toEqual(
      names.map((name) => expect.stringMatching(new RegExp(`^(${name}: [a-z]{10,19}){3}$`))),
    );
  });

  test('bytes and addresses as Python prints them', async () => {
    const server = await startServer('select-server', [...form, 0]);
    const python = new Python();
    const reprs = await python.run<string[]>(
      `
    payloads = [b"it's", b'"', b'it\\'s "both"', b'back\\\\slash', b'\\x00', b'\\n\\r\\t\\x1b[31m', b'a\\n' * 3,
                'å€😀'.encode(), b'\\xff\\xfe', bytes(range(256)), b"'" * 4096, bytes(range(256)) * 16]
    sock = connect(args)
    result = [f'{sock.getsockname()} {len(p)} bytes: {p}' for p in payloads]
    `,
      server.port,
    );
    for (const n of reprs.keys()) {
      await python.run('sock.sendall(payloads[args])', n);
      await until(`payload ${n} is shown`, () => server.lines.length === n + 3);
    }
    expect(server.lines.slice(2)).toEqual(reprs);
  });

  test('reads 4096 bytes at a time', async () => {
    const server = await startServer('select-server', [...form, 0]);
    const python = new Python();
    await python.run('sock = connect(args)', server.port);
    await server.out(/: connected\n/);
    await freeze(server); // until all of it is there
    const reprs = await python.run<string[]>(`
    data = bytes(i % 251 for i in range(10_000))
    sock.sendall(data)
    while fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)) != bytes(4): pass
    pieces = [data[:4096], data[4096:8192], data[8192:]]
    result = [f'{sock.getsockname()} {len(p)} bytes: {p}' for p in pieces]
  `);
    thaw(server);
    await until('all is shown', () => server.lines.length === 5);
    expect(server.lines.slice(2)).toEqual(reprs);
  });

  eachAddress([
    ['', ['127.0.0.1'], ['127.0.0.2', '::1']],
    ['localhost', ['localhost'], ['127.0.0.2']],
    ['::1', ['::1'], ['127.0.0.1']],
    ['0.0.0.0', ['127.0.0.1', '127.0.0.2', 'localhost'], ['::1']],
    ['::', ['::1', '127.0.0.1', 'localhost'], []],
  ])('on host "%s" it takes clients for %j, refuses those for %j', async (host, served, refused) => {
    const server = await startServer('select-server', [...form, 0, ...(host ? ['--host', host] : [])]);
    const python = new Python();
    const [addresses, errors] = await python.run<[string[], string[]]>(
      `
    port, host, served, refused = args
    socks = [connect(port, to) for to in served]
    for sock in socks: sock.sendall(b'hi')

    # A socket for both families has an IPv4 client as an IPv6 address.
    def seen(address):
        return ('::ffff:' + address[0], address[1], 0, 0) if host == '::' and len(address) == 2 else address

    def failure(to):
        try: connect(port, to)
        except OSError as e: return type(e).__name__

    result = [repr(seen(sock.getsockname())) for sock in socks], [failure(to) for to in refused]
    `,
      [server.port, host, served, refused],
    );
    expect(errors).toEqual(refused.map(() => 'ConnectionRefusedError'));
    await until('all are served', () => server.lines.length === 1 + 2 * served.length);
    for (const address of addresses) {
      expect(byClient(server).get(address)).toEqual(['connected', "2 bytes: b'hi'"]);
    }
    const bound = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? host : '127.0.0.1';
    expect(server.stderr).toContain(`listening on ${bound}:${server.port};`);
  });

  needs('IPv6 on loopback')('our client reaches it over IPv6', async () => {
    const server = await startServer('select-server', [...form, 0, '--host', '::1']);
    const client = start('select-client', ['alice', '::1', server.port, '--count', 1]);
    expect(await client.exit).toBe(0);
    await server.out(/^\('::1', \d+, 0, 0\) \d\d bytes: b'alice: [a-z]+'\n.*: disconnected\n/m);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'after %s with connections open its port is free at once',
    async (signal) => {
      const server = await startServer('select-server', [...form, 0]);
      const python = new Python();
      await python.run('socks = [connect(args) for _ in range(3)]', server.port);
      await until('all are in', () => server.lines.length === 4);
      expect((await server.end(signal)).exit).toBe(0);
      const next = await startServer('select-server', [...form, server.port]);
      await python.run('connect(args).sendall(b"again")', server.port);
      await next.out(/5 bytes: b'again'\n/);
    },
  );

  test("node's own options do not keep it from starting", async () => {
    const server = new Process(process.execPath, [
      '--max-old-space-size=100',
      CLI,
      'select-server',
      ...form,
      '0',
    ]);
    await server.out(/^waiting for connections\n/);
  });

  test('after its exit nothing holds the port', async () => {
    const server = await startServer('select-server', [...form, 0]);
    await server.end('SIGTERM');
    await new Python().run("socket.socket().bind(('127.0.0.1', args))", server.port);
  });

  test('a port in use is one line and exit code 1', async () => {
    const { port } = await startServer('select-server', [...form, 0]);
    const second = start('select-server', [...form, port]);
    expect(await second.exit).toBe(1);
    expect(second.stderr).toBe(
      `bind 127.0.0.1:${port}: Address already in use (EADDRINUSE)\nanother program has that port; port 0 takes a free one\n`,
    );
    expect(second.stdout).toBe('');
  });

  test('idle, it waits in select() on the worker alone, and has no reason to wake', async () => {
    const server = await startServer('select-server', [...form, 0]);
    const python = new Python();
    await python.run(
      "socks = [connect(args) for _ in range(3)]; [s.sendall(b'hello') for s in socks]",
      server.port,
    );
    await until('all are served', () => server.stdout.match(/b'hello'/g)?.length === 3);
    await untilAsleep(server);
    const selects = waits(server).filter(({ call }) => call === 'select');
    expect(selects).toMatchObject([{ hasTimeout: false }]);
  });
});
