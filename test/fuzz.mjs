/**
 * Random calls of each export of the addon and of the public API, with hostile arguments: getters that throw, free
 * memory or close descriptors, memory that was transferred, that shrinks, or that another thread writes to.
 *
 *     npm run fuzz -- [--calls N] [--seed N]
 *
 * Each part is a process of its own: one that does not end with 0 is a find, and is named with its seed. Under
 * AddressSanitizer and UBSan: `npm run sanitize -- --project core`, which has a short form of it.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const CALLS_OF_PART = 5000;
/** Those that end the process, or wait for what never comes; the test of the runner calls untilHangUp. */
const LEFT_OUT = ['constants', '_exit', 'untilHangUp', 'adoptOrphans', 'reap', 'closeAtEnd'];

if (!isMainThread) disturb(workerData);
else if (process.env.FUZZ_PART) await part(Number(process.env.FUZZ_PART), Number(process.env.FUZZ_CALLS));
else main();

function main() {
  const { values } = parseArgs({ options: { calls: { type: 'string' }, seed: { type: 'string' } } });
  const calls = Number(values.calls ?? 250_000);
  const first = Number(values.seed ?? Math.floor(Math.random() * 1e9) + 1);
  const totals = { calls: 0, returned: 0, threw: 0 };
  let finds = 0;
  for (let seed = first, left = calls; left > 0; seed++, left -= CALLS_OF_PART) {
    const env = {
      ...process.env,
      FUZZ_PART: String(seed),
      FUZZ_CALLS: String(Math.min(left, CALLS_OF_PART)),
    };
    const args = ['--expose-gc', '--no-warnings', fileURLToPath(import.meta.url)];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
    if (status === 0) {
      const counts = JSON.parse(stdout.split('\n').at(-2));
      for (const name of Object.keys(totals)) totals[name] += counts[name];
    } else {
      finds++;
      console.log(`seed ${seed}: ${signal ?? `exit code ${status}`}\n${stderr.slice(0, 4000)}`);
    }
  }
  console.log(
    `${totals.calls} calls: ${totals.returned} returned, ${totals.threw} threw; ${finds} finds, seed ${first}`,
  );
  process.exitCode = finds > 0 ? 1 : 0;
}

/** Another thread that writes to memory in use. */
function disturb({ memory, stop }) {
  const words = new Int32Array(memory);
  for (let i = 0; Atomics.load(stop, 0) === 0; i++) words[(i * 7) % words.length] = (i * 2654435761) | 0;
}

