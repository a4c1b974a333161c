/** A loop on a worker thread: of this process, and of one of its own. The programs are in fixtures/. */
import { fileURLToPath } from 'node:url';
import { runInWorker } from 'posix-select';
import { expect, onTestFinished } from 'vitest';
import { Process } from './process.js';

export const fixture = (name: string) => new URL(`fixtures/${name}.mjs`, import.meta.url);

/** A program of fixtures/ on a worker thread of this process. */
export function run(name: string, args?: unknown) {
  const loop = runInWorker(fixture(name), { args });
  onTestFinished(loop.stop);
  return loop;
}

/** What a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`it gave ${value}`),
    (reason) => reason,
  );
}

/** A process whose main thread runs a piece of JavaScript: see fixtures/host.mjs. `before` is for the shell. */
export function host(code: string, before = ''): Process {
  const command = [process.execPath, fileURLToPath(fixture('host')), code];
  return new Process('sh', ['-c', `${before} exec "$@"`, 'sh', ...command]);
}
