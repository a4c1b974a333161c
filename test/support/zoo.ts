/** The servers in teach/zoo/, in whatever language, as commands to start them. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** For programs that are busy: a busy loop is given its whole time for each answer. */
export const SHORT_WAITS = ['--timeout', '0.25'];

/** What a report says on a machine without bubblewrap; unfolded. */
export const NOT_ISOLATED = /^note: not isolated: .*\n/m;

/** What is another each time, or on another machine: ports, descriptors, how much came before a client got stuck. */
const settled = (report: string) =>
  report
    .replace(NOT_ISOLATED, '')
    .replace(/(127\.0\.0\.1(:|', ))\d+/g, '$1PORT')
    .replace(/\bport \d+/g, 'port PORT')
    .replace(/\b\d+ (?=listener|connected to|pipe|Unix socket)/g, 'N ')
    .replace(/received \d+(?=;)/g, 'received N')
    .replace(/uses \d+ %/g, 'uses N %');

/** Whole reports, as a student reads them: `npx vitest run test/teach -u` writes them anew when a hint is better. */
const GOLDEN = fileURLToPath(new URL('../teach/golden', import.meta.url));

/** Compares a report with the one that is kept of this program, if one is. */
export async function expectGolden(
  context: TestContext,
  assignment: string,
  program: string,
  report: string,
) {
  const file = join(GOLDEN, `${assignment}.${program}.txt`);
  if (existsSync(file)) await context.expect(settled(report)).toMatchFileSnapshot(file);
}

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
