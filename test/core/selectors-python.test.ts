/** Python's selectors and ours, asked about the very same descriptors. */
import { type OSError, select } from 'posix-select';
import { type BaseSelector, SelectSelector } from 'posix-select/selectors';
import { AF_INET, createServer, MSG_OOB, SHUT_RDWR, SHUT_WR, SOCK_DGRAM, Socket } from 'posix-select/socket';
import { expect, test } from 'vitest';
import { python } from '../support/python.js';
import { EACH } from '../support/selectors.js';
import {
  fill,
  HERE,
  own,
  pair,
  pipeEnds,
  refused,
  regularFile,
  reset,
  settle,
  tcp,
  thrown,
} from '../support/sockets.js';

const SELECTORS = Object.fromEntries(EACH);
const BYTE = Buffer.from('!');

function listener(): Socket {
  return own(createServer([HERE, 0], { backlog: 0 }));
}

function connecting(server: Socket): Socket {
  const socket = own(new Socket());
  socket.setblocking(false);
  socket.connectEx(server.getsockname());
  return socket;
}

function udp(): Socket {
  const socket = own(new Socket(AF_INET, SOCK_DGRAM));
  socket.bind([HERE, 0]);
  return socket;
}

/** A TCP connection whose peer has done something that makes this end readable. */
function after(peerDoes: (peer: Socket) => void): Socket {
  const [here, peer] = tcp();
  peerDoes(peer);
  return settle(here);
}

function urgent(before: Buffer): Socket {
  const [here, peer] = tcp();
  peer.send(before);
  peer.send(BYTE, MSG_OOB);
  expect(select([], [], [here], 20)[2]).toEqual([here]);
  return here;
}

function withoutOtherEnd([here, there]: Socket[]): Socket {
  there.close();
  return here;
}

function full(end: Socket): Socket {
  fill(end);
  return end;
}

/** What is there, and whether it is ready for reading (r) and writing (w). */
const scenarios: [what: string, ready: string, () => Socket | number][] = [
  ['a listener with nobody waiting', '', listener],
  [
    'a listener with a connection waiting',
    'r',
    () => {
      const server = listener();
      connecting(server);
      return settle(server);
    },
  ],
  [
    'a connect under way',
    '',
    () => {
      const server = listener();
      connecting(server);
      settle(server); // its queue is full now
      return connecting(server);
    },
  ],
  ['a refused connect', 'rw', () => settle(refused())],
  ['a TCP socket that is not connected', 'rw', () => own(new Socket())],
  ['an idle connection', 'w', () => tcp()[0]],
  ['a connection with data', 'rw', () => after((peer) => peer.send(BYTE))],
  ['a connection whose peer has ended its stream', 'rw', () => after((peer) => peer.shutdown(SHUT_WR))],
  ['a connection whose peer has closed', 'rw', () => after((peer) => peer.close())],
  ['a reset connection', 'rw', () => after(reset)],
  [
    'a connection shut down at both ends',
    'rw',
    () => {
      const [here, there] = tcp();
      here.shutdown(SHUT_RDWR);
      there.shutdown(SHUT_RDWR);
      return settle(here);
    },
  ],
  ['a connection with out-of-band data', 'w', () => urgent(Buffer.alloc(0))],
  ['a connection with data and then out-of-band data', 'rw', () => settle(urgent(BYTE))],
  ['a socketpair', 'w', () => pair()[0]],
  ['a full socketpair', '', () => full(pair()[0])],
  ['a socketpair, the other end closed', 'rw', () => withoutOtherEnd(pair())],
  ['a pipe to read from', '', () => pipeEnds()[0]],
  [
    'a pipe to read from, with data',
    'r',
    () => {
      const [r, w] = pipeEnds();
      fill(w);
      return r;
    },
  ],
  ['a pipe to read from, the other end closed', 'r', () => withoutOtherEnd(pipeEnds())],
  ['a pipe to write to', 'w', () => pipeEnds()[1]],
  ['a full pipe', '', () => full(pipeEnds()[1])],
  ['a pipe to write to, the other end closed', 'rw', () => withoutOtherEnd(pipeEnds().reverse())],
  [
    'a full pipe, the other end closed',
    'rw',
    () => {
      const [r, w] = pipeEnds();
      fill(w);
      return withoutOtherEnd([w, r]);
    },
  ],
  ['a UDP socket', 'w', udp],
  [
    'a UDP socket with a datagram',
    'rw',
    () => {
      const socket = udp();
      udp().sendto(BYTE, socket.getsockname());
      return settle(socket);
    },
  ],
  ['a regular file', 'rw', regularFile],
];

/** Descriptors from 3 on, as many as told; for each and each selector what it says when asked for r, w and both. */
const ASK_PYTHON = `
import errno, selectors
def ask(name, fd, events):
    with getattr(selectors, name)() as selector:
        try:
            selector.register(fd, events)
            return [ready for key, ready in selector.select(0)]
        except OSError as error:
            return errno.errorcode[error.errno]
count, names = args
result = [{name: [ask(name, 3 + i, events) for events in (1, 2, 3)] for name in names} for i in range(count)]
`;

test('all three report what those of Python report', () => {
  const ask = (Selector: new () => BaseSelector, fd: number, events: number) => {
    using selector = new Selector();
    try {
      selector.register(fd, events);
      return selector.select(0).map(([, ready]) => ready);
    } catch (err) {
      return (err as OSError).code;
    }
  };
  const fds = scenarios.map(([, , make]) => {
    const made = make();
    return typeof made === 'number' ? made : made.fileno();
  });
  const theirs = python<Record<string, unknown>[]>(ASK_PYTHON, [fds.length, Object.keys(SELECTORS)], fds);
  for (const [i, [what, ready]] of scenarios.entries()) {
    const ours = Object.entries(SELECTORS).map(([name, Selector]) => {
      return [name, [1, 2, 3].map((events) => ask(Selector, fds[i], events))] as const;
    });
    const events = (ready.includes('r') ? 1 : 0) + (ready.includes('w') ? 2 : 0);
    expect(ours[0][1][2], what).toEqual(events ? [events] : []);
    expect(Object.fromEntries(ours), what).toEqual(theirs[i]);
  }
});

test('the messages of wrong uses are those of Python', () => {
  const calls: ['register' | 'unregister' | 'modify' | 'getKey', ...unknown[]][] = [
    ['register', 1, 99],
    ['register', 1, 0],
    ['register', -10, 1],
    ['register', 'abc', 1],
    ['register', null, 1],
    ['register', 0, 1],
    ['unregister', 999999],
    ['unregister', -10],
    ['modify', 999999, 1],
    ['modify', 'abc', 1],
    ['getKey', 999999],
    ['getKey', null],
  ];
  const theirs = python(
    `
import selectors
selector = selectors.SelectSelector()
selector.register(0, 1)
def message(method, *args):
    try:
        getattr(selector, method.replace("getKey", "get_key"))(*args)
    except Exception as error:
        return error.args[0]
result = [message(*call) for call in args]`,
    calls,
  );
  const selector = own(new SelectSelector());
  selector.register(0, 1);
  const ours = calls.map(([method, ...args]) => {
    const call = selector[method] as (...args: unknown[]) => unknown;
    return thrown(() => call.apply(selector, args))[1];
  });
  expect(ours).toEqual(theirs);
});
