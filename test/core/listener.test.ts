/** Listener: which connections are accepted, which are closed at once; neither costs the others anything. */
import { closeSync } from 'node:fs';
import { OSError } from 'posix-select';
import { Listener } from 'posix-select/listener';
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createConnection,
  SO_LINGER,
  SOL_SOCKET,
  type Socket,
} from 'posix-select/socket';
import { expect, test } from 'vitest';
import { expectPauses } from '../support/idle.js';
import { eachAddress } from '../support/needs.js';
import { openFds, openSockets } from '../support/proc.js';
import { nodeArgs, Process, ROOT, until } from '../support/process.js';
import { python } from '../support/python.js';
import { drain, failure, kept, readable, temporaryPaths } from '../support/sockets.js';

const path = temporaryPaths();
const LOOPBACK: Address = ['127.0.0.1', 0];
const WHERE: [string, () => Address][] = [
  ['AF_INET', () => LOOPBACK],
  ['AF_INET6', () => ['::1', 0]],
  ['AF_UNIX', path],
];

function listening(address: Address = LOOPBACK): Listener {
  const [listener] = kept(new Listener(address));
  expect(listener.getblocking(), 'or the tests would hang').toBe(false);
  return listener;
}

/** Whom it admits, at one go. */
function admitted(listener: Listener): [Socket, Address][] {
  const all = [...listener.acceptAll()];
  kept(...all.map(([conn]) => conn));
  return all;
}

eachAddress(WHERE)(
  '%s: acceptAll takes all that are waiting, and returns when none is',
  async (_, address) => {
    using listener = listening(address());
    expect([...listener.acceptAll()]).toEqual([]);
    const clients = kept(...Array.from({ length: 10 }, () => createConnection(listener.getsockname())));
    const conns = admitted(listener);
    expect(conns.map(([, from]) => from)).toEqual(clients.map((client) => client.getsockname()));
    expect(conns.map(([conn]) => conn.getblocking())).toEqual(conns.map(() => true));
    expect([...listener.acceptAll()]).toEqual([]);
    for (const [i, client] of clients.entries()) {
      client.sendall(Buffer.from([i]));
      await readable(conns[i][0]);
      expect(conns[i][0].recv(9)).toEqual(Buffer.from([i]));
    }
  },
);

test('a flood of connections comes in, in order, however many go it takes', async () => {
  using listener = listening();
  const clients = kept(...Array.from({ length: 300 }, () => createConnection(listener.getsockname())));
  const from: Address[] = [];
  await until('all are in', () => {
    from.push(...admitted(listener).map(([, address]) => address));
    return from.length >= clients.length;
  });
  expect(from).toEqual(clients.map((client) => client.getsockname()));
});

test('who stops half-way through acceptAll loses nobody', () => {
  using listener = listening();
  kept(...Array.from({ length: 3 }, () => createConnection(listener.getsockname())));
  for (const [conn] of listener.acceptAll()) {
    conn.close();
    break;
  }
  expect(admitted(listener).length).toBe(2);
});

eachAddress(WHERE)('%s: a connection that vanished before accept does no harm', async (_, address) => {
  using listener = listening(address());
  const at = listener.getsockname();
  for (const reset of [true, false]) {
    const client = createConnection(at);
    if (reset) client.setsockopt(SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0));
    client.close();
  }
  const [alive] = kept(createConnection(at));
  const conns = admitted(listener);
  expect([...listener.acceptAll()]).toEqual([]);
  alive.sendall(Buffer.from('alive'));
  const [last] = conns[conns.length - 1];
  expect(await drain(last, 5)).toBe('alive');
  for (const [conn] of conns.slice(0, -1)) {
    await readable(conn);
    expect(failure(() => expect(conn.recv(9).length).toBe(0))).toMatch(/^(none|ECONNRESET)$/);
  }
});

test('it does not block, takes IPv4 on ::, and infers the family', () => {
  for (const [address, family] of [
    [LOOPBACK, AF_INET],
    [['::', 0], AF_INET6],
    [path(), AF_UNIX],
  ] as const) {
    using listener = listening(address as Address);
    expect([listener.family, listener.getblocking()]).toEqual([family, false]);
    expect(failure(() => listener.accept())).toBe('EAGAIN');
  }
  const both = listening(['::', 0]);
  kept(createConnection(['127.0.0.1', both.getsockname()[1] as number]));
  expect(admitted(both)[0][1][0]).toBe('::ffff:127.0.0.1');
});