/** One part, with a random sequence of its own. */
async function part(seed, calls) {
  const random = mulberry32(seed);
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  const { default: build } = await import('node-gyp-build');
  const sys = build(fileURLToPath(new URL('..', import.meta.url)));
  const { constants } = sys;
  const F_SETFL = constants.F_SETFL;
  const { O_NONBLOCK } = constants;
  const api = createRequire(import.meta.url)('posix-select');
  const EPOLL = sys.epoll_create !== undefined;

  // The descriptors that it plays with are from here on: Node's own stay whole.
  const FIRST = 300;
  const COUNT = 40;
  const placeholder = openSync('/dev/null', 'r');
  const high = (fd) => {
    if (fd < 0) return -1;
    const moved = sys.fcntl(fd, constants.F_DUPFD_CLOEXEC, FIRST);
    sys.close(fd);
    sys.fcntl(moved, F_SETFL, O_NONBLOCK);
    return moved;
  };
  const refill = () => {
    const [a, b] = sys.socketpair(constants.AF_UNIX, constants.SOCK_STREAM, 0);
    const [r, w] = sys.pipe();
    const listener = sys.socket(constants.AF_INET, constants.SOCK_STREAM, 0);
    sys.bind(listener, ['127.0.0.1', 0]);
    sys.listen(listener, 5);
    const datagram = sys.socket(constants.AF_INET, constants.SOCK_DGRAM, 0);
    sys.bind(datagram, ['127.0.0.1', 0]);
    for (const fd of [a, b, r, w, listener, datagram, ...(EPOLL ? [sys.epoll_create()] : [])]) high(fd);
  };
  const empty = () => {
    for (let fd = FIRST; fd < FIRST + COUNT * 4; fd++) sys.close(fd);
  };
  refill();
  // What it binds, it binds here.
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-fuzz-'));
  process.chdir(folder);
  process.on('exit', () => rmSync(folder, { recursive: true }));

  const memory = new SharedArrayBuffer(4096);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { memory, stop }, execArgv: [] });
  worker.unref();

  const transferred = (array) => {
    structuredClone(array.buffer, { transfer: [array.buffer] });
    return array;
  };
  const shrunk = (Array_) => {
    const buffer = new ArrayBuffer(256, { maxByteLength: 512 });
    const array = pick([() => new Array_(buffer), () => new Array_(buffer, 128, 8)])();
    buffer.resize(pick([0, 16, 130, 512]));
    return array;
  };
  const array = (Array_, value) =>
    pick([
      () => new Array_(below(64)).map(value),
      () => new Array_(below(64)).map(value),
      () => new Array_(memory, 0, pick([0, 1, 64, 4096 / Array_.BYTES_PER_ELEMENT])),
      () => transferred(new Array_(16)),
      () => shrunk(Array_),
      () => new Array_(0),
    ])();
  const fd = () => (random() < 0.9 ? FIRST + below(COUNT) : pick([-1, 5000, 2 ** 31 - 1]));
  const values = {
    fd,
    int: () => pick([0, 1, 2, 3, 4, 6, 16, 41, 64, 1000, -1, 2 ** 31 - 1, -(2 ** 31), below(70)]),
    bytes: () => array(Uint8Array, () => below(256)),
    ints: () => array(Int32Array, () => pick([fd(), fd(), -1, below(1100), 2 ** 31 - 1])),
    doubles: () =>
      pick([
        () => Float64Array.of(0, below(1000)),
        () => array(Float64Array, () => pick([0, 1, 1e300, NaN, -1])),
      ])(),
    soon: () => pick([0, 0, 0.0005, -0, 1e-9]),
    never: () => pick([NaN, -Infinity, '1', {}, Symbol('x'), [], () => {}]),
    ms: () => pick([0, 0, 1]),
    callback: () => () => 0,
    text: () => pick(['127.0.0.1', '::1', '', '0', '99999', 'x\0y', 'ü'.repeat(200), '1.2.3', 'fe80::1%lo']),
    address: () => address(),
  };
  /** What anybody may pass anywhere. */
  const junk = () =>
    pick([
      undefined,
      true,
      '',
      'x',
      1.5,
      Number.NaN,
      2 ** 40,
      2n,
      Symbol('x'),
      {},
      [],
      () => {},
      new Proxy({}, {}),
      new Date(0),
      values.bytes(),
      values.ints(),
    ]);
  const address = () => {
    const tuple = pick([
      ['127.0.0.1', 9],
      ['::1', 9, 1, 1],
      ['localhost', 9],
      [],
      [1, 'x'],
      ['127.0.0.1', 1e9],
      new Array(9),
    ]);
    return pick([
      () => tuple,
      () => `/tmp/posix-select-fuzz-${'x'.repeat(below(120))}/none`,
      () => values.bytes(),
      () => `\0posix-select-fuzz-${seed}-${below(1e6)}`,
      () => hostile(tuple, below(3)),
      () => new Proxy(tuple, { get: () => evil() }),
    ])();
  };
  /** The arguments of the call that is made: a getter finds them here. */
  let args = [];
  const evil = () =>
    pick([
      () => {
        throw new RangeError('from a getter');
      },
      () => {
        for (const each of args)
          if (ArrayBuffer.isView(each) && each.buffer instanceof ArrayBuffer && each.buffer.byteLength > 0) {
            try {
              transferred(each);
            } catch {}
          }
        globalThis.gc();
        Array.from({ length: 20 }, () => Buffer.alloc(4096, 7));
        return '127.0.0.1';
      },
      () => {
        sys.close(fd());
        return 9;
      },
      () => junk(),
    ])();
  const hostile = (tuple, i) => Object.defineProperty([...tuple], i, { get: evil, enumerable: true });

  /** How each export is called: the kinds of its arguments. */
  const SIGNATURES = {
    select: ['ints', 'ints', 'ints', 'soon'],
    selectFdSets: ['int', 'ints', 'ints', 'ints', 'doubles'],
    poll: ['ints', 'int', 'ms'],
    epoll_create: [],
    epoll_ctl: ['fd', 'int', 'fd', 'int'],
    epoll_wait: ['fd', 'ints', 'ms'],
    kqueue: [],
    kevent_change: ['fd', 'fd', 'int', 'int'],
    kevent_wait: ['fd', 'ints', 'soon'],
    kevent: ['fd', 'doubles', 'doubles', 'soon'],
    socket: ['int', 'int', 'int'],
    socketpair: ['int', 'int', 'int'],
    bind: ['fd', 'address'],
    listen: ['fd', 'int'],
    accept: ['fd'],
    connect: ['fd', 'address'],
    getsockname: ['fd'],
    getpeername: ['fd'],
    recv: ['fd', 'bytes', 'int', 'int'],
    recvfrom: ['fd', 'bytes', 'int', 'int'],
    recvmsg: ['fd', 'bytes', 'bytes', 'int', 'int'],
    send: ['fd', 'bytes', 'int'],
    sendto: ['fd', 'bytes', 'int', 'address'],
    sendmsg: ['fd', 'bytes', 'bytes', 'int', 'address'],
    shutdown: ['fd', 'int'],
    getsockopt: ['fd', 'int', 'int', 'bytes'],
    setsockopt: ['fd', 'int', 'int', 'bytes'],
    getaddrinfo: ['text', 'text', 'int', 'int', 'int', 'numeric'],
    gethostname: [],
    inet_pton: ['int', 'text'],
    inet_ntop: ['int', 'bytes'],
    gaiError: ['int'],
    read: ['fd', 'bytes'],
    write: ['fd', 'bytes'],
    close: ['fd'],
    fcntl: ['fd', 'command', 'flags'],
    fionread: ['fd'],
    pollUnread: ['ints', 'int', 'ints'],
    isatty: ['fd'],
    siocoutq: ['fd'],
    dup2: ['fd', 'fd'],
    pipe: [],
    openpty: [],
    strerror: ['int'],
    monotonic: [],
    recordedTransfers: ['bytes', 'ints', 'doubles', 'int', 'callback', 'callback'],
  };
  values.numeric = () => constants.AI_NUMERICHOST; // or it would ask the network
  values.command = () => pick([constants.F_GETFD, constants.F_GETFL, F_SETFL, 8, 16, 1032, -1]);
  values.flags = () => O_NONBLOCK; // or a later call would wait
  const unknown = Object.keys(sys).filter((name) => !LEFT_OUT.includes(name) && !SIGNATURES[name]);
  if (unknown.length > 0) throw new Error(`no signature for ${unknown}: add it`);
  const names = Object.keys(SIGNATURES).filter((name) => sys[name]);

  /** A timeout that is left out waits for ever: it is always there. */
  const MUST = new Set(['soon', 'ms', 'doubles', 'numeric', 'command', 'flags']);
  const argument = (kind) => {
    if (kind === 'soon' && random() < 0.1) return values.never();
    return random() < 0.08 && !MUST.has(kind) ? junk() : values[kind]();
  };

  const sockets = () => {
    const [a, b] = api.socket.socketpair();
    for (const s of [a, b]) s.setblocking(false);
    return [a, b];
  };
  let [one, other] = sockets();
  const waitable = () =>
    pick([
      () => one,
      () => other,
      fd,
      () => ({ fileno: () => evil() }),
      () => ({ fileno: () => one.close() ?? fd() }),
      junk,
    ])();
  const list = () => {
    const elements = Array.from({ length: below(6) }, waitable);
    return pick([() => elements, () => new Set(elements), () => hostile(elements, below(6)), junk])();
  };
  const set = () => {
    const fdSet = new api.FdSet(pick([64, 1024, 4096]));
    for (const each of [fd(), fd()]) if (each >= 0 && each < fdSet.size) api.FD_SET(each, fdSet);
    return random() < 0.2 ? Object.assign(fdSet, { words: transferred(fdSet.words) }) : fdSet;
  };
  const selectorName = () =>
    pick(EPOLL ? ['SelectSelector', 'PollSelector', 'EpollSelector'] : ['PollSelector']);
  /** The public API: as anybody may call it. */
  const PUBLIC = [
    () => api.select(list(), list(), list(), pick([0, 0.0005, ...[values.never()]])),
    () => api.selectFdSets(values.int(), set(), set(), set(), { tv_sec: 0, tv_usec: pick([0, 10, -1]) }),
    () => one.send(values.bytes()),
    () => one.recv(pick([0, 1, 200, 5000, 70_000, -1, 1.5])),
    () => one.recvInto(values.bytes(), pick([undefined, 0, 5, 1e9, -1])),
    () => one.sendmsg([values.bytes()], [[1, 1, values.bytes()]]),
    () => one.recvmsg(below(100), below(100)),
    () => other.sendto(values.bytes(), address()),
    () => one.setsockopt(values.int(), values.int(), values.bytes()),
    () => new api.socket.Socket({ fileno: pick([undefined, '1', {}, 1.5, -1, 5000]) }),
    () => api.socket.getaddrinfo(values.text(), values.text(), 0, 0, 0, constants.AI_NUMERICHOST),
    () => {
      const selector = new api.selectors[selectorName()]();
      try {
        for (let i = 0; i < 4; i++) selector.register(waitable(), pick([1, 2, 3, 0]));
        selector.modify(waitable(), pick([1, 2, 3]));
        return selector.select(0);
      } finally {
        selector.close();
      }
    },
    () => {
      const poll = api.poll();
      for (let i = 0; i < 4; i++) poll.register(waitable(), pick([1, 5, 65_535, -1]));
      return poll.poll(0);
    },
  ];

  const counts = { calls: 0, returned: 0, threw: 0 };
  for (let i = 0; i < calls; i++) {
    if (i % 50 === 0) {
      empty();
      refill();
      for (const s of [one, other]) s.close();
      [one, other] = sockets();
    }
    counts.calls++;
    const name = random() < 0.75 ? pick(names) : null;
    try {
      if (name) {
        args = SIGNATURES[name].map(argument);
        keep(sys[name](...args), name);
      } else pick(PUBLIC)();
      counts.returned++;
    } catch (err) {
      if (!(err instanceof Error)) throw new Error(`${name} threw ${String(err)}`);
      if (name && !(err instanceof TypeError || err instanceof RangeError)) throw err;
      counts.threw++;
    }
  }
  empty();
  Atomics.store(stop, 0, 1);
  closeSync(placeholder);
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));

  /** New descriptors join the others; a result of no kind is a find. */
  function keep(result, name) {
    if (['socket', 'epoll_create', 'kqueue'].includes(name)) high(result);
    else if (name === 'accept' && Array.isArray(result)) high(result[0]);
    else if (['socketpair', 'pipe', 'openpty'].includes(name) && Array.isArray(result)) result.map(high);
    if (result === undefined) throw new Error(`${name} returned undefined`);
  }
}

/** A small generator of random numbers from 0 to 1, the same for the same seed. */
function mulberry32(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
