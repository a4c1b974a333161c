/** What the tests of sockets share: sockets that close with the test, waiting for them, Python and Node.js at the other end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OSError, select } from 'posix-select';
import { type Address, createConnection, createServer, type Socket } from 'posix-select/socket';
import { afterAll, onTestFinished } from 'vitest';
import { Process, startPython, until } from './peers.js';

/** Gives the paths of a temporary folder, each once. It is removed when all tests of the file have ended. */
export function temporaryPaths(): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let n = 0;
  return () => join(folder, String(n++));
}

/** Closes the sockets when the test ends. */
export function kept<T extends Socket[]>(...sockets: T): T {
  onTestFinished(() => {
    for (const s of sockets) s.close();
  });
  return sockets;
}

/** Two connected TCP sockets: the one that connected, the one that was accepted. */
export function tcp(): [Socket, Socket] {
  using server = createServer(['127.0.0.1', 0]);
  const a = createConnection(server.getsockname());
  return kept(a, server.accept()[0]);
}

export const isReadable = (s: Socket) => select([s], [], [], 0)[0].length > 0;
export const isWritable = (s: Socket) => select([], [s], [], 0)[1].length > 0;
export const readable = (s: Socket) => until(`${s} is readable`, () => isReadable(s));
export const writable = (s: Socket) => until(`${s} is writable`, () => isWritable(s));

export async function accept(server: Socket): Promise<[Socket, Address]> {
  await readable(server);
  const [conn, address] = server.accept();
  kept(conn);
  return [conn, address];
}

/** What comes until the end of the stream, or until there are n bytes. */
export async function drain(s: Socket, n = Infinity): Promise<string> {
  let text = '';
  while (text.length < n) {
    await readable(s);
    const data = s.recv(65_536);
    if (data.length === 0) break;
    text += data.toString('latin1');
  }
  return text;
}

/** The code of the OSError that a call fails with. */
export function failure(call: () => unknown): string {
  try {
    call();
  } catch (err) {
    if (err instanceof OSError) return err.code;
    throw err;
  }
  return 'none';
}

/** Starts a Python script that has `args` and says JSON lines. */
export function peer(code: string, args: object): Process {
  const prelude = `
import hashlib, json, socket, sys
args = json.loads(sys.argv[1])
address = lambda a: tuple(a) if isinstance(a, list) else a
say = lambda x: print(json.dumps(x), flush=True)
`;
  return startPython(prelude + code, [JSON.stringify(args)]);
}

/** The i-th thing that a peer says. */
export async function said<T>(peer: Process, i = 0): Promise<T> {
  const [, line] = await peer.out(new RegExp(`^(?:.*\\n){${i}}(.*)\\n`));
  return JSON.parse(line);
}

/** Where the package is: what `node -e` imports, it looks for from here. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The arguments with which Node.js runs a piece of code as a module. */
export const nodeArgs = (code: string, ...args: (string | number)[]) => [
  '--expose-gc',
  '--input-type=module',
  '-e',
  code,
  ...args.map(String),
];

/** Starts a Node.js that imports the package as a user does. */
export function startNode(code: string, ...args: (string | number)[]): Process {
  return new Process(process.execPath, nodeArgs(code, ...args), { cwd: ROOT });
}
