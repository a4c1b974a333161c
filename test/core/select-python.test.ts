import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OSError, select } from 'posix-select';
import {
  type Address,
  AF_INET,
  MSG_OOB,
  pipe,
  SHUT_WR,
  SO_LINGER,
  SOCK_DGRAM,
  SOL_SOCKET,
  Socket,
  socketpair,
} from 'posix-select/socket';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/process.js';
import { python } from '../support/python.js';

const LOOPBACK: Address = ['127.0.0.1', 0];
const FILE = fileURLToPath(import.meta.url);

/** A socket; a bare descriptor for `closeFd`. */
type Thing = Socket & number;
type Step = (a: Thing, b: Thing) => unknown;

/** What a scenario is made of, in both languages; what a step returns may be given a name. */
const STEPS: Record<string, [ours: Step, theirs: string]> = {
  tcp: [() => new Socket(), 'socket.socket()'],
  udp: [() => new Socket(AF_INET, SOCK_DGRAM), 'socket.socket(type=socket.SOCK_DGRAM)'],
  bind: [(a) => a.bind(LOOPBACK), "a.bind(('127.0.0.1', 0))"],
  listen: [(a) => a.listen(), 'a.listen()'],
  listen1: [(a) => a.listen(1), 'a.listen(1)'],
  accept: [(a) => a.accept()[0], 'a.accept()[0]'],
  connect: [(a, b) => a.connect(b.getsockname()), 'a.connect(b.getsockname())'],
  connectEx: [(a, b) => a.connectEx(b.getsockname()), 'a.connect_ex(b.getsockname())'],
  nonblocking: [(a) => a.setblocking(false), 'a.setblocking(False)'],
  socketpair: [() => socketpair(), 'socket.socketpair()'],
  pipe: [() => pipe(), 'os.pipe()'],
  file: [() => openSync(FILE, 'r'), 'os.open(FILE, os.O_RDONLY)'],
  send: [(a) => a.send(Buffer.from('x')), "a.send(b'x')"],
  urgent: [(a) => a.send(Buffer.from('!'), MSG_OOB), "a.send(b'!', socket.MSG_OOB)"],
  recv: [(a) => a.recv(1), 'a.recv(1)'],
  fill: [fill, 'fill(a)'],
  shutdown: [(a) => a.shutdown(SHUT_WR), 'a.shutdown(socket.SHUT_WR)'],
  linger0: [(a) => a.setsockopt(SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0)), 'linger0(a)'],
  close: [(a) => a.close(), 'a.close()'],
  closeFd: [(a) => closeSync(a), 'os.close(a)'],
};

function fill(a: Socket): void {
  try {
    while (true) a.send(Buffer.alloc(65_536));
  } catch (err) {
    if (!(err instanceof OSError && err.code === 'EAGAIN')) throw err;
  }
}

const LISTENER = 'l = tcp; bind l; listen l';
const CONNECTION = `${LISTENER}; c = tcp; connect c l; s = accept l`;
/** Linux holds one connection more than the backlog says, and drops further SYNs. */
const FULL_LISTENER = 'l = tcp; bind l; listen1 l; a = tcp; connect a l; b = tcp; connect b l';
const DATAGRAMS = 'u = udp; bind u; v = udp; connect v u';

/** Scenario, its steps, the thing that is waited for, whether it can be read, be written, is exceptional (Linux). */
const SCENARIOS: [name: string, steps: string, subject: string, ready: string][] = [
  ['idle listener', LISTENER, 'l', ''],
  ['pending listener', `${LISTENER}; c = tcp; connect c l`, 'l', 'r'],
  ['idle connection', CONNECTION, 's', 'w'],
  ['readable connection', `${CONNECTION}; send c`, 's', 'rw'],
  ['connection that has been read', `${CONNECTION}; send c; recv s`, 's', 'w'],
  ['out-of-band byte', `${CONNECTION}; urgent c`, 's', 'wx'],
  ['out-of-band byte after data', `${CONNECTION}; send c; urgent c`, 's', 'rwx'],
  ["peer's FIN", `${CONNECTION}; shutdown c`, 's', 'rw'],
  ["peer's FIN, own FIN", `${CONNECTION}; shutdown c; shutdown s`, 's', 'rw'],
  ['reset', `${CONNECTION}; linger0 c; close c`, 's', 'rw'],
  ['connect in progress', `${FULL_LISTENER}; c = tcp; nonblocking c; connectEx c l`, 'c', ''],
  ['connect established', `${LISTENER}; c = tcp; nonblocking c; connectEx c l`, 'c', 'w'],
  ['refused non-blocking connect', 'b = tcp; bind b; c = tcp; nonblocking c; connectEx c b', 'c', 'rw'],
  ['full send buffer', `${CONNECTION}; nonblocking s; fill s`, 's', ''],
  ['full send buffer and data', `${CONNECTION}; send c; nonblocking s; fill s`, 's', 'r'],
  ['new TCP socket', 's = tcp', 's', 'rw'],
  ['new datagram socket', 'u = udp', 'u', 'w'],
  ['idle datagram socket', DATAGRAMS, 'u', 'w'],
  ['datagram', `${DATAGRAMS}; send v`, 'u', 'rw'],
  ['idle socketpair', 'a b = socketpair', 'a', 'w'],
  ['readable socketpair', 'a b = socketpair; send b', 'a', 'rw'],
  ['full socketpair', 'a b = socketpair; nonblocking a; fill a', 'a', ''],
  ['socketpair at its end', 'a b = socketpair; close b', 'a', 'rw'],
  ['regular file', 'f = file', 'f', 'rw'],
  ['idle pipe, its read end', 'r w = pipe', 'r', ''],
  ['idle pipe, its write end', 'r w = pipe', 'w', 'w'],
  ['pipe at its end', 'r w = pipe; closeFd w', 'r', 'r'],
  ['pipe without a reader', 'r w = pipe; closeFd r', 'w', 'rw'],
];

