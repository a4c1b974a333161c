/** What is measured: the call, the wait, the server; each against peers at their best reasonable setting. */
import { availableParallelism } from 'node:os';
import { PEERS, type Peer } from './peers.js';
import { type Load, onPairs, Server, type Values } from './trial.js';

/** The circumstances of a measurement, by name. */
export type Cell = Record<string, number | string>;

export interface Benchmark<Measured extends Peer = Peer> {
  name: string;
  summary: string;
  peers: Measured[];
  cells(short: boolean): Cell[];
  /** One trial. It may come back with several cells. */
  measure(peer: Measured, cell: Cell, short: boolean): Promise<[Cell, Values][]>;
}

/** A measurement: one trial of one peer in one cell. */
export interface Sample {
  benchmark: string;
  peer: string;
  cell: Cell;
  trial: number;
  values: Values;
}

/** A peer that this kind of benchmark can start. */
type With<Kind extends 'call' | 'wait' | 'echo'> = Peer & Required<Pick<Peer, Kind>>;

function call(): Benchmark<With<'call'>> {
  return {
    name: 'call',
    summary: 'one call, the ready descriptor first, last or anywhere',
    peers: [
      ...[PEERS.cSelect, PEERS.selectFdSets, PEERS.select, PEERS.pythonSelect, PEERS.pythonSelect2],
      ...[PEERS.cSelect1, PEERS.koffi, PEERS.nodeFfi, PEERS.poll, PEERS.epoll],
    ],
    cells: (short) => (short ? [4, 480] : [4, 64, 256, 480, 1000]).map((fds) => ({ fds })),
    async measure(peer, { fds = 0 }, short) {
      const values = await onPairs(Number(fds), peer.call(fds, short ? 0.01 : 0.04));
      return Object.entries(values).map(([ready, ns]) => [{ fds, ready }, { ns }]);
    },
  };
}

/** Pairs for poll and epoll: two descriptors each, and some for the process itself. */
const MANY_PAIRS = 9_900;

function wait(): Benchmark<With<'wait'>> {
  return {
    name: 'wait',
    summary: "libevent's chain: n pairs, some active, each event makes the next",
    peers: [
      ...[PEERS.cSelect, PEERS.selectFdSets, PEERS.select, PEERS.pythonSelect],
      ...[PEERS.cPoll, PEERS.poll, PEERS.cEpoll, PEERS.epoll],
    ],
    cells: (short) => [
      { pairs: 100, active: 1 },
      ...(short ? [] : [300, 1000, MANY_PAIRS].map((pairs) => ({ pairs, active: 1 }))),
      ...(short ? [] : [{ pairs: 1000, active: 100 }]),
    ],
    async measure(peer, { pairs = 0, active = 0 }, short) {
      if (!peer.isUnlimited && Number(pairs) > 1000) return [];
      const values = await onPairs(Number(pairs), peer.wait(pairs, active, 1000, short ? 0.02 : 0.1));
      return [[{ pairs, active }, values]];
    },
  };
}

type EchoPeer = With<'echo'>;

const SERVERS: EchoPeer[] = [
  ...[PEERS.literal, PEERS.shaped, PEERS.epoll, PEERS.net],
  ...[PEERS.pythonSelect, PEERS.asyncio, PEERS.cSelect, PEERS.cEpoll],
];

