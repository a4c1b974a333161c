/** docs/troubleshooting.md: every message is on it, and comes when it says. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as api from 'posix-select';
import {
  FD_ISSET,
  FD_SET,
  FdSet,
  OSError,
  select,
  selectFdSets,
  selectors,
  socket,
  strerror,
} from 'posix-select';
import { Listener } from 'posix-select/listener';
import { recvOrEof } from 'posix-select/peer';
import { describe, expect, test } from 'vitest';
import { needs } from '../support/needs.js';
import { CLI } from '../support/process.js';
import { kept } from '../support/sockets.js';
import { freePort } from '../support/zoo.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');

/** The messages of the page: what stands in the first cell of a row, in backquotes. */
const messages = [...page.matchAll(/^\| ([^|]*`[^|]*) \|/gm)].flatMap(([, cell = '']) =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, message]) => message as string),
);

/** Where the messages come from that must all be on the page. */
const SOURCES = [
  ...['src', 'src/posix', 'src/selectors', 'src/loop', 'src/worker', 'src/cli'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /\.(c?ts|mjs)$/.test(name) && name !== 'docs.mjs')
      .map((name) => join(folder, name)),
  ),
  'native/compile.mjs',
];

/** What is written to stderr and is no error; and the frame around what the addon's loader says. */
const NO_ERRORS = /^(?:listening on|live: |posix-select: …\\n)/;

/** The messages in a source: of errors, and what a loader or a command line explains. `…` stands for a value. */
function messagesIn(source: string): string[] {
  const raised =
    /(?:new (?:Type|Range|User|Build|Compile|InvalidArgument)?Error|misuse|program\.error|self\.error|warn)\(\s*(?:'[A-Z_]+', )?(?:(['"`])(.*?)\1[,) \n]|$)/gms;
  const reasons = /^ {2,4}(?:if .*)?return (['`])((?:the addon|there is no addon|Deno|Windows) .*?)\1/gms;
  return [...source.matchAll(raised), ...source.matchAll(reasons)]
    .map(([, , text = '']) => text)
    .map((text) => text.replace(/\$\{(?:[^{}]|\{[^}]*\})*\}/g, '…').replace(/^error: /, ''))
    .filter((text) => /[a-z]{2}/.test(text) && !NO_ERRORS.test(text));
}

/** Whether a row of the page is about the message. */
const isOnPage = (message: string) =>
  messages.some((row) => {
    const pattern = row.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('…', '.*');
    return new RegExp(`^${pattern}`).test(message);
  });

test.each(SOURCES)('each message of %s is on the page', (path) => {
  const found = messagesIn(readFileSync(join(root, path), 'utf8'));
  expect(found.filter((message) => !isOnPage(message))).toEqual([]);
});

test('that finds messages', () => {
  const all = SOURCES.flatMap((path) => messagesIn(readFileSync(join(root, path), 'utf8')));
  expect(all.length).toBeGreaterThan(60);
  expect(isOnPage('an error that nobody has written down')).toBe(false);
});

const thrown = (call: () => unknown): Error => {
  try {
    call();
  } catch (err) {
    return err as Error;
  }
  throw new Error('nothing was thrown');
};

