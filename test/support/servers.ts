/** The five servers as their clients see them. */
import { Python } from './python.js';

export interface Server {
  name: string;
  program: string;
  args: (string | number)[];
  /** What ends the greeting; '' where there is none. */
  greeting: string;
  /** Whether a client first says its name. */
  named: boolean;
  /** What ends a message. */
  end: string;
  /** Who is sent what a client says. A client is served when they have it; or else when stdout shows it. */
  reach: 'others' | 'all' | 'self' | 'nobody';
  /** What a client says to be answered itself, and the answer. */
  asks?: [question: string, answer: string];
  /** The lines on stdout for one that comes, one that goes, and what one says; with the port where they have it. */
  came: RegExp;
  left: RegExp;
  says?: RegExp;
  /** The last lines on stdout after Ctrl-C. */
  bye: string[];
  /** Whether what waits for a peer can be bounded: `--max-pending`. */
  bounded: boolean;
}

const ADDRESS = "\\('127\\.0\\.0\\.1', (\\d+)\\)";

const SRV: Server = {
  name: 'srv',
  program: 'srv',
  args: ['127.0.0.1', 0],
  greeting: 'online)',
  named: false,
  end: '',
  reach: 'others',
  came: /^> New user 127\.0\.0\.1:(\d+) entered/gm,
  left: /^< The user 127\.0\.0\.1:(\d+) left/gm,
  says: /^\[127\.0\.0\.1:(\d+)\] ([^\n]*)$/gm,
  bye: ['KeyboardInterrupt'],
  bounded: true,
};

const SELECT_SERVER: Server = {
  name: 'select-server',
  program: 'select-server',
  args: [0],
  greeting: '',
  named: false,
  end: '',
  reach: 'nobody',
  came: new RegExp(`^${ADDRESS}: connected$`, 'gm'),
  left: new RegExp(`^${ADDRESS}: disconnected$`, 'gm'),
  says: new RegExp(`^${ADDRESS} \\d+ bytes: (b.*)$`, 'gm'),
  bye: [],
  bounded: false,
};

export const SERVERS: Server[] = [
  SELECT_SERVER,
  { ...SELECT_SERVER, name: 'select-server --literal', args: [0, '--literal'] },
  SRV,
  { ...SRV, name: 'srv --framing line', args: [...SRV.args, '--framing', 'line'], end: '\n' },
  {
    name: 'talk-server',
    program: 'talk-server',
    args: ['-v', '-p', 0],
    greeting: 'Thank you for connecting',
    named: false,
    end: '',
    reach: 'others',
    asks: ['/who:', 'clients connected.\n'],
    came: /^new connection from 127\.0\.0\.1, (\d+)$/gm,
    left: /\(127\.0\.0\.1, (\d+)\) disconnected$/gm,
    bye: [],
    bounded: true,
  },
  {
    name: 'chatserver',
    program: 'chatserver',
    args: [0],
    greeting: 'screen name:\n',
    named: true,
    end: '\n',
    reach: 'all',
    asks: ['any words', 'mallory::any words\n'],
    came: /^Incoming Connection$/gm,
    left: /^client disconnecting$/gm,
    bye: [],
    bounded: true,
  },
  {
    name: 'multiconn-server',
    program: 'multiconn-server',
    args: ['127.0.0.1', 0],
    greeting: '',
    named: false,
    end: '',
    reach: 'self',
    asks: ['any words', 'any words'],
    came: new RegExp(`^Accepted connection from ${ADDRESS}$`, 'gm'),
    left: new RegExp(`^Closing connection to ${ADDRESS}$`, 'gm'),
    bye: ['Caught keyboard interrupt, exiting'],
    bounded: true,
  },
];

/** A Python that has the clients of python/clients.py, which know the server's protocol; and other helpers. */
export function clientsOf(
  { greeting, named, end, reach, asks }: Server,
  { port, pid }: { port: number; pid: number },
  ...helpers: string[]
): Python {
  const server = JSON.stringify({ greeting, named, end, reach, asks, port, pid });
  return new Python({ helpers: ['clients', ...helpers], argv: [server] });
}
