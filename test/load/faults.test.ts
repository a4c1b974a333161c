/** What peers may do to a server while two well-behaved clients go on: nobody stops it, or delays them. */
import { afterAll, expect, test } from 'vitest';
import { untilAsleep } from '../support/idle.js';
import { Live, type Report } from '../support/live.js';
import { concurrently, until } from '../support/process.js';
import type { Python } from '../support/python.js';
import { SERVERS, type Server } from '../support/servers.js';

const reports: [string, Report][] = [];

afterAll(() => {
  const rows = reports.map(([title, { lateness }]) => {
    const sorted = lateness.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)].toFixed(1).padStart(8);
    return `${at(0.5)}${at(0.99)}${at(1)}  ${title}`;
  });
  console.log(['lateness, ms: median, 99 %, worst', ...rows.sort()].join('\n'));
});

interface Options {
  args?: (string | number)[];
  servers?: Server[];
  descriptors?: number;
}

/**
 * A test on each server: the well-behaved clients are served before, during and after, and lose nothing. A peer that
 * holds the server up does so until the test has ended: then what they say does not come.
 */
function onEach(
  title: string,
  fault: (live: Live) => Promise<void>,
  { args, servers = SERVERS, descriptors }: Options = {},
): void {
  for (const kind of servers) {
    test.concurrent(`${title}: ${kind.name}`, (context) =>
      concurrently(context, async () => {
        const live = await Live.start(kind, kind.bounded ? args : [], descriptors);
        await fault(live);
        const report = await live.report();
        reports.push([`${title}: ${kind.name}`, report]);
        expect(report.lost).toBe(0);
      }));
  }
}

const faults: [title: string, fault: (live: Live) => Promise<void>, servers: Server[]][] = [];

/** A fault that a server survives together with others, one after another. */
function inTurn(title: string, fault: (live: Live) => Promise<void>, servers = SERVERS): void {
  faults.push([title, fault, servers]);
}

const relays = (...reach: Server['reach'][]) => SERVERS.filter((server) => reach.includes(server.reach));

/** Peers that go away, whose ports are the result. */
const GONE = {
  'a reset': `
p = client(b'mallory')
result = [port(p)]
reset(p)`,
  'a close with unread data': `
p = arrive()
p.sendall(b'mallory' + END)
if S['reach'] != 'nobody': select.select([p], [], [])
result = [port(p)]
p.close()`,
  'connecting and exiting at once': `
result = []
for i in range(20):
    r, w = os.pipe()
    if os.fork() == 0:
        os.write(w, str(port(arrive())).encode())
        os._exit(0)
    os.wait()
    result.append(int(os.read(r, 10)))`,
  '500 connects and disconnects at once': `
many = [arrive() for _ in range(500)]
result = [port(s) for s in many]
for s in many: s.close()`,
};

for (const [title, code] of Object.entries(GONE)) {
  inTurn(title, async (live) => {
    const { came, left, named } = live.kind;
    const ports = await live.peer().run<number[]>(code);
    await until('the server has seen them go', () => live.count(left) >= ports.length);
    expect(live.count(left)).toBe(ports.length);
    expect(live.count(came)).toBe(ports.length);
    if (!named) expect(live.ports(left).toSorted()).toEqual(ports.toSorted());
  });
}

/** What is sent, in pieces; and whether it is text without a newline, which stdout shows as it is. */
const BYTES: Record<string, { pieces: string; text: boolean; args?: (string | number)[] }> = {
  'a UTF-8 character in two pieces': { pieces: "[b'caf\\xc3', b'\\xa9 \\xe2', b'\\x82\\xac']", text: true },
  'one byte at a time': { pieces: "[bytes([b]) for b in 'naïve café'.encode()]", text: true },
  '5 MiB without a newline': {
    pieces: "[b'x' * 5 * 2**20]",
    text: false,
    // However late the others get to read, none is cut off.
    args: ['--max-pending', 2 ** 24],
  },
  'garbage bytes': {
    pieces: "[bytes(range(256)), b'\\xff\\xfe\\xc0\\x80\\xed\\xa0\\x80', b'\\0' * 9]",
    text: false,
  },
  'escape sequences': { pieces: "[b'\\x1b[2J\\x1b]0;title\\x07\\x1b[31m\\x9b']", text: true },
};

for (const [title, { pieces, text, args }] of Object.entries(BYTES)) {
  const fault = async (live: Live) => {
    const { reach, says } = live.kind;
    // 5 MiB are not handed over: as text that would take longer than to relay them.
    const { from, sent, size, same } = await live.peer().run<{
      from: number;
      sent: string;
      size: number;
      same: boolean;
    }>(`
p = client(b'mallory')
o = observer(p)
pieces = ${pieces}
sent = b''.join(pieces).decode('latin1')
same = say(p, o, pieces) == sent.replace('\\n', '')
result = {'from': port(p), 'sent': sent[:1000], 'size': len(sent), 'same': same}`);
    if (reach === 'nobody') {
      await until('stdout has all of it', () => live.stdout.includes('<end>'));
      const shown = live.shown(from);
      expect(shown).toHaveLength(size);
      expect(shown).toBe(sent.padEnd(size, 'x'));
    } else {
      expect(same).toBe(true);
      const wanted = Buffer.from(sent, 'latin1').toString();
      if (text && says) {
        await until('stdout shows what was said', () => live.shown(from).length >= wanted.length);
        expect(live.shown(from)).toBe(wanted);
      }
    }
  };
  if (args) onEach(title, fault, { args });
  else inTurn(title, fault);
}