/** A server, and what is done with it. */
async function withServer<T>(
  peer: EchoPeer,
  work: (server: Server) => Promise<T>,
  isSpread = false,
): Promise<T> {
  const server = await Server.start(peer.echo(), isSpread);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Under load, until the slowest of them, node:net, has become as fast as it will be. */
const WARM_UP_S = 0.25;

const closedLoop = (load: Partial<Load>, short: boolean): Load => ({
  connections: 100,
  size: 64,
  idle: 0,
  warmUp: short ? WARM_UP_S / 5 : WARM_UP_S,
  seconds: short ? 0.1 : 0.3,
  rate: 0,
  ...load,
});

function echo(): Benchmark<EchoPeer> {
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

function idle(): Benchmark<EchoPeer> {
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

/** The load that a server is offered, as parts of its peak. */
const OFFERED = [0.5, 0.7, 0.9];

function latency(): Benchmark<EchoPeer> {
  return {
    name: 'latency',
    summary: 'an echo server below its peak: open loop at 50, 70 and 90 % of it, 100 connections',
    peers: SERVERS,
    cells: () => [{ connections: 100 }],
    measure: (peer, _cell, short) =>
      withServer(peer, async (server) => {
        const { rate: peak = 0 } = await server.load(closedLoop({}, short));
        const results: [Cell, Values][] = [];
        for (const offered of OFFERED) {
          const load = closedLoop({ rate: peak * offered, warmUp: WARM_UP_S / 4 }, short);
          results.push([{ offered }, await server.load(load)]);
        }
        return results;
      }),
  };
}

function many(): Benchmark<EchoPeer> {
  return {
    name: 'many',
    summary: 'an echo server with 5,000 connections, which select(2) cannot hold',
    peers: [PEERS.epoll, PEERS.net, PEERS.asyncio, PEERS.cEpoll],
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

/** Seconds in which even a traced server has answered some thousands of messages. */
const RECORDED_S = 1;

function record(): Benchmark<EchoPeer> {
  return {
    name: 'record',
    summary: 'an echo server while its calls are recorded, on all cores',
    peers: [PEERS.shaped, PEERS.recorded, PEERS.record, PEERS.strace],
    cells: (short) => (short ? [20] : [20, 100]).map((connections) => ({ connections, size: 64 })),
    measure: async (peer, cell, short) => {
      const load = closedLoop({ ...cell, seconds: short ? 0.1 : RECORDED_S }, short);
      const { rate = 0, p50 = 0, p99 = 0 } = await withServer(peer, (server) => server.load(load), true);
      return [[cell, { rate, p50, p99 }]]; // the CPU would be strace's
    },
  };
}

function memory(): Benchmark<EchoPeer> {
  return {
    name: 'memory',
    summary: 'memory of a connection, with 900 of them',
    peers: SERVERS.filter((peer) => peer !== PEERS.cSelect && peer !== PEERS.cEpoll), // which keep none
    cells: () => [{ connections: 900 }],
    measure: async (peer, cell) => [
      [cell, await withServer(peer, (server) => server.load({ ...closedLoop(cell, true), seconds: 0 }))],
    ],
  };
}

/** Checks on the measurement itself. */
function soundness(): Benchmark<EchoPeer> {
  return {
    name: 'soundness',
    summary: 'the measurement itself: the generator’s own limit, a handicap, a load that is too much',
    peers: [PEERS.shaped, PEERS.handicapped, PEERS.cSelect, PEERS.cEpoll, PEERS.spinning],
    cells: () => [{ connections: 100 }],
    measure: (peer, cell, short) =>
      withServer(peer, async (server) => {
        const seconds = short ? 0.2 : 0.5;
        const closed = await server.load(closedLoop({ ...cell, seconds }, short));
        const results: [Cell, Values][] = [[{ load: 'closed loop' }, closed]];
        if (peer !== PEERS.shaped) return results;
        for (const longer of [1, 2]) {
          const load = closedLoop(
            { ...cell, seconds: seconds * longer, rate: (closed.rate ?? 0) * 1.3 },
            short,
          );
          results.push([{ load: `130 % for ${load.seconds} s` }, await server.load(load)]);
        }
        return results;
      }),
  };
}

export function benchmarks(): Benchmark[] {
  return [call(), wait(), echo(), idle(), latency(), many(), memory(), record(), soundness()];
}

/** The server's core was not busy at its peak, so that something else has been measured. */
export function isSlack({ benchmark, cell, values }: Sample): boolean {
  const isPeak = ['echo', 'many'].includes(benchmark) && Number(cell.connections) > 1;
  return isPeak && availableParallelism() > 1 && (values.busy ?? 1) < 0.9;
}
