/** What the tests of chatserver and chatclient share. */
import type { SpawnOptions } from 'node:child_process';
import { type Process, startServer } from './process.js';
import { Python } from './python.js';

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
  const python = new Python({ helpers: ['chat'] });
  const [server] = await Promise.all([startServer('chatserver', [0, ...args], options)]);
  await python.run('port = args', server.port);
  return { server, python };
}
