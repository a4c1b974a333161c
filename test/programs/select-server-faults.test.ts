import { describe, expect, test } from 'vitest';
import { byClient, count, Guests, type Server, said } from '../support/guests.js';
import { expectPauses, untilAsleep } from '../support/idle.js';
import { freeze, openFds, thaw } from '../support/proc.js';
import { CLI, Process, startServer, until } from '../support/process.js';
import { Python } from '../support/python.js';

describe.each([[], ['--literal']])('select-server %s', (...form: string[]) => {
  async function serverWithGuests(): Promise<{ server: Server; guests: Guests; python: Python }> {
    const server = await startServer('select-server', [...form, 0]);
    return { server, guests: await Guests.of(server), python: new Python() };
  }

  /** Starts a server that has so many descriptors at most. */
  async function serverUnderLimit(limit: number): Promise<Server> {
    const script = `ulimit -n ${limit}; exec "$@"`;
    const server = new Process('sh', [
      '-c',
      script,
      'sh',
      process.execPath,
      CLI,
      'select-server',
      ...form,
      '0',
    ]);
    const [, port] = await server.err(/^listening on .*:(\d+);/m);
    return Object.assign(server, { port: Number(port) });
  }

  /** Ends the server and says how it went. */
  async function exitOf(server: Server): Promise<number | string> {
    return (await server.end('SIGINT')).exit;
  }

  test.each([
    ['a reset', 'reset(sock)'],
    ['a close', 'sock.close()'],
    ['a half-close', 'sock.shutdown(socket.SHUT_WR); result = len(sock.recv(100))'],
  ])('%s is a disconnection, with the right address', async (_, leave) => {
    const { server, guests, python } = await serverWithGuests();
    const address = await guests.during(async () => {
      const [address] = await python.run<string[]>(
        "sock = connect(args); sock.sendall(b'hello'); result = names([sock])",
        server.port,
      );
      await server.out(/'hello'/);
      await python.run(leave);
      await server.out(/: disconnected\n/);
      return address as string;
    });
    expect(byClient(server).get(address)).toEqual(['connected', "5 bytes: b'hello'", 'disconnected']);
    expect(server.stderr.match(/closed at once|Error/)).toBe(null);
    expect(await exitOf(server)).toBe(0);
  });

  test.each([
    ['closes', 'sock.close()'],
    ['resets', 'reset(sock)'],
  ])('what a client sent that %s before it is read, is shown', async (_, leave) => {
    const { server, guests, python } = await serverWithGuests();
    const address = await guests.during(async () => {
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
      return address;
    });
    const events = byClient(server).get(address);
    expect([events?.[0], events?.at(-1)]).toEqual(['connected', 'disconnected']);
    expect(said(events)).toBe('x'.repeat(10_000));
  });

  test('a client that sends byte by byte', async () => {
    const { server, guests, python } = await serverWithGuests();
    const text = 'one byte at a time;'.repeat(50);
    const address = await guests.during(async () => {
      const address = await python.run<string>(
        `
      sock = connect(args[0])
      sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      for byte in args[1].encode(): sock.send(bytes([byte]))
      result = repr(sock.getsockname())
      sock.close()
      `,
        [server.port, text],
      );
      await server.out(/: disconnected\n/);
      return address;
    });
    expect(said(byClient(server).get(address))).toBe(text);
  });

  test('a client that sends 8 MiB in one go delays no other and loses nothing', async () => {
    const server = await startServer('select-server', [...form, 0]);
    const python = new Python();
    await python.run('sock = connect(args)', server.port);
    await server.out(/: connected\n/); // before the guests: it is served before them
    const guests = await Guests.of(server);
    const address = await guests.during(async () => {
      await freeze(server);
      await python.run('flood = threading.Thread(target=sock.sendall, args=(b"x" * 2**23,)); flood.start()');
      const queued = 'result = fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)) != bytes(4)';
      await until('more is there than the server has room for', () => python.run<boolean>(queued));
      await guests.speak('during the flood,');
      thaw(server);
      const address = await python.run<string>(
        'flood.join(); result = repr(sock.getsockname()); sock.close()',
      );
      await server.out(/: disconnected\n/);
      return address;
    });
    expect(said(byClient(server).get(address))).toBe('x'.repeat(2 ** 23));
    const [before] = server.stdout.split('during the flood,');
    expect(before?.match(/b'x+'/g)?.length ?? 0).toBeLessThan(5); // one of each client in a round
  });

  test('900 clients at once', async () => {
    const { server, guests, python } = await serverWithGuests();
    const addresses = await guests.during(async () => {
      const addresses = await python.run<string[]>(
        `
      socks = [socket.socket() for _ in range(900)]
      for sock in socks:
          sock.setblocking(False)
          sock.connect_ex(('127.0.0.1', args))
      connecting = set(socks)
      while connecting: connecting -= set(select.select([], connecting, [], 30)[1])
      for i, sock in enumerate(socks): sock.sendall(b'client %d' % i)
      result = names(socks)
      `,
        server.port,
      );
      await until('all are served', () => server.stdout.match(/b'client \d+'/g)?.length === 900);
      expect([count(server, 'connected'), count(server, 'disconnected')]).toEqual([902, 0]);
      await python.run('for sock in socks: sock.close()');
      await until('all have left', () => count(server, 'disconnected') === 900);
      return addresses;
    });
    const events = byClient(server);
    for (const [i, address] of addresses.entries()) {
      const text = `client ${i}`;
      expect(events.get(address)).toEqual(['connected', `${text.length} bytes: b'${text}'`, 'disconnected']);
    }
  });

  test('1000 clients that connect and vanish', async () => {
    const { server, guests, python } = await serverWithGuests();
    const addresses = await guests.during(async () => {
      const addresses = await python.run<string[]>(
        `
      result = []
      for i in range(1000):
          sock = connect(args)
          result += names([sock])
          reset(sock) if i % 2 else sock.close()
      `,
        server.port,
      );
      await until('all have left', () => count(server, 'disconnected') === 1000);
      return addresses;
    });
    expect(count(server, 'connected')).toBe(1002);
    const events = byClient(server);
    for (const address of addresses) {
      expect(events.get(address)?.join()).toMatch(/^(connected,disconnected,?)+$/); // a port may come again
    }
  });

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
  async function limit(server: Server, python: Python, most: number | 'as now' | 'none'): Promise<void> {
    const step = `
    pid, most = args
    if most == 'as now': most = max(int(fd) for fd in os.listdir(f'/proc/{pid}/fd')) + 1
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if most == 'none' else most, hard))`;
    await python.run(step, [server.pid, most]);
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

  test('without a descriptor left it closes new ones at once, until there is room', async () => {
    const server = await serverUnderLimit(64);
    const guests = await Guests.of(server);
    const python = new Python();
    await guests.during(async () => {
      expect(await crowd(server, python)).toBeGreaterThan(20);
      await guests.say('it is full,');
    });
    await python.run('late = [connect(args) for _ in range(20)]', server.port);
    const ends = await python.run<number[]>('result = [len(sock.recv(100)) for sock in late]');
    expect(ends).toEqual(Array.from({ length: 20 }, () => 0));
    await until('each has a line', () => closedAtOnce(server).length === 21);
    await guests.say('still full,');
    await untilAsleep(server);

    await python.run('for sock in socks[:3]: sock.close()');
    await until('three have left', () => count(server, 'disconnected') === 3);
    expect(await crowd(server, python)).toBe(3);
    await guests.say('the end,');
    expect(await exitOf(server)).toBe(0);
  });

  test('a limit lowered to what is open: it closes new ones at once, until it is raised', async () => {
    const { server, guests, python } = await serverWithGuests();
    await guests.during(async () => {
      await limit(server, python, 'as now');
      await crowd(server, python);
      await guests.say('it is full,');
    });
    await untilAsleep(server);
    await limit(server, python, 'none');
    expect(await arrive(server, python)).toBe('in');
    expect(await exitOf(server)).toBe(0);
  });

  test('a limit lowered below what is open: clients wait outside, until it is raised', async () => {
    const { server, guests, python } = await serverWithGuests();
    await guests.during(async () => {
      await limit(server, python, 5);
      await python.run('waiting = connect(args); waiting.sendall(b"let me in")', server.port);
      await guests.say('one waits,');
    });
    await expectPauses(server);
    await limit(server, python, 'none');
    await server.out(/'let me in'/);

    await limit(server, python, 5);
    await python.run('waiting = connect(args)', server.port);
    await guests.say('another waits,');
    await limit(server, python, 'as now'); // which leaves no more than a place or two
    await crowd(server, python);
    await guests.say('the end,');
    await limit(server, python, 5);
    await python.run('waiting = connect(args)', server.port);
    expect(await exitOf(server)).toBe(0);
  });

  test('past FD_SETSIZE it closes new ones at once, until there is room', async () => {
    const { server, guests, python } = await serverWithGuests();
    const inside = await guests.during(async () => {
      const addresses = await python.run<string[]>(
        `
      _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
      resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
      socks = [connect(args) for _ in range(1050)]
      result = names(socks)
      `,
        server.port,
      );
      const outside = () => closedAtOnce(server);
      await until('all are in or out', () => count(server, 'connected') + outside().length === 1052);
      await guests.say('it is full,');
      expect(openFds(server.pid)).toBe(1024);
      const events = byClient(server);
      const inside = addresses.filter((address) => events.has(address));
      expect([...inside, ...outside()].sort()).toEqual(addresses.sort());

      await python.run(
        `
      outside = [sock for sock in socks if repr(sock.getsockname()) in args]
      socks = [sock for sock in socks if sock not in outside]
      for sock in outside: assert sock.recv(100) == b''
      for sock in socks: sock.sendall(b'inside')
      `,
        outside(),
      );
      await until('all inside are served', () => server.stdout.match(/'inside'/g)?.length === inside.length);
      return inside.length;
    });
    expect(inside).toBeGreaterThan(900);
    await python.run('for sock in socks[:3]: sock.close()');
    await until('three have left', () => count(server, 'disconnected') === 3);
    expect(await crowd(server, python)).toBe(3);
    await untilAsleep(server);
    expect(await exitOf(server)).toBe(0);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s with 500 clients connected', async (signal) => {
    const { server, guests, python } = await serverWithGuests();
    await python.run('socks = [connect(args) for _ in range(500)]', server.port);
    await until('all are in', () => count(server, 'connected') === 502);
    await guests.say('the end,');
    expect((await server.end(signal)).exit).toBe(0); // 130 or 143 if its loop did not end
    const ends = await python.run<number[]>('result = [len(sock.recv(100)) for sock in socks]');
    expect(ends).toEqual(Array.from({ length: 500 }, () => 0));
    await startServer('select-server', [...form, server.port]);
  });

  test('10,000 connections leave no descriptor behind', async () => {
    const { server, guests, python } = await serverWithGuests();
    await guests.say('before,');
    const before = openFds(server.pid);
    await guests.during(async () => {
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
    });
    expect(openFds(server.pid)).toBe(before);
  });
});
