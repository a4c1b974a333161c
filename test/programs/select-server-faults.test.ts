/** What peers may do to select-server alone; test/load/faults.test.ts has what they may do to all servers. */
import { describe, expect, test } from 'vitest';
import { expectPauses, untilAsleep } from '../support/idle.js';
import { Live } from '../support/live.js';
import { freeze, openFds, thaw } from '../support/proc.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';
import { byClient, count, said } from '../support/select-server.js';
import { SERVERS } from '../support/servers.js';

const FORMS = SERVERS.filter(({ program }) => program === 'select-server');

type Server = Live['process'];

/** The clients that the server has closed at once, by a line each on stderr. */
function closedAtOnce(server: Server): string[] {
  return [...server.stderr.matchAll(/^(\('.+?\)): closed at once: .+$/gm)].map(
    ([, address]) => address as string,
  );
}

/** Lets one more client connect, the last of `socks`, and says what became of it. */
async function arrive(server: Server, python: Python): Promise<'in' | 'closed at once'> {
  const address = await python.run<string>(
    'socks.append(connect(args)); result = repr(socks[-1].getsockname())',
    server.port,
  );
  await until('it is in or closed at once', () => {
    return byClient(server).has(address) || closedAtOnce(server).includes(address);
  });
  return byClient(server).has(address) ? 'in' : 'closed at once';
}

/** Sets how many descriptors the server may have: so many, or no more than it has, or as many as ever. */
async function limit(server: Server, python: Python, descriptors: number | 'as now' | 'none'): Promise<void> {
  const step = `
    pid, n = args
    if n == 'as now': n = max(int(fd) for fd in os.listdir(f'/proc/{pid}/fd')) + 1
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if n == 'none' else n, hard))`;
  await python.run(step, [server.pid, descriptors]);
}

/** Lets clients connect until one is closed at once, and returns how many are in. */
async function crowd(server: Server, python: Python): Promise<number> {
  await python.run("socks = globals().get('socks', [])");
  for (let inside = 0; ; inside++) {
    if ((await arrive(server, python)) === 'in') continue;
    expect(await python.run<number>('result = len(socks.pop().recv(100))')).toBe(0);
    return inside;
  }
}

describe.each(FORMS)('$name', (kind) => {
  /** Two well-behaved clients are served all through, and the server ends well. */
  async function withServer(
    body: (server: Server, live: Live, python: Python) => Promise<void>,
  ): Promise<void> {
    const live = await Live.start(kind);
    await body(live.process, live, new Python());
    expect((await live.report()).lost).toBe(0);
    expect((await live.process.end('SIGINT')).exit).toBe(0);
  }

  test.each([
    ['closes', 'sock.close()'],
    ['resets', 'reset(sock)'],
  ])('what a client sent that %s before it is read, is shown', (_, leave) =>
    withServer(async (server, _live, python) => {
      await freeze(server);
      const address = await python.run<string>(
        `
      sock = connect(args)
      result = repr(sock.getsockname())
      sock.sendall(b'x' * 10_000)
      while fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)) != bytes(4): pass
      ${leave}
      `,
        server.port,
      );
      thaw(server);
      await server.out(/: disconnected\n/);
      const events = byClient(server).get(address);
      expect([events?.[0], events?.at(-1)]).toEqual(['connected', 'disconnected']);
      expect(said(events)).toBe('x'.repeat(10_000));
    }),
  );

  test('a client that sends 8 MiB in one go delays no other and loses nothing', () =>
    withServer(async (server, live, python) => {
      await python.run('sock = connect(args)', server.port);
      await until('it is in', () => count(server, 'connected') === 3);
      await live.isServed();
      await freeze(server);
      await python.run('flood = threading.Thread(target=sock.sendall, args=(b"x" * 2**23,)); flood.start()');
      const queued = 'result = fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)) != bytes(4)';
      await until('more is there than the server has room for', () => python.run<boolean>(queued));
      const next = await live.saysMore(2); // while the server stands still
      thaw(server);
      const address = await python.run<string>(
        'flood.join(); result = repr(sock.getsockname()); sock.close()',
      );
      await server.out(/: disconnected\n/);
      expect(said(byClient(server).get(address))).toBe('x'.repeat(2 ** 23));
      const [before] = server.stdout.split(new RegExp(`w\\d-${next - 1};`));
      expect(before?.match(/b'x+'/g)?.length ?? 0).toBeLessThan(5); // one of each client in a round
    }));

  test('900 clients at once', () =>
    withServer(async (server, _live, python) => {
      const addresses = await python.run<string[]>(
        `
      socks = [socket.socket() for _ in range(900)]
      for sock in socks:
          sock.setblocking(False)
          sock.connect_ex(('127.0.0.1', args))
      connecting = set(socks)
      while connecting: connecting -= set(select.select([], connecting, [], SECONDS)[1])
      for i, sock in enumerate(socks): sock.sendall(b'client %d' % i)
      result = names(socks)
      `,
        server.port,
      );
      await until('all are served', () => server.stdout.match(/b'client \d+'/g)?.length === 900);
      expect([count(server, 'connected'), count(server, 'disconnected')]).toEqual([902, 0]);
      await python.run('for sock in socks: sock.close()');
      await until('all have left', () => count(server, 'disconnected') === 900);
      const events = byClient(server);
      for (const [i, address] of addresses.entries()) {
        const text = `client ${i}`;
        expect(events.get(address)).toEqual([
          'connected',
          `${text.length} bytes: b'${text}'`,
          'disconnected',
        ]);
      }
    }));

  test('a limit lowered to what is open: it closes new ones at once, until it is raised', () =>
    withServer(async (server, live, python) => {
      await limit(server, python, 'as now');
      await crowd(server, python);
      await live.pause();
      await untilAsleep(server);
      await live.resume();
      await limit(server, python, 'none');
      expect(await arrive(server, python)).toBe('in');
    }));

  test('a limit lowered below what is open: clients wait outside, until it is raised', () =>
    withServer(async (server, live, python) => {
      await limit(server, python, 5);
      await python.run('waiting = connect(args); waiting.sendall(b"let me in")', server.port);
      await live.pause();
      await expectPauses(server);
      await live.resume();
      await limit(server, python, 'none');
      await server.out(/'let me in'/);

      await limit(server, python, 5);
      await python.run('waiting = connect(args)', server.port);
      await live.isServed();
      await limit(server, python, 'as now'); // which leaves no more than a place or two
      await crowd(server, python);
      await live.isServed();
      await limit(server, python, 5);
      await python.run('waiting = connect(args)', server.port);
    }));

  test('10,000 connections leave no descriptor behind', () =>
    withServer(async (server, _live, python) => {
      const before = openFds(server.pid);
      await python.run(
        `
      for i in range(10_000):
          sock = connect(args)
          sock.sendall(b'x')
          reset(sock) if i % 2 else sock.close()
      `,
        server.port,
      );
      await until('all have left', () => count(server, 'disconnected') === 10_000);
      expect(openFds(server.pid)).toBe(before);
    }));
});
