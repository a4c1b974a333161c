/** Who is measured: one row a peer. The benchmarks, charts, goals and checks refer to the rows. */
import { STRACE_OPTIONS } from '../teach/record/strace-process.js';
import { type Command, c, file, node, source, works } from './trial.js';

/** Something that a machine may not have, with a sentence for when it has not. */
export interface Need {
  isThere(): boolean;
  sentence: string;
}

type Start = (...args: (number | string)[]) => Command;

export interface Peer {
  /** As tables, charts and samples show it. */
  name: string;
  /** The same in all charts. */
  color: string;
  /** Drawn through in the charts; the others are dashed. */
  isOurs?: boolean;
  needs?: Need;
  /** Measures one call: FDS SECONDS. */
  call?: Start;
  /** Measures the chain: PAIRS ACTIVE WRITES SECONDS. */
  wait?: Start;
  /** Whether it waits for any number of descriptors: select does not. */
  isUnlimited?: boolean;
  /** Starts an echo server, which prints its port. */
  echo?: Start;
}

const remembered = (isThere: () => boolean, sentence: string): Need => {
  let answer: boolean | undefined;
  return { isThere: () => (answer ??= isThere()), sentence };
};

export const COMPILER = remembered(() => works('cc', '--version'), 'no C compiler (cc)');
const PYTHON = remembered(() => works('python3', '--version'), 'no python3');
const EPOLL = remembered(() => process.platform === 'linux', 'no epoll on this system');
const STRACE = remembered(() => works('strace', '-V'), 'no strace');
const KOFFI = remembered(() => isInstalled('koffi'), 'koffi is not installed');

function isInstalled(name: string): boolean {
  try {
    return import.meta.resolve(name) !== '';
  } catch {
    return false;
  }
}

/** A Node that has node:ffi: this one, unless `--node26` gives another. */
let ffiNode = process.execPath;

export function useNode26(path: string): void {
  ffiNode = path;
}

const NODE_FFI = remembered(
  () => works(ffiNode, '--no-warnings', '-e', "require('node:ffi')"),
  'no node:ffi in this Node: --node26 PATH gives one that has it',
);

const text = (args: (number | string)[]) => args.map(String);

const inC =
  (program: string, kind: string): Start =>
  (...args) => [c(program), kind, ...text(args)];

const inPython =
  (file: string, ...first: string[]): Start =>
  (...args) => ['python3', source(file), ...first, ...text(args)];

const inNode =
  (file: string, ...first: string[]): Start =>
  (...args) =>
    node(file, ...first, ...text(args));

const ours = (loop: string, args: object = {}, ...more: string[]): Start =>
  inNode('../compare/servers/ours', loop, JSON.stringify(args), ...more);

/** A command that is started by another one: `strace -- node …`. */
const under =
  (start: Start, outer: Start): Start =>
  (...args) =>
    outer('--', ...start(...args));

/** A trial is killed, and then clears nothing away: its files are to go with the benchmark's. */
const inFolder =
  (start: Start): Start =>
  (...args) => ['env', `TMPDIR=${file('.')}`, ...start(...args)];

const straceInto =
  (log: string): Start =>
  (...args) => ['strace', '--seccomp-bpf', ...STRACE_OPTIONS, '-o', log, ...text(args)];

/** With one thread the kernel takes no reference on each file, and select(2) costs half: no Node process has one. */
const inThreads =
  (count: number, start: Start): Start =>
  (...args) =>
    start(...args, count);

/** The handicap of the check, seconds of idling a message. */
export const HANDICAP_S = 50e-6;