inTurn('a half-close', async (live) => {
  const { reach, asks } = live.kind;
  const { from, heard, clean, answers } = await live.peer().run<{
    from: number;
    heard: string;
    clean: boolean;
    answers: [string, boolean][];
  }>(`
p = client(b'mallory')
o = observer(p)
result = {'from': port(p), 'heard': '', 'clean': True, 'answers': []}
p.sendall(b'last words')
p.shutdown(socket.SHUT_WR)
if o is not p: result['clean'] = rest_and_end(p)[1]
if o: result['heard'] = until(o, b'last words').decode()
if S.get('asks'):
    p = client(b'mallory')
    p.sendall(S['asks'][0].encode())
    p.shutdown(socket.SHUT_WR)
    text, clean = rest_and_end(p)
    result['answers'].append([text.decode(), clean])`);
  expect(clean).toBe(true);
  if (reach === 'nobody') {
    await until('stdout has what was sent', () => live.shown(from) === 'last words');
  } else {
    expect(heard).toContain('last words');
  }
  if (asks) expect(answers).toEqual([[expect.stringContaining(asks[1]), true]]);
});

inTurn(
  'a half-close by one that reads only then',
  async (live) => {
    const x = await live.peer().run<number>(`
p = client(b'mallory', rcvbuf=4096)
for i in range(300): p.sendall(b'x' * 1000 + END)
p.shutdown(socket.SHUT_WR)
wait_until_read(p)
text, clean = rest_and_end(p)
result = clean and text.count(b'x')`);
    expect(x).toBe(300_000);
  },
  relays('all', 'self'),
);

/** A client that does not read. Its receive buffer is small, so that the server keeps what is left. */
async function neverReads(live: Live): Promise<Python> {
  const reader = live.peer();
  await reader.run("p = client(b'mallory', rcvbuf=4096)");
  return reader;
}

onEach('one that never reads while much passes by', async (live) => {
  const { process, kind } = live;
  const isRelay = kind.reach === 'others' || kind.reach === 'all';
  await neverReads(live);
  const before = live.peakMemory;
  // Without a bound, what a relay keeps for the reader would be 50 MiB; the others have nothing for it.
  await live.flood((isRelay ? 50 : 4) * 2 ** 20);
  expect(live.peakMemory - before).toBeLessThan(64);
  if (isRelay) {
    await process.err(/does not read/);
    await until('it is gone', () => live.count(kind.left) >= 1);
    expect(process.stderr.match(/^.*does not read.*$/gm)).toEqual([
      expect.stringMatching(/^\S.*: does not read: more than 1048576 bytes are waiting for it$/),
    ]);
    expect(live.count(kind.left)).toBe(1);
  } else {
    expect(process.stderr).not.toContain('does not read');
    expect(live.count(kind.left)).toBe(0);
  }
});

onEach(
  'one that never reads while more than --max-pending pass by',
  async (live) => {
    await neverReads(live);
    await live.flood(8 * 2 ** 20);
    await live.process.err(/: does not read: more than 65536 bytes are waiting for it\n/);
  },
  { servers: relays('others', 'all'), args: ['--max-pending', 65_536] },
);

onEach(
  'one that reads late, while less than --max-pending waits for it',
  async (live) => {
    const bytes = 12 * 2 ** 20;
    const reader = await neverReads(live);
    await live.flood(bytes);
    const read = reader.run<number>(
      "x = 0\nwhile x < args: x += p.recv(65536).count(b'x')\nresult = x",
      bytes,
    );
    expect(await read).toBeGreaterThanOrEqual(bytes);
    expect(live.process.stderr).not.toContain('does not read');
  },
  { servers: relays('others', 'all'), args: ['--max-pending', 2 ** 24] },
);

for (const bound of [2 ** 20, 300_000]) {
  onEach(
    `one that sends and never reads, up to ${bound} bytes`,
    async (live) => {
      const before = live.peakMemory;
      const { kept, sent, back } = await live.peer().run<{ kept: number; sent: number; back: number }>(`
p = client(b'mallory', rcvbuf=4096)
sent, before = 0, None
while sent < 50 * 2**20:
    if select.select([], [p], [], 0.3)[1]: sent += p.send(b'x' * 65536, socket.MSG_DONTWAIT)
    elif before == (before := (sent, *queues(p))): break
# What neither the kernel nor the peer has.
kept = sent - sum(queues(p))
p.shutdown(socket.SHUT_WR)
text, clean = rest_and_end(p)
result = {'kept': kept, 'sent': sent, 'back': clean and text.count(b'x')}`);
      expect(kept).toBeGreaterThan(bound);
      expect(kept).toBeLessThanOrEqual(bound + 65_536);
      expect(back).toBe(sent);
      expect(live.peakMemory - before).toBeLessThan(64);
    },
    { servers: relays('self'), args: ['--max-pending', bound] },
  );
}

