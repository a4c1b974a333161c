/** What is measured: the call, the wait, the server; each against peers at their best reasonable setting. */
import { availableParallelism } from 'node:os';
import { type Command, c, type Load, node, onPairs, Server, source, type Values, works } from './trial.js';

/** The circumstances of a measurement, by name. */
export type Cell = Record<string, number | string>;

export interface Peer {
  name: string;
  command(...args: (number | string)[]): Command;
  /** What it needs that may not be here. */
  needs?: Need;
}

export interface Benchmark {
  name: string;
  summary: string;
  peers: Peer[];
  cells(short: boolean): Cell[];
  /** One trial. It may come back with several cells. */
  measure(peer: Peer, cell: Cell, short: boolean): Promise<[Cell, Values][]>;
}

/** A measurement: one trial of one peer in one cell. */
export interface Sample {
  benchmark: string;
  peer: string;
  cell: Cell;
  trial: number;
  values: Values;
}

export interface Settings {
  /** A Node that has node:ffi. */
  node26?: string;
}

/** Something that a machine may not have, with a sentence for when it has not. */
export interface Need {
  there(): boolean;
  sentence: string;
}

const remembered = (there: () => boolean, sentence: string): Need => {
  let answer: boolean | undefined;
  return { there: () => (answer ??= there()), sentence };
};

export const COMPILER = remembered(() => works('cc', '--version'), 'no C compiler (cc)');
const PYTHON = remembered(() => works('python3', '--version'), 'no python3');
const EPOLL = remembered(() => process.platform === 'linux', 'no epoll on this system');
const KOFFI = remembered(() => isInstalled('koffi'), 'koffi is not installed');

function isInstalled(name: string): boolean {
  try {
    return import.meta.resolve(name) !== '';
  } catch {
    return false;
  }
}

const text = (args: (number | string)[]) => args.map(String);

const inC = (name: string, program: string, kind: string, needs?: Need): Peer => ({
  name,
  command: (...args) => [c(program), kind, ...text(args)],
  needs,
});

const inPython = (name: string, file: string, ...first: string[]): Peer => ({
  name,
  command: (...args) => ['python3', source(file), ...first, ...text(args)],
  needs: PYTHON,
});

const inNode = (name: string, file: string, kind: string, needs?: Need): Peer => ({
  name,
  command: (...args) => node(file, kind, ...text(args)),
  needs,
});

const threads = (peer: Peer, count: number): Peer => ({
  ...peer,
  command: (...args) => peer.command(...args, count),
});

function call({ node26 }: Settings): Benchmark {
  const nodeFfi: Peer = {
    name: 'node:ffi',
    command: (...args) => {
      const [, ...rest] = node('call/call', 'node:ffi', ...text(args));
      return [node26 ?? process.execPath, '--no-warnings', ...rest];
    },
    needs: remembered(
      () => works(node26 ?? process.execPath, '--no-warnings', '-e', "require('node:ffi')"),
      'no node:ffi in this Node: --node26 PATH gives one that has it',
    ),
  };
  return {
    name: 'call',
    summary: 'one call, the ready descriptor first, last or anywhere',
    peers: [
      threads(inC('C select', 'call/call', 'select'), 2),
      inNode('selectFdSets', 'call/call', 'selectFdSets'),
      inNode('select()', 'call/call', 'select'),
      threads(inPython('CPython select', 'call/call.py', 'select'), 1),
      threads(inPython('CPython select, 2 threads', 'call/call.py', 'select'), 2),
      threads(inC('C select, 1 thread', 'call/call', 'select'), 1),
      inNode('koffi', 'call/call', 'koffi', KOFFI),
      nodeFfi,
      inNode('PollSelector', 'call/call', 'poll'),
      inNode('EpollSelector', 'call/call', 'epoll', EPOLL),
    ],
    cells: (short) => (short ? [4, 480] : [4, 64, 256, 480, 1000]).map((fds) => ({ fds })),
    async measure(peer, { fds }, short) {
      const values = await onPairs(Number(fds), peer.command(fds, short ? 0.01 : 0.04));
      return Object.entries(values).map(([ready, ns]) => [{ fds, ready }, { ns }]);
    },
  };
}

const WAITERS: Peer[] = [
  inC('C select', 'wait/wait', 'select'),
  inNode('selectFdSets', 'wait/wait', 'selectFdSets'),
  inNode('select()', 'wait/wait', 'select'),
  inPython('CPython select', 'wait/wait.py', 'select'),
  inC('C poll', 'wait/wait', 'poll'),
  inNode('PollSelector', 'wait/wait', 'poll'),
  inC('C epoll', 'wait/wait', 'epoll', EPOLL),
  inNode('EpollSelector', 'wait/wait', 'epoll', EPOLL),
];

/** As many pairs as poll and epoll shall wait for; two descriptors each, and some for the process itself. */
const MANY = 9_900;

function wait(): Benchmark {
  return {
    name: 'wait',
    summary: "libevent's chain: n pairs, some active, each event makes the next",
    peers: WAITERS,
    cells: (short) =>
      (short
        ? [[100, 1]]
        : [
            [100, 1],
            [300, 1],
            [1000, 1],
            [MANY, 1],
            [1000, 100],
          ]
      ).map(([pairs, active]) => ({ pairs, active })),
    async measure(peer, { pairs, active }, short) {
      const limited = /select/.test(peer.name) && Number(pairs) > 1000;
      if (limited) return [];
      const values = await onPairs(Number(pairs), peer.command(pairs, active, 1000, short ? 0.02 : 0.1));
      return [[{ pairs, active }, values]];
    },
  };
}

