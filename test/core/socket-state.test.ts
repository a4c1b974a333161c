import { closeSync, fstatSync, readlinkSync } from 'node:fs';
import { inspect } from 'node:util';
import {
  AF_INET,
  AF_UNIX,
  createConnection,
  createServer,
  IPPROTO_TCP,
  pipe,
  SHUT_WR,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  Socket,
  socketpair,
  TCP_NODELAY,
} from 'posix-select/socket';
import { expect, onTestFinished, test } from 'vitest';
import { needs } from '../support/needs.js';
import { startNode, until } from '../support/process.js';
import { Python, python } from '../support/python.js';
import { accept, drain, failure, isReadable, kept, tcp, temporaryPaths } from '../support/sockets.js';

const path = temporaryPaths();
const isOpen = (fd: number) => {
  try {
    return Boolean(fstatSync(fd));
  } catch {
    return false;
  }
};

test('a child process inherits none of them', async () => {
  using server = createServer(['127.0.0.1', 0]);
  const [a, b] = kept(...socketpair());
  const [client] = kept(createConnection(server.getsockname()));
  const [conn] = await accept(server);
  const [unbound] = kept(new Socket());
  const pipes = pipe();
  const name = (fd: number) => readlinkSync(`/proc/self/fd/${fd}`);
  const names = [...[server, a, b, client, conn, unbound].map((s) => s.fileno()), ...pipes].map(name);
  const script = `import os
for fd in os.listdir('/proc/self/fd'):
    try: print(os.readlink('/proc/self/fd/' + fd))
    except OSError: pass`;
  // The first is handed on, to see that such a thing would be found.
  const child = Python.program(script, [], { fds: [server.fileno()] });
  await child.exit;
  expect(names.filter((name) => child.lines.includes(name))).toEqual([names[0]]);
  for (const fd of pipes) closeSync(fd);
});

test('a write to a dead peer is EPIPE, and no SIGPIPE', async () => {
  const signals: string[] = [];
  const note = (signal: string) => signals.push(signal);
  for (const signal of ['SIGPIPE', 'SIGUSR2']) process.on(signal, note);
  onTestFinished(() => {
    for (const signal of ['SIGPIPE', 'SIGUSR2']) process.off(signal, note);
  });
  const [a, b] = kept(...socketpair());
  b.close();
  for (const write of [() => a.send(Buffer.from('x')), () => a.sendall(Buffer.from('x'))]) {
    expect(failure(write)).toBe('EPIPE');
  }
  const [c] = tcp();
  c.shutdown(SHUT_WR);
  expect(failure(() => c.sendto(Buffer.from('x'), c.getpeername()))).toBe('EPIPE');
  process.kill(process.pid, 'SIGUSR2'); // comes after the others
  await until('SIGUSR2', () => signals.includes('SIGUSR2'));
  expect(signals).toEqual(['SIGUSR2']);
});

test('setblocking and getblocking; an accepted connection blocks, the listener may not', async () => {
  using server = createServer(['127.0.0.1', 0]);
  server.setblocking(false);
  expect(failure(() => server.accept())).toBe('EAGAIN');
  const [client] = kept(createConnection(server.getsockname()));
  const [conn] = await accept(server);
  expect([server, client, conn].map((s) => s.getblocking())).toEqual([false, true, true]);
  conn.setblocking(false);
  expect(failure(() => conn.recv(1))).toBe('EAGAIN');
  conn.setblocking(true);
  expect([conn.getblocking(), client.getblocking()]).toEqual([true, true]);
});

test('options: ints, booleans, bytes', () => {
  using s = new Socket();
  expect([s.getsockopt(SOL_SOCKET, SO_TYPE), s.getsockopt(SOL_SOCKET, SO_ERROR)]).toEqual([SOCK_STREAM, 0]);
  for (const [value, now] of [
    [1, 1],
    [0, 0],
    [true, 1],
    [false, 0],
    [Int32Array.of(1), 1],
    [Int32Array.of(0).buffer, 0],
  ] as const) {
    s.setsockopt(IPPROTO_TCP, TCP_NODELAY, value);
    s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, value);
    expect([s.getsockopt(IPPROTO_TCP, TCP_NODELAY), s.getsockopt(SOL_SOCKET, SO_KEEPALIVE)]).toEqual([
      now,
      now,
    ]);
  }
  s.setsockopt(SOL_SOCKET, SO_RCVBUF, 20_000);
  expect(s.getsockopt(SOL_SOCKET, SO_RCVBUF)).toBeGreaterThanOrEqual(20_000);
  s.setsockopt(SOL_SOCKET, SO_LINGER, Int32Array.of(1, 5));
  for (const [size, got] of [
    [8, 8],
    [100, 8],
    [4, 4],
    [0, 0],
  ]) {
    const linger = Buffer.from(Int32Array.of(1, 5).buffer);
    expect(s.getsockopt(SOL_SOCKET, SO_LINGER, size)).toEqual(linger.subarray(0, got));
  }
  expect(failure(() => s.getsockopt(SOL_SOCKET, 9999))).toBe('ENOPROTOOPT');
  expect(failure(() => s.setsockopt(SOL_SOCKET, SO_LINGER, 1))).toBe('EINVAL');
});