inTurn('peers that join and leave during a broadcast', async (live) => {
  // While the server stands still, all of it becomes ready for one and the same round of its loop.
  const { ports, heard } = await live.peer().run<{ ports: number[]; heard: number[][] }>(`
def state():
    return {open(f'/proc/{S["pid"]}/task/{t}/stat').read().split(') ')[1][0] for t in os.listdir(f'/proc/{S["pid"]}/task')}

result = {'ports': [], 'heard': []}
for i in range(10):
    before, p, after = client(b'before'), client(b'mallory'), client(b'after')
    o = observer(p)
    os.kill(S['pid'], signal.SIGSTOP)
    while state() != {'T'}: time.sleep(0.0005)
    p.sendall(b'during %d.' % i + END)
    for leaver, leave in zip((before, after), (reset, socket.socket.close) if i % 2 else (socket.socket.close, reset)): leave(leaver)
    joiner = arrive()
    if S['named']: joiner.sendall(b'joiner' + END)
    os.kill(S['pid'], signal.SIGCONT)
    text = until(joiner, S['greeting'].encode()) if S['greeting'] else b''
    if S['named']: until(joiner, b'joiner logged in', text)
    if o:
        text = until(o, b'during %d.' % i)
        p.sendall(b'later %d.' % i + END)
        text = until(o, b'later %d.' % i, text)
        result['heard'].append([text.count(mark % i) for mark in (b'during %d.', b'later %d.')])
        if o is not p: until(joiner, b'later %d.' % i)
    result['ports'].append(port(p))
    for s in {p, o or p, joiner}: s.close()`);
  const { kind } = live;
  if (kind.reach === 'nobody') {
    await until('stdout has it all', () => ports.every((port, i) => live.shown(port) === `during ${i}.`));
  } else {
    expect(heard).toEqual(Array(10).fill([1, 1]));
  }
  const peers = kind.reach === 'others' || kind.reach === 'all' ? 50 : 40;
  await until('all have gone', () => live.count(kind.left) >= peers);
  expect(live.count(kind.left)).toBe(peers);
  expect(live.count(kind.came)).toBe(peers);
});

for (const kind of SERVERS) {
  test.concurrent(`one fault after another: ${kind.name}`, (context) =>
    concurrently(context, async () => {
      const live = await Live.start(kind);
      for (const [title, fault, servers] of faults) {
        if (!servers.includes(kind)) continue;
        await fault(live).catch((err) => {
          throw new Error(`${title}: ${err.message}`, { cause: err });
        });
        await live.clear();
      }
      const report = await live.report();
      reports.push([`one fault after another: ${kind.name}`, report]);
      expect(report.lost).toBe(0);
    }));
}

interface Limit {
  title: string;
  descriptors: number;
  clients: number;
  reason: string;
  args?: string[];
  servers?: Server[];
}

const LIMITS: Limit[] = [
  { title: 'no descriptor left', descriptors: 64, clients: 100, reason: 'EMFILE' },
  {
    title: 'no descriptor left below FD_SETSIZE',
    descriptors: 2048,
    clients: 1100,
    reason: 'below 1024',
    servers: SERVERS.filter(({ name }) => ['select-server', 'talk-server'].includes(name)),
  },
];

for (const { title, descriptors, clients, reason, servers } of LIMITS) {
  onEach(
    title,
    async (live) => {
      const { came, left } = live.kind;
      const closedAtOnce = () => [...live.process.stderr.matchAll(/^.*closed at once.*$/gm)];
      const many = live.peer();
      await many.run(
        `
def refused(s):
    s.setblocking(False)
    try:
        return s.recv(1, socket.MSG_PEEK) == b''
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True

many = [arrive() for _ in range(args)]`,
        clients - 1,
      );
      const settled = (count: number) => live.count(came) + closedAtOnce().length === count;
      await until('each has come in or been closed at once', () => settled(clients - 1));
      expect(closedAtOnce().length).toBeGreaterThan(0);
      await live.isServed();
      await many.run(
        'many.append(arrive()); rest_and_end(many[-1]); inside = [s for s in many if not refused(s)]',
      );
      await until('one more has been closed at once', () => settled(clients));
      const refused = closedAtOnce().length;
      for (const [line] of closedAtOnce()) expect(line).toContain(reason);

      await live.pause();
      await untilAsleep(live.process);

      await many.run('for s in inside[:10]: s.close()');
      await until('there is room again', () => live.count(left) >= 10);
      await many.run("new = [client(b'new%d' % i) for i in range(10)]");
      await until('new ones have come in', () => live.count(came) >= clients - refused + 10);
      expect(closedAtOnce()).toHaveLength(refused);
      expect(live.count(left)).toBe(10);
      await live.resume();
      expect(await many.run('result = [len(many) - len(inside), sum(map(refused, new))]')).toEqual([
        refused,
        0,
      ]);
    },
    { descriptors, servers },
  );
}