interface Scenario {
  subject: string;
  ready: string;
  steps: Call[];
  /** Those steps that are taken again: what was sent may move on to the peer's buffer. */
  fills: Call[];
}

interface Call {
  results: string[];
  step: string;
  args: string[];
}

const scenarios = SCENARIOS.map(([, text, subject, ready]): Scenario => {
  const steps = text.split('; ').map((part) => {
    const [call, results] = part.split(' = ').toReversed();
    const [step, ...args] = call.split(' ');
    return { results: results?.split(' ') ?? [], step, args };
  });
  return { steps, fills: steps.filter(({ step }) => step === 'fill'), subject, ready };
});

/** The same for Python: builds each scenario, looks at each by itself, then at all in one call. */
const PYTHON = `
import os, select, socket, struct, time
FILE = args['file']
def fill(a):
    try:
        while True: a.send(bytes(65_536))
    except BlockingIOError: pass
def linger0(a): a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
STEPS = {
${Object.entries(STEPS)
  .map(([name, [, theirs]]) => `    '${name}': lambda a=None, b=None: ${theirs},\n`)
  .join('')}}

def take(steps, things):
    for s in steps:
        made = STEPS[s['step']](*(things[name] for name in s['args']))
        things.update(zip(s['results'], made if len(s['results']) > 1 else [made]))

def look(scenarios):
    subjects = [s['things'][s['subject']] for s in scenarios]
    deadline = time.monotonic() + 100
    while True:
        for s in scenarios: take(s['fills'], s['things'])
        lists = select.select(subjects, subjects, subjects, 0)
        ready = [''.join(name for name, l in zip('rwx', lists) if subject in l) for subject in subjects]
        if ready == [s['ready'] for s in scenarios] or time.monotonic() > deadline: return ready
        time.sleep(0.002)

for s in args['scenarios']:
    s['things'] = {}
    take(s['steps'], s['things'])
result = [[look([s])[0] for s in args['scenarios']], look(args['scenarios'])]
`;

type Things = Record<string, Socket | number>;
type Built = Scenario & { things: Things };

function take(steps: Call[], things: Things): void {
  for (const { step, args, results } of steps) {
    const made = STEPS[step][0](...(args.map((name) => things[name]) as [Thing, Thing]));
    const values = results.length > 1 ? (made as Things[string][]) : [made as Things[string]];
    for (const [i, name] of results.entries()) things[name] = values[i];
  }
}

/** One select() on all the subjects: what each is ready for, once that is as it should be or cannot be any more. */
async function look(built: Built[]): Promise<string[]> {
  const subjects = built.map(({ things, subject }) => things[subject]);
  let ready: string[] = [];
  await until(
    'the state is reached',
    () => {
      for (const { fills, things } of built) take(fills, things);
      const lists = select(subjects, subjects, subjects, 0);
      ready = subjects.map((subject) =>
        ['r', 'w', 'x'].filter((_, i) => lists[i].includes(subject)).join(''),
      );
      return ready.every((r, i) => r === built[i].ready);
    },
    100_000,
  ).catch(() => {});
  return ready;
}

let ours: Built[];
let theirs: [eachAlone: string[], all: string[]];

beforeAll(() => {
  theirs = python(PYTHON, { file: FILE, scenarios });
  ours = scenarios.map((scenario) => {
    const built = { ...scenario, things: {} };
    take(scenario.steps, built.things);
    return built;
  });
});

afterAll(() => {
  for (const { steps, things } of ours) {
    const closed = steps.filter(({ step }) => step === 'closeFd').flatMap(({ args }) => args);
    for (const [name, thing] of Object.entries(things)) {
      if (typeof thing !== 'number') thing.close();
      else if (!closed.includes(name)) closeSync(thing);
    }
  }
});

test.each(SCENARIOS.map(([name, , , ready], i) => [name, ready || 'nothing', i] as const))(
  '%s: %s, as in Python',
  async (_name, _ready, i) => {
    const { ready } = scenarios[i];
    expect({ ours: (await look([ours[i]]))[0], theirs: theirs[0][i] }).toEqual({
      ours: ready,
      theirs: ready,
    });
  },
);

test('all of them in one call, as in Python', async () => {
  expect(await look(ours)).toEqual(theirs[1]);
  expect(theirs[1]).toEqual(scenarios.map(({ ready }) => ready));
});