export const PEERS = {
  literal: { name: 'literal loop', color: '#d62728', isOurs: true, echo: ours('literal') },
  shaped: { name: 'Python-shaped loop', color: '#ff7f0e', isOurs: true, echo: ours('shaped') },
  handicapped: {
    name: 'Python-shaped loop + 50 µs',
    color: '#ffbb78',
    isOurs: true,
    echo: ours('shaped', { delay: HANDICAP_S }),
  },
  recorded: {
    name: 'recorded from within',
    color: '#9467bd',
    isOurs: true,
    echo: ours('shaped', {}, file('within.jsonl')),
  },
  record: {
    name: 'posix-select record',
    color: '#d62728',
    isOurs: true,
    needs: STRACE,
    echo: under(ours('shaped'), inFolder(inNode('../cli/main', 'record', '-o', file('record.jsonl')))),
  },
  strace: {
    name: 'strace alone',
    color: '#333333',
    needs: STRACE,
    echo: under(ours('shaped'), straceInto(file('strace.log'))),
  },
  selectFdSets: {
    name: 'selectFdSets',
    color: '#d62728',
    isOurs: true,
    call: inNode('call/call', 'selectFdSets'),
    wait: inNode('wait/wait', 'selectFdSets'),
  },
  select: {
    name: 'select()',
    color: '#ff7f0e',
    isOurs: true,
    call: inNode('call/call', 'select'),
    wait: inNode('wait/wait', 'select'),
  },
  poll: {
    name: 'PollSelector',
    color: '#8c564b',
    isOurs: true,
    isUnlimited: true,
    call: inNode('call/call', 'poll'),
    wait: inNode('wait/wait', 'poll'),
  },
  epoll: {
    name: 'EpollSelector',
    color: '#9467bd',
    isOurs: true,
    isUnlimited: true,
    needs: EPOLL,
    call: inNode('call/call', 'epoll'),
    wait: inNode('wait/wait', 'epoll'),
    echo: ours('selector', { selector: 'epoll' }),
  },
  net: { name: 'node:net', color: '#1f77b4', isUnlimited: true, echo: inNode('../compare/servers/net') },
  pythonSelect: {
    name: 'CPython select',
    color: '#2ca02c',
    needs: PYTHON,
    call: inThreads(1, inPython('call/call.py', 'select')),
    wait: inPython('wait/wait.py', 'select'),
    echo: inPython('echo/loop.py'),
  },
  pythonSelect2: {
    name: 'CPython select, 2 threads',
    color: '#98df8a',
    needs: PYTHON,
    call: inThreads(2, inPython('call/call.py', 'select')),
  },
  asyncio: {
    name: 'CPython asyncio',
    color: '#17becf',
    isUnlimited: true,
    needs: PYTHON,
    echo: inPython('echo/protocol.py'),
  },
  cSelect: {
    name: 'C select',
    color: '#333333',
    call: inThreads(2, inC('call/call', 'select')),
    wait: inC('wait/wait', 'select'),
    echo: inC('echo/echo', 'select'),
  },
  cSelect1: {
    name: 'C select, 1 thread',
    color: '#aaaaaa',
    call: inThreads(1, inC('call/call', 'select')),
  },
  cPoll: { name: 'C poll', color: '#777777', isUnlimited: true, wait: inC('wait/wait', 'poll') },
  cEpoll: {
    name: 'C epoll',
    color: '#000000',
    isUnlimited: true,
    needs: EPOLL,
    wait: inC('wait/wait', 'epoll'),
    echo: inC('echo/echo', 'epoll'),
  },
  spinning: { name: 'C, spinning', color: '#555555', echo: inC('echo/echo', 'spin') },
  koffi: { name: 'koffi', color: '#e377c2', needs: KOFFI, call: inNode('call/call', 'koffi') },
  nodeFfi: {
    name: 'node:ffi',
    color: '#bcbd22',
    needs: NODE_FFI,
    call: (...args) => {
      const [, ...rest] = inNode('call/call', 'node:ffi')(...args);
      return [ffiNode, '--no-warnings', ...rest];
    },
  },
} satisfies Record<string, Peer>;

/** The row of a sample's peer. */
export function peerNamed(name: string): Peer {
  const peer = Object.values<Peer>(PEERS).find((peer) => peer.name === name);
  if (!peer) throw new Error(`no peer is called ${name}`);
  return peer;
}