describe('an OSError', () => {
  /** A connected pair of TCP sockets. */
  function pair(): [socket.Socket, socket.Socket] {
    const [listener] = kept(socket.createServer(['127.0.0.1', 0]));
    const [client] = kept(socket.createConnection(listener.getsockname()));
    const [[conn]] = [listener.accept()];
    return kept(client, conn) as [socket.Socket, socket.Socket];
  }
  function reset(): socket.Socket {
    const [client, conn] = pair();
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, new Int32Array([1, 0]));
    conn.close();
    select([client], [], []);
    return client;
  }

  const CASES: Record<string, () => unknown> = {
    EADDRINUSE: () => socket.createServer(kept(socket.createServer(['127.0.0.1', 0]))[0].getsockname()),
    EADDRNOTAVAIL: () => socket.createServer(['192.0.2.1', 0]),
    EAGAIN: () => {
      const [a] = kept(...socket.socketpair());
      a?.setblocking(false);
      a?.recv(1);
    },
    EBADF: () => select([1000], [], [], 0),
    ECONNREFUSED: () => {
      const [s] = kept(new socket.Socket());
      s.bind(['127.0.0.1', 0]);
      socket.createConnection(s.getsockname());
    },
    ECONNRESET: () => reset().recv(1),
    EINVAL: () => selectFdSets(0, null, null, null, { tv_sec: -1, tv_usec: 0 }),
    ENOENT: () => socket.createConnection('/nowhere/socket'),
    ENOTCONN: () => kept(new socket.Socket())[0].getpeername(),
    ENOTSOCK: () => {
      const [end, other] = socket.pipe();
      kept(new socket.Socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, other));
      kept(new socket.Socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, end))[0].recv(1);
    },
    EPIPE: () => {
      const [client] = pair();
      client.shutdown(socket.SHUT_WR);
      client.send(Buffer.from('x'));
    },
    EAI_NONAME: () => socket.createConnection(['no such host', 80]),
  };
  test.each(Object.entries(CASES))('%s', (code, call) => {
    expect(page).toContain(`\`${code}\``);
    const err = thrown(call);
    expect(err).toBeInstanceOf(OSError);
    expect((err as OSError).code).toBe(code);
  });

  test('EINPROGRESS: when select says writable, SO_ERROR is 0 or the errno', async () => {
    const [s] = kept(new socket.Socket());
    s.setblocking(false);
    const port = await freePort();
    expect([api.errno.EINPROGRESS, api.errno.ECONNREFUSED]).toContain(s.connectEx(['127.0.0.1', port]));
    select([], [s], [], 5);
    expect([0, api.errno.ECONNREFUSED]).toContain(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR));
  });

  test('ECONNRESET is 0 bytes of recvOrEof', () => expect(recvOrEof(reset(), 1).length).toBe(0));

  test('EBADF names the closed descriptor', () =>
    expect(thrown(() => select([1000], [], [], 0)).message).toMatch(/^select fd 1000: /));

  needs('root')('EACCES, as a user who is not root', () => {
    // Another user may not read the checkout: it is loaded before.
    const code = `const { socket } = require('posix-select');
      process.setuid(65534);
      socket.createServer(['127.0.0.1', 1])`;
    const unprivileged = spawnSync('sysctl', ['-n', 'net.ipv4.ip_unprivileged_port_start'], {
      encoding: 'utf8',
    });
    if (Number(unprivileged.stdout) <= 1) return;
    const { stderr } = spawnSync(process.execPath, ['-e', code], { cwd: root, encoding: 'utf8' });
    expect(stderr).toMatch(/EACCES/);
  });

  test('ENOSYS, of the selector of another system', () => {
    const other = process.platform === 'linux' ? selectors.KqueueSelector : selectors.EpollSelector;
    expect(thrown(() => new other())).toMatchObject({ code: 'ENOSYS' });
  });
});