const LITERAL = inNode('literal loop', 'echo/ours', 'literal');
const SHAPED = inNode('Python-shaped loop', 'echo/ours', 'shaped');
const ON_EPOLL: Peer = {
  name: 'EpollSelector',
  command: () => node('echo/ours', 'selector', '{"selector":"epoll"}'),
  needs: EPOLL,
};
const NET: Peer = { name: 'node:net', command: () => node('echo/net') };
const C_SELECT = inC('C select', 'echo/echo', 'select');
const C_EPOLL = inC('C epoll', 'echo/echo', 'epoll', EPOLL);
const PYTHON_SELECT: Peer = inPython('CPython select', 'echo/loop.py');
const ASYNCIO: Peer = inPython('CPython asyncio', 'echo/protocol.py');
const SERVERS = [LITERAL, SHAPED, ON_EPOLL, NET, PYTHON_SELECT, ASYNCIO, C_SELECT, C_EPOLL];

/** A server, and what is done with it. */
async function withServer<T>(peer: Peer, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await Server.start(peer.command());
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Until then the slowest of them, node:net, has become as fast as it will be: seconds under load. */
const WARM_UP = 0.25;

const closedLoop = (load: Partial<Load>, short: boolean): Load => ({
  connections: 100,
  size: 64,
  idle: 0,
  warmUp: short ? WARM_UP / 5 : WARM_UP,
  seconds: short ? 0.1 : 0.3,
  rate: 0,
  ...load,
});

function echo(): Benchmark {
  return {
    name: 'echo',
    summary: 'an echo server at its peak: closed loop, one message under way on each connection',
    peers: SERVERS,
    cells: (short) => [
      ...(short ? [100] : [1, 10, 100, 500, 900]).map((connections) => ({ connections, size: 64 })),
      ...(short ? [] : [{ connections: 100, size: 16_384 }]),
    ],
    measure: async (peer, cell, short) => [
      [cell, await withServer(peer, (server) => server.load(closedLoop(cell, short)))],
    ],
  };
}

function idle(): Benchmark {
  return {
    name: 'idle',
    summary: 'one active connection among idle ones',
    peers: SERVERS,
    cells: (short) => (short ? [900] : [100, 900]).map((idle) => ({ idle })),
    measure: async (peer, cell, short) => [
      [cell, await withServer(peer, (server) => server.load(closedLoop({ connections: 1, ...cell }, short)))],
    ],
  };
}

/** Parts of the peak that a server is offered. */
const OFFERED = [0.5, 0.7, 0.9];

function latency(): Benchmark {
  return {
    name: 'latency',
    summary: 'an echo server below its peak: open loop at 50, 70 and 90 % of it, 100 connections',
    peers: SERVERS,
    cells: () => [{ connections: 100 }],
    measure: (peer, _cell, short) =>
      withServer(peer, async (server) => {
        const { rate: peak } = await server.load(closedLoop({}, short));
        const results: [Cell, Values][] = [];
        for (const offered of OFFERED) {
          const load = closedLoop({ rate: peak * offered, warmUp: WARM_UP / 4 }, short);
          results.push([{ offered }, await server.load(load)]);
        }
        return results;
      }),
  };
}

function many(): Benchmark {
  return {
    name: 'many',
    summary: 'an echo server with 5,000 connections, which select(2) cannot hold',
    peers: [ON_EPOLL, NET, ASYNCIO, C_EPOLL],
    cells: (short) => [{ connections: short ? 1500 : 5000 }],
    measure: async (peer, cell, short) => [
      [
        cell,
        await withServer(peer, (server) =>
          server.load(closedLoop({ ...cell, seconds: short ? 0.1 : 1 }, short)),
        ),
      ],
    ],
  };
}

function memory(): Benchmark {
  return {
    name: 'memory',
    summary: 'memory of a connection, with 900 of them',
    peers: SERVERS.filter((peer) => peer !== C_SELECT && peer !== C_EPOLL), // which keep none
    cells: () => [{ connections: 900 }],
    measure: async (peer, cell) => [
      [cell, await withServer(peer, (server) => server.load({ ...closedLoop(cell, true), seconds: 0 }))],
    ],
  };
}

/** The handicap, seconds of idling a message. */
export const HANDICAP = 50e-6;

/** Checks on the measurement itself. */
function soundness(): Benchmark {
  const handicapped: Peer = {
    name: 'Python-shaped loop + 50 µs',
    command: () => node('echo/ours', 'shaped', JSON.stringify({ delay: HANDICAP })),
  };
  const spinning = inC('C, spinning', 'echo/echo', 'spin');
  return {
    name: 'soundness',
    summary: 'the measurement itself: the generator’s own limit, a handicap, a load that is too much',
    peers: [SHAPED, handicapped, C_SELECT, C_EPOLL, spinning],
    cells: () => [{ connections: 100 }],
    measure: (peer, cell, short) =>
      withServer(peer, async (server) => {
        const seconds = short ? 0.2 : 0.5;
        const closed = await server.load(closedLoop({ ...cell, seconds }, short));
        const results: [Cell, Values][] = [[{ load: 'closed loop' }, closed]];
        if (peer !== SHAPED) return results;
        for (const longer of [1, 2]) {
          const load = closedLoop({ ...cell, seconds: seconds * longer, rate: closed.rate * 1.3 }, short);
          results.push([{ load: `130 % for ${load.seconds} s` }, await server.load(load)]);
        }
        return results;
      }),
  };
}

export function benchmarks(settings: Settings): Benchmark[] {
  return [call(settings), wait(), echo(), idle(), latency(), many(), memory(), soundness()];
}

/** The server's core was not busy at its peak, so that something else has been measured. */
export function isSlack({ benchmark, cell, values }: Sample): boolean {
  const isPeak = ['echo', 'many'].includes(benchmark) && Number(cell.connections) > 1;
  return isPeak && availableParallelism() > 1 && values.busy < 0.9;
}