test('close: the descriptor is closed and -1, again does nothing; the peer sees the end', async () => {
  const [a, b] = tcp();
  const fd = a.fileno();
  expect(isOpen(fd)).toBe(true);
  a.close();
  expect([a.fileno(), isOpen(fd)]).toEqual([-1, false]);
  using other = new Socket(); // may have got the number
  a.close();
  expect(isOpen(other.fileno())).toBe(true);
  expect(await drain(b)).toBe('');
});

test('a socket that is disposed of is closed', () => {
  let fd: number;
  {
    using s = new Socket();
    fd = s.fileno();
    expect(isOpen(fd)).toBe(true);
  }
  expect(isOpen(fd)).toBe(false);
});

test('detach gives the descriptor away, open; a new Socket takes it over', async () => {
  const [a, b] = tcp();
  const fd = a.fileno();
  expect([a.detach(), a.fileno(), a.detach()]).toEqual([fd, -1, -1]);
  a.close();
  expect(isReadable(b)).toBe(false);
  const [again] = kept(new Socket(AF_INET, SOCK_STREAM, 0, fd));
  expect(again.getpeername()).toEqual(b.getsockname());
  again.sendall(Buffer.from('still there'));
  expect(await drain(b, 11)).toBe('still there');
  again.close();
  expect(isOpen(fd)).toBe(false);
});

const STATES: [string, () => Socket][] = [
  ['new', () => new Socket()],
  ['a new AF_UNIX one', () => new Socket(AF_UNIX)],
  ['a new datagram one', () => new Socket(AF_INET, SOCK_DGRAM)],
  ['listening', () => createServer(['127.0.0.1', 0])],
  ['listening on IPv6', () => createServer(['::1', 0])],
  ['listening on a path', () => createServer(path())],
  ['listening on an abstract name', () => createServer(`\0posix-select é ${process.pid}`)],
  ['connected', () => tcp()[0]],
  ['accepted', () => tcp()[1]],
  ['one of a pair', () => kept(...socketpair())[0]],
];

needs('IPv6 on loopback')('shown as Python shows it', async () => {
  const sockets = kept(...STATES.map(([, make]) => make()));
  const script = `import socket, sys
for fd, proto in enumerate(sys.argv[1:], 4):
    s = socket.socket(proto=int(proto), fileno=fd)
    family, type = f'family={s.family!s}', f'type={s.type!s}'
    print(repr(s).replace(family, f'family={s.family:d}').replace(type, f'type={s.type:d}'))`;
  const protos = sockets.map((s) => s.proto);
  const child = Python.program(script, protos, { fds: sockets.map((s) => s.fileno()) });
  expect(await child.exit).toBe(0);
  const shown = sockets.map((s, i) => inspect(s).replace(`fd=${s.fileno()}`, `fd=${4 + i}`));
  const named = (lines: string[]) => lines.map((line, i) => [STATES[i][0], line]);
  expect(named(shown)).toEqual(named(child.lines));
  for (const s of sockets)
    expect([`${s}`, inspect({ deep: [s] })]).toEqual([inspect(s), expect.stringContaining(inspect(s))]);
});

test('shown as Python shows it, closed and detached', () => {
  const closed = new Socket();
  closed.close();
  const detached = createServer(['127.0.0.1', 0]);
  closeSync(detached.detach());
  const theirs = python(
    'import socket\nwith socket.create_server(("127.0.0.1", 0)) as s: pass\nresult = repr(s).replace("AddressFamily.AF_INET", "2").replace("SocketKind.SOCK_STREAM", "1")',
  );
  expect([closed, detached].map((s) => inspect(s))).toEqual([theirs, theirs]);
});

test('an open socket that nobody can reach any more is closed, with a warning', async () => {
  const child = startNode(`
    import { closeSync, fstatSync } from 'node:fs';
    import { createServer, Socket } from 'posix-select/socket';
    const isOpen = (fd) => { try { return Boolean(fstatSync(fd)) } catch { return false } };
    const warnings = [];
    process.on('warning', ({ name, message }) => warnings.push(\`\${name}: \${message}\`));
    const held = (() => {
      const lost = new Socket();
      const fd = lost.fileno();
      closeSync(fd); // behind its back: the next one gets the number
      const held = new Socket();
      if (held.fileno() !== fd) throw new Error('another number');
      return held;
    })();
    const fds = (() => {
      new Socket().close();
      const server = createServer(['127.0.0.1', 0]);
      const [host, port] = server.getsockname();
      console.log(\`ResourceWarning: unclosed <socket.socket fd=\${server.fileno()} \${port}\`);
      return [new Socket().detach(), server.fileno()];
    })();
    let rounds = 0;
    const timer = setInterval(() => {
      gc();
      if (warnings.length === 0 || ++rounds < 5) return;
      console.log(warnings.join('\\n'));
      console.log([held.fileno(), ...fds].map(isOpen).join());
      clearInterval(timer);
    }, 1);`);
  const [, prefix, port] = await child.out(/(.*) (\d+)\n/);
  expect(await child.exit).toBe(0);
  expect(child.lines.slice(1)).toEqual([
    expect.stringMatching(new RegExp(`^${prefix}, .*laddr=\\('127.0.0.1', ${port}\\)>$`)),
    'true,true,false',
  ]);
});