test('close releases everything, again does nothing, and acceptAll is then EBADF', () => {
  const before = openSockets();
  for (let i = 0; i < 5; i++) {
    const listener = new Listener(LOOPBACK);
    expect(openSockets()).toBeGreaterThan(before);
    listener.close();
    listener.close();
    expect([openSockets(), listener.fileno()]).toEqual([before, -1]);
    expect(failure(() => [...listener.acceptAll()])).toBe('EBADF');
  }
  {
    using listener = new Listener(LOOPBACK);
    expect(failure(() => new Listener(listener.getsockname()))).toBe('EADDRINUSE');
  }
});

test('detach gives the one descriptor away, and releases everything else', () => {
  const before = openSockets();
  closeSync(new Listener(LOOPBACK).detach());
  expect(openSockets()).toBe(before);
});

test('a limit that is no number is a TypeError or RangeError', () => {
  using listener = listening();
  kept(createConnection(listener.getsockname()));
  const taken = ['x', {}, null, NaN, true, 1n].filter((limit) => {
    try {
      return [...listener.acceptAll(limit as never)];
    } catch (err) {
      return !(err instanceof TypeError || err instanceof RangeError);
    }
  });
  expect(taken).toEqual([]);
});

test('a loop that is not on select() may take any descriptor', () => {
  using listener = listening();
  kept(createConnection(listener.getsockname()));
  const conns = [...listener.acceptAll(Infinity)];
  kept(...conns.map(([conn]) => conn));
  expect(conns.length).toBe(1);
});

/** A Node.js that cannot have more than 100 descriptors, as the arguments of a Process. */
function limited(code: string, ...args: number[]): ConstructorParameters<typeof Process> {
  const command = [process.execPath, ...nodeArgs(code, ...args)];
  return ['sh', ['-c', 'ulimit -n 100; exec "$@"', 'sh', ...command], { cwd: ROOT }];
}

/**
 * An echo server whose limit admits so many as `places` says, and that has so many descriptors left as `room` says.
 */
const SERVER = `
import { select } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { Socket } from 'posix-select/socket';
import { print } from 'posix-select/terminal';
const [places, room] = process.argv.slice(1).map(Number);
const listener = new Listener(['127.0.0.1', 0]);
const probes = Array.from({ length: places < Infinity ? places + 1 : 0 }, () => new Socket());
const end = probes.at(-1)?.fileno();
for (const s of probes) s.close();
const filler = [];
try { while (room < Infinity) filler.push(new Socket()) } catch {}
for (const s of filler.slice(0, room)) s.close();
print(listener.getsockname()[1] + ' ' + (end ?? 0));
const conns = new Set();
for (;;) {
  const [readable] = select([listener, ...conns], [], []);
  for (const s of readable) {
    if (s === listener) for (const [conn] of listener.acceptAll(end)) conns.add(conn);
    else {
      const data = s.recv(4096);
      if (data.length > 0) s.sendall(data);
      else conns.delete(s), s.close();
    }
  }
}`;

class Server extends Process {
  port = 0;
  limit = 0;

  constructor(places: number, room: number) {
    super(...limited(SERVER, places, room));
  }

  async started(): Promise<this> {
    const [, port, limit] = await this.out(/(\d+) (\d+)\n/);
    Object.assign(this, { port: Number(port), limit: Number(limit) });
    return this;
  }

  connect(): Socket {
    return kept(createConnection(['127.0.0.1', this.port]))[0];
  }

  /** A connection that was let in. */
  async insider(): Promise<Socket> {
    const client = this.connect();
    expect(await echoes(client)).toBe(true);
    return client;
  }

  /** Connects, and waits for the line that says that the connection was closed at once. */
  async closedAtOnce(): Promise<string> {
    const client = this.connect();
    expect(await drain(client)).toBe('');
    const [, port] = client.getsockname();
    return (await this.err(new RegExp(`^\\('127.0.0.1', ${port}\\): (.*)\n`, 'm')))[1];
  }
}