describe('a wrong use', () => {
  const s = 5;
  const any = (value: unknown) => value as never;
  const CASES: [message: string, call: () => unknown][] = [
    ['select expected at least 3 arguments, got 1', () => (select as (...args: unknown[]) => void)([])],
    ['timeout must be a number or null', () => select([], [], [], any('5'))],
    ['timeout must be non-negative (-1)', () => select([], [], [], -1)],
    ['timeout out of range for time_t (NaN)', () => select([], [], [], Number.NaN)],
    ['timeout out of range for time_t (Infinity)', () => select([], [], [], Infinity)],
    ['arguments 1-3 must be sequences, not 5: [s] is a list of one', () => select(any(s), [], [])],
    [
      'arguments 1-3 must be sequences, not undefined: [] is an empty one',
      () => select([s], any(undefined), []),
    ],
    ['argument must be an int, or have a fileno() method', () => select([any(undefined)], [], [])],
    ['fileno() returned a non-integer', () => select([any({ fileno: () => {} })], [], [])],
    ['file descriptor cannot be a negative integer (-1)', () => select([closed()], [], [])],
    ['filedescriptor out of range in select(): 4096 is not below FD_SETSIZE', () => select([4096], [], [])],
    ['nfds 4096 is beyond a set of size 1024', () => selectFdSets(4096, new FdSet(), null, null, null)],
    ['FD_SET: fd -1 is outside a set of size 1024', () => FD_SET(closed().fileno(), new FdSet())],
    ['FD_SET: fd must be an integer', () => FD_SET(any(closed()), new FdSet())],
    ['FD_SET: set must be an FdSet', () => FD_SET(any(new FdSet()), any(5))],
    ['tv_usec must be an integer', () => selectFdSets(0, null, null, null, { tv_sec: 0, tv_usec: 0.5 })],
    ["port must be an integer, not '80'", () => socket.createServer(['127.0.0.1', any('80')])],
    ['port must be 0-65535 (70000)', () => socket.createServer(['127.0.0.1', 70_000])],
    [
      'a bytes-like object is required, not a string',
      () => kept(...socket.socketpair())[0]?.send(any('text')),
    ],
    ['errno must be an integer', () => strerror(0.5)],
    ['Invalid events: 0', () => new selectors.PollSelector().register(0, 0)],
    ['Invalid file descriptor: -1', () => new selectors.PollSelector().register(closed(), 1)],
    ['fdEnd must be a number', () => [...kept(new Listener(['127.0.0.1', 0]))[0].acceptAll(any('9'))]],
  ];
  function closed(): socket.Socket {
    const made = new socket.Socket();
    made.close();
    return made;
  }
  test.each(CASES)('%s', (message, call) => {
    const { message: whole } = thrown(call);
    expect(whole.slice(0, message.length)).toBe(message);
    expect(isOnPage(whole)).toBe(true);
  });

  test('beyond FD_SETSIZE, what the page advises takes the descriptor', () => {
    const set = new FdSet(4097);
    FD_SET(4096, set);
    expect(FD_ISSET(4096, set)).toBe(true);
    expect(() => selectFdSets(4097, set, null, null, { tv_sec: 0, tv_usec: 0 })).not.toThrow(RangeError);
  });
});

describe('the command line', () => {
  const CASES: [message: string, args: string[]][] = [
    ["unknown program 'srvv'", ['srvv']],
    ['It stands before the program: posix-select --trace', ['srv', '127.0.0.1', '0', '--trace']],
    ['It must be a whole number from 0 to 65535.', ['select-server', '70000']],
    ['--trace, --trace-file, --record and --step are for programs', ['--trace', 'observe', '1']],
    ['the command has no {port}. It should be like: ', ['grade', 'srv', '--', 'python3', 'srv.py']],
    ['there is no process 4194305', ['observe', '4194305']],
    ['no-such-command: command not found', ['observe', '--', 'no-such-command']],
    [
      'server: command not found, and a process is given by its number: pgrep -f server',
      ['observe', 'server'],
    ],
    ['LICENSE: it is neither a recording nor output of strace', ['replay', 'LICENSE']],
    [
      'package.json is there already, and is no recording',
      ['--record', 'package.json', 'select-server', '0'],
    ],
    ['docs is not empty (', ['init', 'srv', 'docs']],
  ];
  test.each(CASES)('%s', (message, args) => {
    const { stderr, status } = spawnSync(process.execPath, [CLI, ...args], {
      cwd: root,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr).toContain(message);
    expect(status).toBeGreaterThan(0);
    const [line = ''] = stderr.match(/^.*$/gm)?.filter((each) => each.includes(message)) ?? [];
    expect(isOnPage(line.replace(/^error: /, '')) || isOnPage(message)).toBe(true);
  });

  test('nobody listens there', async () => {
    const args = ['cli', '127.0.0.1', String(await freePort())];
    const { stderr } = spawnSync(process.execPath, [CLI, ...args], {
      encoding: 'utf8',
      input: '',
      timeout: 60_000,
    });
    expect(stderr).toMatch(/^nobody listens there; to start the server: npx posix-select srv/m);
  });
});
