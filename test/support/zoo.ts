/** The servers in teach/zoo/, in whatever language, as commands to start them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { onTestFinished, type TestContext } from 'vitest';
import { CLI, Process } from './process.js';

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

const built = new Map<string, string[]>();

/**
 * The command that starts a program of the zoo, in whatever language it is, or one of our programs by its name; the
 * port comes last.
 *
 * @param name its path in the zoo; of a `32.c` a 32-bit program without a C library is made
 */
export function command(folder: string, name: string): string[] {
  const known = built.get(`${folder} ${name}`) ?? build(folder, name);
  built.set(`${folder} ${name}`, known);
  return known;
}

function build(folder: string, name: string): string[] {
  const file = fileURLToPath(new URL(`../teach/zoo/${name}`, import.meta.url));
  const target = join(folder, name.replaceAll('/', '_').replace(/\.\w+$/, ''));
  switch (extname(name)) {
    case '.py':
      return ['python3', '-B', file];
    case '.pl':
      return ['perl', file];
    case '.js':
      return [process.execPath, file];
    case '.ts': {
      const options = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
      const { outputText } = transpileModule(readFileSync(file, 'utf8'), { compilerOptions: options });
      writeFileSync(`${target}.js`, outputText);
      return [process.execPath, `${target}.js`];
    }
    case '.c':
      execFileSync('cc', [...(/32\.c$/.test(name) ? BARE_32_BIT : ['-pthread']), '-w', '-o', target, file]);
      return [target];
    case '.java':
      execFileSync('javac', ['-d', folder, file]);
      return ['java', '-XX:TieredStopAtLevel=1', '-cp', folder, basename(name, '.java')];
    default:
      return [process.execPath, CLI, name];
  }
}

const BARE_32_BIT = ['-m32', '-O1', '-fno-stack-protector', '-fno-pie', '-no-pie', '-nostdlib', '-static'];

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

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
