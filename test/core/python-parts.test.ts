/** The parts of Python's select and socket modules that courses use: CPython and ours, the same operations. */
import { closeSync, existsSync, mkdtempSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as select from 'posix-select';
import { OSError } from 'posix-select';
import * as socket from 'posix-select/socket';
import { afterAll, expect, test } from 'vitest';
import { F_GETFD } from '../../dist/posix/call-constants.js';
import { sys } from '../../dist/posix/sys.js';
import { Python, python } from '../support/python.js';

const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isLinux = process.platform === 'linux';
const bytes = (text: string) => Buffer.from(text, 'latin1');
/** As the Python side writes bytes. */
const text = (data: Uint8Array | string) =>
  typeof data === 'string' ? data : Buffer.from(data).toString('latin1');

/** What went wrong, as the Python side says it: the class and the errno's name. */
function failure(call: () => unknown): [name: string, code: string | null] {
  try {
    call();
  } catch (err) {
    const { name, code } = err as OSError;
    return [name, err instanceof OSError && name === 'OSError' ? code : null];
  }
  throw new Error('it did not fail');
}

/** A name, Python's side as an expression or as statements that set `result`, and ours. */
type Row = [name: string, python: string, ours: () => unknown];

const udp = () => new socket.Socket(socket.AF_INET, socket.SOCK_DGRAM);

const TIMEOUTS: Row[] = [
  [
    'gettimeout, getblocking of each state',
    `s = socket.socket(); result = []
for t in (None, 0, 1.5, 0.0):
    s.settimeout(t); result.append([s.gettimeout(), s.getblocking()])
s.setblocking(True); result.append([s.gettimeout(), s.getblocking()])
s.setblocking(False); result.append([s.gettimeout(), s.getblocking()])`,
    () => {
      const s = new socket.Socket();
      const state = () => [s.gettimeout(), s.getblocking()];
      const states = [null, 0, 1.5, 0.0].map((t) => {
        s.settimeout(t);
        return state();
      });
      s.setblocking(true);
      states.push(state());
      s.setblocking(false);
      states.push(state());
      s.close();
      return states;
    },
  ],
  ...(['recv', 'recvfrom'] as const).map(
    (name): Row => [
      `${name} that takes too long`,
      `a, b = socket.socketpair(); a.settimeout(0.05); result = failure(lambda: a.${name}(9))`,
      () => {
        const [a, b] = socket.socketpair();
        a.settimeout(0.05);
        const failed = failure(() => a[name](9));
        for (const s of [a, b]) s.close();
        return failed;
      },
    ],
  ),
  [
    'recv within the timeout',
    "a, b = socket.socketpair(); a.settimeout(30); b.send(b'hi'); result = text(a.recv(9))",
    () => {
      const [a, b] = socket.socketpair();
      a.settimeout(30);
      b.send(bytes('hi'));
      const got = text(a.recv(9));
      for (const s of [a, b]) s.close();
      return got;
    },
  ],
  [
    'accept that takes too long; what it accepts later is blocking',
    `l = socket.create_server(('127.0.0.1', 0)); l.settimeout(0.05); result = [failure(l.accept)]
c = socket.create_connection(l.getsockname()); l.settimeout(30); d, _ = l.accept(); result.append(d.gettimeout())`,
    () => {
      const l = socket.createServer(['127.0.0.1', 0]);
      l.settimeout(0.05);
      const result: unknown[] = [failure(() => l.accept())];
      const c = socket.createConnection(l.getsockname());
      l.settimeout(30);
      const [d] = l.accept();
      result.push(d.gettimeout());
      for (const s of [l, c, d]) s.close();
      return result;
    },
  ],
  [
    'sendall that takes too long: one timeout for all of it',
    `a, b = socket.socketpair(); a.settimeout(0.1); result = failure(lambda: a.sendall(b'x' * 10_000_000))`,
    () => {
      const [a, b] = socket.socketpair();
      a.settimeout(0.1);
      const failed = failure(() => a.sendall(Buffer.alloc(10_000_000)));
      for (const s of [a, b]) s.close();
      return failed;
    },
  ],
  [
    'with 0 nothing waits',
    'a, b = socket.socketpair(); a.settimeout(0); result = failure(lambda: a.recv(9))[1]',
    () => {
      const [a, b] = socket.socketpair();
      a.settimeout(0);
      const failed = failure(() => a.recv(9))[1];
      for (const s of [a, b]) s.close();
      return failed === 'EAGAIN' ? 'EAGAIN' : failed;
    },
  ],
  [
    'timeouts that are none',
    's = socket.socket(); result = [failure(lambda: s.settimeout(t))[0] for t in (-1, "1")]',
    () => {
      const s = new socket.Socket();
      const names = [-1, '1'].map((t) => failure(() => s.settimeout(t as number))[0]);
      s.close();
      return names.map((name) => (name === 'RangeError' ? 'ValueError' : name));
    },
  ],
  [
    'the default for new sockets',
    `socket.setdefaulttimeout(2.5); s = socket.socket(); result = [socket.getdefaulttimeout(), s.gettimeout()]
socket.setdefaulttimeout(None); result.append(socket.getdefaulttimeout())`,
    () => {
      socket.setdefaulttimeout(2.5);
      const s = new socket.Socket();
      const result = [socket.getdefaulttimeout(), s.gettimeout()];
      socket.setdefaulttimeout(null);
      s.close();
      return [...result, socket.getdefaulttimeout()];
    },
  ],
  [
    'create_connection with a timeout and an address at this end',
    `l = socket.create_server(('127.0.0.1', 0))
c = socket.create_connection(l.getsockname(), 3, ('127.0.0.1', 0))
result = [c.gettimeout(), c.getsockname()[0], c.getpeername() == l.getsockname()]`,
    () => {
      const l = socket.createServer(['127.0.0.1', 0]);
      const c = socket.createConnection(l.getsockname(), 3, ['127.0.0.1', 0]);
      const same = String(c.getpeername()) === String(l.getsockname());
      const result = [c.gettimeout(), c.getsockname()[0], same];
      for (const s of [l, c]) s.close();
      return result;
    },
  ],
  [
    'connect to a full listen queue takes too long; connect_ex says EAGAIN',
    `l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(0); held = []
while True:
    s = socket.socket(); s.settimeout(0.3); held.append(s)
    try: s.connect(l.getsockname())
    except TimeoutError as e: result = [type(e).__name__]; break
s = socket.socket(); s.settimeout(0.05); result.append(errno.errorcode[s.connect_ex(l.getsockname())])`,
    () => {
      const l = new socket.Socket();
      l.bind(['127.0.0.1', 0]);
      l.listen(0);
      const held = [l];
      const result: unknown[] = [];
      while (result.length === 0) {
        const s = new socket.Socket();
        held.push(s);
        s.settimeout(0.3);
        try {
          s.connect(l.getsockname());
        } catch (err) {
          result.push((err as OSError).name);
        }
      }
      const s = new socket.Socket();
      held.push(s);
      s.settimeout(0.05);
      const code = s.connectEx(l.getsockname());
      result.push(code === select.errno.EAGAIN ? 'EAGAIN' : code);
      for (const each of held) each.close();
      return result;
    },
  ],
];

const POLLS: Row[] = [
  [
    'poll(): register, modify, unregister',
    `a, b = socket.socketpair(); p = select.poll(); fd = a.fileno(); result = []
p.register(a, select.POLLIN | select.POLLOUT)
result.append([e for _, e in p.poll(0)])
p.modify(a, select.POLLIN); result.append(p.poll(0)); b.send(b'x'); result.append([[f == fd, e] for f, e in p.poll()])
p.register(fd); result.append([e for _, e in p.poll(0)])
b.close(); result.append([e for _, e in p.poll(0)])
p.unregister(a); result.append(p.poll(0))
result.append(failure(lambda: p.modify(a, 1))[1]); result.append(failure(lambda: p.unregister(a))[0] == 'KeyError')`,
    () => {
      const [a, b] = socket.socketpair();
      const p = select.poll();
      const events = () => p.poll(0).map(([, event]) => event);
      p.register(a, select.POLLIN | select.POLLOUT);
      const result: unknown[] = [events()];
      p.modify(a, select.POLLIN);
      result.push(p.poll(0));
      b.send(bytes('x'));
      result.push(p.poll().map(([fd, event]) => [fd === a.fileno(), event]));
      p.register(a.fileno());
      result.push(events());
      b.close();
      result.push(events());
      p.unregister(a);
      result.push(p.poll(0), failure(() => p.modify(a, 1))[1]);
      const unregistered = (() => {
        try {
          p.unregister(a);
        } catch (err) {
          return (err as { code: string }).code;
        }
      })();
      a.close();
      return [...result, unregistered === 'ERR_NOT_REGISTERED'];
    },
  ],
  [
    'poll() of a closed descriptor: POLLNVAL',
    `a, b = socket.socketpair(); p = select.poll(); p.register(a, 1); a.close(); result = [e for _, e in p.poll(0)]`,
    () => {
      const [a, b] = socket.socketpair();
      const p = select.poll();
      p.register(a, 1);
      a.close();
      b.close();
      return p.poll(0).map(([, event]) => event);
    },
  ],
  ...(isLinux
    ? ([
        [
          'epoll(): level, edge, one shot',
          `a, b = socket.socketpair(); result = []
for mask in (select.EPOLLIN, select.EPOLLIN | select.EPOLLET, select.EPOLLIN | select.EPOLLONESHOT):
    with select.epoll() as ep:
        ep.register(a, mask); b.send(b'x')
        rounds = [[e for _, e in ep.poll(0)] for _ in range(2)]
        ep.modify(a, mask); rounds.append([e for _, e in ep.poll(0)])
        result.append(rounds)
        result.append([failure(lambda: ep.register(a))[1], failure(lambda: ep.modify(b, 1))[1]])
        ep.unregister(a); result.append(ep.poll(0)); result.append(ep.closed)
result.append(ep.closed); result.append(failure(ep.fileno)[0])
a.recv(9)`,
          () => {
            const [a, b] = socket.socketpair();
            const result: unknown[] = [];
            let ep = select.epoll();
            ep.close();
            for (const flag of [0, select.EPOLLET, select.EPOLLONESHOT]) {
              const mask = select.EPOLLIN | flag;
              ep = select.epoll();
              const events = () => ep.poll(0).map(([, event]) => event);
              ep.register(a, mask >>> 0);
              b.send(bytes('x'));
              const rounds = [events(), events()];
              ep.modify(a, mask >>> 0);
              result.push([...rounds, events()]);
              result.push([failure(() => ep.register(a))[1], failure(() => ep.modify(b, 1))[1]]);
              ep.unregister(a);
              result.push(ep.poll(0), ep.closed);
              ep.close();
            }
            result.push(ep.closed, failure(() => ep.fileno())[0].replace('RangeError', 'ValueError'));
            for (const s of [a, b]) s.close();
            return result;
          },
        ],
        [
          'epoll().poll(maxevents): no more than that, the rest next',
          `pairs = [socket.socketpair() for _ in range(5)]; ep = select.epoll()
for a, b in pairs: ep.register(a, 4)
result = [len(ep.poll(0, 2)), len(ep.poll(0)), failure(lambda: ep.poll(0, 0))[0]]`,
          () => {
            const pairs = Array.from({ length: 5 }, () => socket.socketpair());
            const ep = select.epoll();
            for (const [a] of pairs) ep.register(a, 4);
            const failed = failure(() => ep.poll(0, 0))[0].replace('RangeError', 'ValueError');
            const result = [ep.poll(0, 2).length, ep.poll(0).length, failed];
            ep.close();
            for (const s of pairs.flat()) s.close();
            return result;
          },
        ],
        [
          'the numbers of the events',
          `result = {n: getattr(select, n) for n in dir(select) if n.startswith(('POLL', 'EPOLL', 'PIPE')) and n in args}`,
          () => Object.fromEntries(NUMBERS.map((name) => [name, (select as Record<string, unknown>)[name]])),
        ],
      ] as Row[])
    : ([
        [
          'kqueue(): read, write, changes, failures',
          `a, b = socket.socketpair(); kq = select.kqueue(); result = []
def told(n, t=0): return sorted([e.filter, e.flags & select.KQ_EV_EOF, e.udata] for e in kq.control(None, n, t))
result.append(kq.control([select.kevent(a), select.kevent(a, select.KQ_FILTER_WRITE, udata=7)], 0))
result.append(told(9)); b.send(b'xyz'); result.append(told(9, 5)); result.append(len(told(1)))
result.append([e.data for e in kq.control([select.kevent(a, select.KQ_FILTER_WRITE, select.KQ_EV_DELETE)], 9)])
b.close(); result.append(told(9, 5))
result.append(failure(lambda: kq.control([select.kevent(a, select.KQ_FILTER_WRITE, select.KQ_EV_DELETE)], 0))[1])
result.append(failure(lambda: kq.control(None, -1))[0]); result.append(failure(lambda: kq.control([1], 0))[0])
kq.close(); result.append([kq.closed, failure(kq.fileno)[0]])`,
          () => {
            const [a, b] = socket.socketpair();
            const kq = select.kqueue();
            const { KQ_EV_ADD, KQ_EV_DELETE, KQ_EV_EOF, KQ_FILTER_WRITE } = select;
            const told = (n: number, timeoutS = 0) =>
              kq
                .control(null, n, timeoutS)
                .map(({ filter, flags, udata }) => [filter, flags & KQ_EV_EOF, udata])
                .sort(([first = 0], [second = 0]) => first - second);
            const noWrite = select.kevent(a, KQ_FILTER_WRITE, KQ_EV_DELETE);
            const write = select.kevent(a, KQ_FILTER_WRITE, KQ_EV_ADD, 0, 0, 7);
            const result: unknown[] = [kq.control([select.kevent(a), write], 0), told(9)];
            b.send(bytes('xyz'));
            result.push(
              told(9, 5),
              told(1).length,
              kq.control([noWrite], 9).map(({ data }) => data),
            );
            b.close();
            result.push(told(9, 5), failure(() => kq.control([noWrite], 0))[1]);
            result.push(failure(() => kq.control(null, -1))[0].replace('RangeError', 'ValueError'));
            result.push(failure(() => kq.control([1 as never], 0))[0]);
            kq.close();
            result.push([kq.closed, failure(() => kq.fileno())[0].replace('RangeError', 'ValueError')]);
            a.close();
            return result;
          },
        ],
        [
          'the numbers of kqueue',
          "result = {n: getattr(select, n) for n in dir(select) if n.startswith('KQ_') and n in args}",
          () => Object.fromEntries(NUMBERS.map((name) => [name, (select as Record<string, unknown>)[name]])),
        ],
      ] as Row[])),
];

/** Those of our numbers that Python has, too. */
const NUMBERS = Object.keys(select).filter((name) =>
  (isLinux ? /^(E?POLL|PIPE)[A-Z_]+$/ : /^KQ_/).test(name),
);

/** A small system knows no service by its name. */
const SERVICE = existsSync('/etc/services') ? 'http' : '80';

const NAMES: Row[] = [
  ['gethostname', 'socket.gethostname()', () => socket.gethostname()],
  [
    'gethostbyname',
    "[socket.gethostbyname(h) for h in ('127.0.0.1', 'localhost', '', '<broadcast>')]",
    () => ['127.0.0.1', 'localhost', '', '<broadcast>'].map(socket.gethostbyname),
  ],
  [
    'getaddrinfo',
    `def plain(infos): return [[int(f), int(t), p, c, list(a)] for f, t, p, c, a in infos]
result = [plain(socket.getaddrinfo(*a)) for a in (('127.0.0.1', 80), ('::1', '${SERVICE}', 0, 1), (None, 7, 2, 2, 0, 1), ('localhost', None, 2, 1, 6, 2))]`,
    () => [
      socket.getaddrinfo('127.0.0.1', 80),
      socket.getaddrinfo('::1', SERVICE, 0, 1),
      socket.getaddrinfo(null, 7, 2, 2, 0, 1),
      socket.getaddrinfo('localhost', null, 2, 1, 6, 2),
    ],
  ],
  [
    'gaierror',
    "failure(lambda: socket.getaddrinfo('no-such-host.invalid', 80, 0, 0, 0, socket.AI_NUMERICHOST))[0]",
    () => failure(() => socket.getaddrinfo('no-such-host.invalid', 80, 0, 0, 0, socket.AI_NUMERICHOST))[0],
  ],
  [
    'inet_pton, inet_ntop',
    `result = [list(socket.inet_pton(f, t)) for f, t in ((2, '1.2.3.4'), (socket.AF_INET6, '::1'))]
result.append(socket.inet_ntop(2, bytes([1, 2, 3, 4]))); result.append(socket.inet_ntop(socket.AF_INET6, bytes(15) + b'\\1'))
result.append(failure(lambda: socket.inet_pton(2, '1.2.3'))[0])`,
    () => [
      [...socket.inetPton(2, '1.2.3.4')],
      [...socket.inetPton(socket.AF_INET6, '::1')],
      socket.inetNtop(2, Uint8Array.of(1, 2, 3, 4)),
      socket.inetNtop(socket.AF_INET6, Buffer.concat([Buffer.alloc(15), Uint8Array.of(1)])),
      failure(() => socket.inetPton(2, '1.2.3'))[0],
    ],
  ],
  [
    'htons, htonl and back',
    '[f(n) for f in (socket.htons, socket.ntohs) for n in (0, 80, 65535)] + [f(n) for f in (socket.htonl, socket.ntohl) for n in (1, 2**32 - 2)]',
    () => [
      ...[socket.htons, socket.ntohs].flatMap((f) => [0, 80, 65_535].map(f)),
      ...[socket.htonl, socket.ntohl].flatMap((f) => [1, 2 ** 32 - 2].map(f)),
    ],
  ],
  ['has_dualstack_ipv6', 'socket.has_dualstack_ipv6()', () => socket.hasDualstackIPv6()],
  [
    "an address of '<broadcast>'",
    "s = socket.socket(2, 2); result = failure(lambda: s.sendto(b'x', ('<broadcast>', 9)))[1]; s.setsockopt(1, 6, 1)",
    () => {
      const s = udp();
      const failed = failure(() => s.sendto(bytes('x'), ['<broadcast>', 9]));
      s.close();
      return failed[1];
    },
  ],
];

const MESSAGES: Row[] = [
  [
    'sendmsg, recvmsg: several buffers, one message',
    `a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
result = [a.sendmsg([b'ab', b'', b'cde'])]
data, anc, flags, address = b.recvmsg(9, 99); result += [text(data), anc, flags, address]
a.send(b'12345'); data, anc, flags, address = b.recvmsg(3); result += [text(data), flags == socket.MSG_TRUNC]`,
    () => {
      const [a, b] = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM);
      const result: unknown[] = [a.sendmsg([bytes('ab'), bytes(''), bytes('cde')])];
      const [data, ancillary, flags, address] = b.recvmsg(9, 99);
      result.push(text(data), ancillary, flags, address);
      a.send(bytes('12345'));
      const [start, , startFlags] = b.recvmsg(3);
      for (const s of [a, b]) s.close();
      return [...result, text(start), startFlags === socket.MSG_TRUNC];
    },
  ],
  [
    'sendmsg to an address, recvmsg of its sender',
    `a, b = socket.socket(2, 2), socket.socket(2, 2)
for s in (a, b): s.bind(('127.0.0.1', 0))
a.sendmsg([b'x'], [], 0, b.getsockname()); result = b.recvmsg(9)[3] == a.getsockname()`,
    () => {
      const [a, b] = [udp(), udp()];
      for (const s of [a, b]) s.bind(['127.0.0.1', 0]);
      a.sendmsg([bytes('x')], [], 0, b.getsockname());
      const same = String(b.recvmsg(9)[3]) === String(a.getsockname());
      for (const s of [a, b]) s.close();
      return same;
    },
  ],
  [
    'CMSG_LEN, CMSG_SPACE',
    '[f(n) for f in (socket.CMSG_LEN, socket.CMSG_SPACE) for n in (0, 1, 4, 7, 8, 12)]',
    () => [socket.CMSG_LEN, socket.CMSG_SPACE].flatMap((f) => [0, 1, 4, 7, 8, 12].map(f)),
  ],
  [
    'descriptors over a socket; too small a room is said',
    `import os
a, b = socket.socketpair(); r, w = os.pipe()
socket.send_fds(a, [b'fd'], [r, w]); data, fds, flags, address = socket.recv_fds(b, 9, 2)
os.write(fds[1], b'over'); result = [text(data), len(fds), text(os.read(r, 9)), flags & ~0x40000000, address]
socket.send_fds(a, [b'fd'], [r, w]); data, fds, flags, address = socket.recv_fds(b, 9, 0); result += [len(fds), flags & socket.MSG_CTRUNC == socket.MSG_CTRUNC]`,
    () => {
      const [a, b] = socket.socketpair();
      const [r, w] = socket.pipe();
      socket.sendFds(a, [bytes('fd')], [r, w]);
      const [data, fds, flags, address] = socket.recvFds(b, 9, 2);
      writeSync(fds[1] as number, 'over');
      const read = Buffer.alloc(9);
      const got = read.subarray(0, readSync(r, read));
      const result = [text(data), fds.length, text(got), flags, address];
      // Python leaves them open for a program that it becomes; ours are close-on-exec (FD_CLOEXEC is 1).
      expect(fds.map((fd) => sys.fcntl(fd, F_GETFD, 0))).toEqual([1, 1]);
      socket.sendFds(a, [bytes('fd')], [r, w]);
      const [, none, truncated] = socket.recvFds(b, 9, 0);
      for (const fd of [r, w, ...fds]) closeSync(fd);
      for (const s of [a, b]) s.close();
      return [...result, none.length, (truncated & socket.MSG_CTRUNC) === socket.MSG_CTRUNC];
    },
  ],
  [
    'sendmsg with descriptors as an array of ints; what is no descriptor is refused, and not taken for 0',
    `import array
a, b = socket.socketpair()
a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [b.fileno()]))])
data, fds, flags, address = socket.recv_fds(b, 9, 2); result = [text(data), len(fds)]
for fds in [[a], [None], ['0'], [0.5]]:
    try: socket.send_fds(a, [b'x'], fds)
    except TypeError as e: result.append('TypeError')`,
    () => {
      const [a, b] = socket.socketpair();
      a.sendmsg([bytes('x')], [[socket.SOL_SOCKET, socket.SCM_RIGHTS, Int32Array.of(b.fileno())]]);
      const [data, fds] = socket.recvFds(b, 9, 2);
      const result: unknown[] = [text(data), fds.length];
      for (const fd of [a, null, '0', 0.5]) {
        try {
          socket.sendFds(a, [bytes('x')], [fd as number]);
        } catch (err) {
          result.push((err as Error).name);
        }
      }
      for (const fd of fds) closeSync(fd);
      for (const s of [a, b]) s.close();
      return result;
    },
  ],
  [
    'dup: another descriptor of the same socket',
    `a, b = socket.socketpair(); a.settimeout(3); c = a.dup()
result = [c.fileno() != a.fileno(), c.family, c.type, c.gettimeout()]; a.close(); c.send(b'x'); result.append(text(b.recv(9)))`,
    () => {
      const [a, b] = socket.socketpair();
      a.settimeout(3);
      const c = a.dup();
      const result = [c.fileno() !== a.fileno(), c.family, c.type, c.gettimeout()];
      a.close();
      c.send(bytes('x'));
      result.push(text(b.recv(9)) as never);
      for (const s of [b, c]) s.close();
      return result;
    },
  ],
  [
    'makefile: lines, reads, bytes, writes',
    `a, b = socket.socketpair(); b.sendall('eins\\nzwei\\n\\n\u00fc\\nohne'.encode()); b.shutdown(1)
f = a.makefile('r', newline='\\n'); result = [f.readline(), f.read(3), list(f), f.readline()]; f.close()
result.append(failure(f.readline)[0]); result.append(a.fileno() >= 0)
with b.makefile('rwb', buffering=0) as g, a.makefile('w') as w: w.write('hin\\n'); w.flush(); result.append(text(g.readline()))`,
    () => {
      const [a, b] = socket.socketpair();
      b.sendall(Buffer.from('eins\nzwei\n\nü\nohne'));
      b.shutdown(socket.SHUT_WR);
      const f = a.makefile('r');
      const result: unknown[] = [f.readline(), f.read(3), [...f], f.readline()];
      f.close();
      result.push(failure(() => f.readline())[0].replace('Error', 'ValueError'), a.fileno() >= 0);
      a.makefile('w').write('hin\n');
      result.push(text(b.makefile('rwb').readline()));
      for (const s of [a, b]) s.close();
      return result;
    },
  ],
  [
    'makefile: lines and reads longer than what comes at once',
    `a, b = socket.socketpair(); b.sendall(('\u00fc' * 10001 + '\\nzwei\\n' + 'x' * 9000 + '\\n' + 'y' * 20000).encode()); b.shutdown(1)
f = a.makefile('rb'); lines = [f.readline() for _ in range(3)]; rest = [f.read(10000), f.read(), f.readline()]
result = [[len(part), text(part[:3]), text(part[-3:])] for part in lines + rest]`,
    () => {
      const [a, b] = socket.socketpair();
      b.sendall(Buffer.from(`${'\u00fc'.repeat(10_001)}\nzwei\n${'x'.repeat(9000)}\n${'y'.repeat(20_000)}`));
      b.shutdown(socket.SHUT_WR);
      const f = a.makefile('rb');
      const lines = [f.readline(), f.readline(), f.readline()];
      const rest = [f.read(10_000), f.read(), f.readline()];
      for (const s of [a, b]) s.close();
      return [...lines, ...rest].map((part) => [
        part.length,
        text(part.subarray(0, 3)),
        text(part.subarray(-3)),
      ]);
    },
  ],
  [
    'socket(fileno=…) finds out what it is, and refuses what is none',
    `import os
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); t = socket.socket(fileno=s.detach())
r, w = os.pipe(); result = [int(t.family), int(t.type), t.proto, failure(lambda: socket.socket(fileno=r))[1]]`,
    () => {
      const s = new socket.Socket(socket.AF_INET6, socket.SOCK_DGRAM);
      const t = new socket.Socket({ fileno: s.detach() });
      const [r, w] = socket.pipe();
      const result = [t.family, t.type, t.proto, failure(() => new socket.Socket({ fileno: r }))[1]];
      t.close();
      for (const fd of [r, w]) closeSync(fd);
      return result;
    },
  ],
  [
    'a multicast group',
    `import struct
s = socket.socket(2, 2); s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 3)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
group = socket.inet_pton(2, '224.1.1.1') + socket.inet_pton(2, '127.0.0.1')
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
result = [s.getsockopt(socket.IPPROTO_IP, o) for o in (socket.IP_MULTICAST_TTL, socket.IP_MULTICAST_LOOP)]
result.append(failure(lambda: s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group))[1])`,
    () => {
      const { IPPROTO_IP, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_ADD_MEMBERSHIP } = socket;
      const s = udp();
      s.setsockopt(IPPROTO_IP, IP_MULTICAST_TTL, 3);
      s.setsockopt(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
      const group = Buffer.concat(['224.1.1.1', '127.0.0.1'].map((ip) => socket.inetPton(2, ip)));
      s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, group);
      const result = [IP_MULTICAST_TTL, IP_MULTICAST_LOOP].map((o) => s.getsockopt(IPPROTO_IP, o));
      const again = failure(() => s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, group))[1];
      s.close();
      return [...result, again];
    },
  ],
];

