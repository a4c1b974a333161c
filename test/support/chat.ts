/** What the tests of chatserver and chatclient share. */
import type { SpawnOptions } from 'node:child_process';
import { type Process, startServer } from './process.js';
import { Python } from './python.js';
import { selectTimeouts, traced } from './traced.js';

/** Python, with its backslashes. */
export const py = String.raw;

export const DASHES = '-'.repeat(37);
export const QUESTION = 'Please enter your screen name:\n';
export const WELCOME = `${DASHES}\nWelcome to the Hackbright Chat Server\n${DASHES}\n${QUESTION}`;

/** Types lines on a program's keyboard. */
export function type({ child }: Process, ...lines: string[]): void {
  child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
}

/**
 * A chatserver, and a Python that has the clients of python/chat.py.
 */
export async function openRoom(
  args: string[] = [],
  options: SpawnOptions = {},
): Promise<{ server: Process & { port: number }; python: Python }> {
  const server = await startServer('chatserver', [0, ...args], options);
  return { server, python: await clientsOf(server.port) };
}

/** The same, and the timeouts that the server has given to select() so far, in seconds; null is for ever. */
export async function openTracedRoom() {
  const { server, port, text } = await traced(['--trace=json'], ['chatserver', 0]);
  return { server, python: await clientsOf(port), timeouts: () => selectTimeouts(text()) };
}

async function clientsOf(port: number): Promise<Python> {
  const python = new Python({ helpers: ['chat'] });
  await python.run('port = args', port);
  return python;
}
