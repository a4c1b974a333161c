/** The servers in teach/zoo/, in whatever language, as commands to start them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, type TestContext } from 'vitest';
import { CLI, Process } from './process.js';
import { zooCommand } from './zoo-command.mjs';

/** A port that nobody listens on, and that no client is given: who connects to those again and again meets himself. */
export { freePort } from '../../dist/teach/grade/ports.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where programs are built; `rmSync` it at the end. */
export function workshop(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/posix-select'));
  symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  return folder;
}

export const close = (folder: string) => rmSync(folder, { recursive: true });

/** The command that starts a program of the zoo, or one of our programs by its name; the port comes last. */
export function command(folder: string, name: string): string[] {
  return extname(name) === '' ? [process.execPath, CLI, name] : zooCommand(folder, name);
}

/** Milliseconds for a grading: many of them share a busy machine. */
export const GRADING_LIMIT_MS = 300_000;

/** What a report says on a machine without bubblewrap; unfolded. */
export const NOT_ISOLATED = /^note: not isolated: .*\n/m;

/**
 * Starts a grader, which does not break its lines. At the end of the test it is told to end: were it killed, what it
 * has started would go on.
 */
export function startGrader(args: string[], context?: TestContext): Process {
  const env = { ...process.env, COLUMNS: '1000' };
  const grader = new Process(process.execPath, [CLI, 'grade', ...args], { env });
  (context?.onTestFinished ?? onTestFinished)(async () => {
    grader.child.kill('SIGTERM');
    await grader.exit;
  });
  return grader;
}