const ALL = [...TIMEOUTS, ...POLLS, ...NAMES, ...MESSAGES];

const HELPERS = `
import errno, json, select, socket
def text(data): return data if isinstance(data, str) else data.decode('latin1')
def failure(call):
    try: call()
    except OSError as err: return [type(err).__name__ if isinstance(err, (TimeoutError, socket.gaierror)) else 'OSError', errno.errorcode.get(err.errno) if not isinstance(err, (TimeoutError, socket.gaierror)) else None]
    except Exception as err: return [type(err).__name__, None]
    raise Exception('it did not fail')
`;

const theirs = python(
  `${HELPERS}
def run(code):
    names = dict(globals(), args=args[1])
    try: result = eval(compile(code, code, 'eval'), names)
    except SyntaxError: exec(code, names); result = names['result']
    return json.loads(json.dumps(result))
result = [run(code) for code in args[0]]`,
  [ALL.map(([, code]) => code), NUMBERS],
) as unknown[];

test.each(ALL.map(([name, , ours], i) => [name, ours, theirs[i]] as const))('%s', (_, ours, expected) => {
  expect(JSON.parse(JSON.stringify(ours()))).toEqual(expected);
});

/** AF_UNIX names: each as a Python peer binds it, seen by ours, answered, and bound by ours. */
const UNIX: [what: string, name: string][] = [
  ['a path', 'plain'],
  ['a path that is no UTF-8', 'raw-\xff'],
  ...(isLinux
    ? ([
        ['an abstract name', '\0posix-select-abstract'],
        ['an abstract name that is no UTF-8', '\0posix-select-\xfe\xff'],
      ] as [string, string][])
    : []),
];