/** Whether what is sent comes back; if not, the connection has ended. */
async function echoes(client: Socket): Promise<boolean> {
  try {
    client.sendall(Buffer.from('echo'));
    return (await drain(client, 4)) === 'echo';
  } catch (err) {
    if (err instanceof OSError) return false;
    throw err;
  }
}

test('a descriptor at the limit or past it is closed at once, with a line; those inside stay', async () => {
  const server = await new Server(2, Infinity).started();
  const [first, second] = [await server.insider(), await server.insider()];
  const line = `closed at once: select() takes descriptors below ${server.limit}`;
  expect([await server.closedAtOnce(), await server.closedAtOnce()]).toEqual([line, line]);
  expect([await echoes(first), await echoes(second)]).toEqual([true, true]);
  second.close();
  await until('there is room again', () => echoes(server.connect()));
  expect(await echoes(first)).toBe(true);
  expect(server.stdout.split('\n').length).toBe(2);
});

test('no descriptor left: the peer is closed at once, with a line; those inside are served meanwhile', async () => {
  const server = await new Server(Infinity, 2).started();
  const [first, second] = [await server.insider(), await server.insider()];
  const open = openFds(server.pid);
  for (let i = 0; i < 15; i++) {
    expect(await server.closedAtOnce()).toMatch(/^closed at once: .*Too many open files \(EMFILE\)$/);
    expect(await echoes(first)).toBe(true);
  }
  await until('nothing is left open', () => openFds(server.pid) === open);
  second.close();
  await until('there is room again', () => echoes(server.connect()));
  expect(await echoes(first)).toBe(true);
});

test('no descriptor left for many at once: each is closed, those inside are served meanwhile', async () => {
  const server = await new Server(Infinity, 1).started();
  const insider = await server.insider();
  const crowd = Array.from({ length: 200 }, () => server.connect());
  for (const client of crowd) {
    expect(await echoes(insider)).toBe(true);
    expect(await drain(client)).toBe('');
  }
  await until('a line for each', () => server.stderr.split('closed at once').length - 1 === crowd.length);
});

/** Makes the server lose the descriptor that it holds back: for a while it may have none at all. */
async function withoutSpare(server: Server, meanwhile: () => Promise<void>): Promise<void> {
  const limit = (most: number) =>
    python(
      'import resource as r\npid, most = args\nresult = r.prlimit(pid, r.RLIMIT_NOFILE, (most, r.prlimit(pid, r.RLIMIT_NOFILE)[1]))',
      [server.pid, most],
    );
  const open = openFds(server.pid);
  limit(3);
  const waiting = server.connect();
  await until('the spare descriptor is gone', () => openFds(server.pid) < open);
  await meanwhile();
  limit(100);
  // A connection that is accepted in the very moment in which the limit rises may still be closed at once.
  expect((await echoes(waiting)) || (await echoes(server.connect()))).toBe(true);
}

test('no spare descriptor either: it waits without spinning, and those who wait get in once there is room', async () => {
  const server = await new Server(Infinity, 2).started();
  const insider = await server.insider();
  await withoutSpare(server, async () => {
    await expectPauses(server);
    expect(await echoes(insider)).toBe(true);
  });
});

test('a spare descriptor that was lost comes back, and connections are closed at once again', async () => {
  const server = await new Server(Infinity, 2).started();
  await server.insider();
  await withoutSpare(server, async () => {});
  await until('one is closed at once', async () => !(await echoes(server.connect())));
  await server.err(/closed at once/);
});

test('a Listener that cannot be made leaves no descriptor behind', async () => {
  const code = `
    import { Listener } from 'posix-select/listener';
    import { Socket } from 'posix-select/socket';
    import { print } from 'posix-select/terminal';
    const filler = [];
    const fill = () => { try { for (;;) filler.push(new Socket()) } catch {} };
    const fails = () => { try { new Listener(['127.0.0.1', 0]).close() } catch (err) { return err.message } };
    for (const room of [0, 1]) {
      let message; // none: a thread of Node's own has just closed a descriptor
      do {
        fill();
        if (room) filler.pop().close();
        message = fails();
      } while (!message);
      print(message);
    }
    filler.push(new Socket());
    print('there is room');`;
  const child = new Process(...limited(code));
  await child.exit;
  const emfile = 'socket: Too many open files (EMFILE)';
  expect(child.lines).toEqual([emfile, emfile, 'there is room']);
});
