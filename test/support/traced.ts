/** Our programs under a trace. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { atEnd, CLI, Process, until } from './process.js';

export type Args = (string | number)[];

/** A file in a folder that goes with the test. */
export function fileFor(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

export function posixSelect(args: Args, options = {}): Process {
  return new Process(process.execPath, [CLI, ...args.map(String)], options);
}

/** A server under a trace in a file. */
export async function traced(options: Args, program: Args, spawning = {}) {
  const file = fileFor('trace');
  const server = posixSelect([...options, '--trace-file', file, ...program], spawning);
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  const text = () => readFileSync(file, 'utf8');
  const shows = (pattern: RegExp) =>
    until(`${pattern}`, () => pattern.test(text())).catch((err) =>
      expect.fail(`${err}\n${text().slice(-2000)}`),
    );
  return { server, port: Number(port), text, shows };
}

/** The timeouts of select() in a trace as JSON, in seconds; null is for ever. */
export function selectTimeouts(trace: string): (number | null)[] {
  const lines = trace.split('\n').slice(0, -1);
  const calls = lines.map((line) => JSON.parse(line)).filter(({ call }) => call === 'select');
  return calls.map(({ timeout }) => timeout);
}