test.each(UNIX)('AF_UNIX: %s goes both ways', async (_, name) => {
  const server = new socket.Socket(socket.AF_UNIX, socket.SOCK_DGRAM);
  const path = join(folder, `server-${Math.random()}`);
  server.bind(path);
  const peer = new Python({ cwd: folder });
  const answer = peer.run<string>(
    `import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(args[0].encode('latin1'))
s.sendto(b'ping', args[1]); result = s.recv(9).decode()`,
    [name, path],
  );
  const [data, address] = server.recvfrom(9);
  expect(String(data)).toBe('ping');
  const isUtf8 = !/[\x80-\xff]/.test(name);
  expect(address).toEqual(isUtf8 ? name : bytes(name));
  // A relative name is relative to the peer's folder: the answer goes to the whole path.
  const to = name.startsWith('\0') ? address : Buffer.concat([bytes(`${folder}/`), bytes(name)]);
  server.sendto(bytes('pong'), to as socket.Address);
  expect(await answer).toBe('pong');

  const own = new socket.Socket(socket.AF_UNIX, socket.SOCK_DGRAM);
  const ownName = Buffer.concat([
    name.startsWith('\0') ? bytes('') : bytes(`${folder}/own-`),
    bytes(`${name}2`),
  ]);
  own.bind(ownName);
  expect(own.getsockname()).toEqual(isUtf8 ? String(ownName) : ownName);
  for (const s of [server, own]) s.close();
});

test('getaddrinfo, a timeout and an unknown host are OSErrors', () => {
  const [a, b] = socket.socketpair();
  a.settimeout(0.001);
  expect(() => a.recv(1)).toThrow(
    expect.objectContaining({ name: 'TimeoutError', code: 'ETIMEDOUT', syscall: 'recv', fd: a.fileno() }),
  );
  expect(() => a.recv(1)).toThrow(`recv fd ${a.fileno()}: timed out after 0.001 s (ETIMEDOUT)`);
  for (const s of [a, b]) s.close();
  const unknown = () => socket.getaddrinfo('nowhere.invalid', 1, 0, 0, 0, socket.AI_NUMERICHOST);
  expect(unknown).toThrow(socket.gaierror);
  expect(unknown).toThrow(OSError);
  expect(unknown).toThrow(expect.objectContaining({ code: 'EAI_NONAME' }));
});

test('a wrong use says what to give', () => {
  const [a, b] = socket.socketpair();
  for (const s of [a, b]) s.close();
  const call = select.select as (...lists: unknown[]) => unknown;
  expect(() => call([process.stdin], [], [])).toThrow(/: of a Node stream give the descriptor, 0$/);
  expect(() => call(new Set(), {}, {})).toThrow(/not \[object Object\]: \[\] is an empty one$/);
  const s = new socket.Socket();
  expect(() => s.bind(['127.0.0.1', 0, 0, 0, 0] as never)).toThrow(/not of 5 parts$/);
  expect(() => s.bind(['127.0.0.1', 0, 0, 0])).toThrow(/an AF_INET address must be \[host, port\]/);
  s.close();
});
