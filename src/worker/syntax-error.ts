/** Where a syntax error is: on a worker thread, Node's own error of an ES module does not say it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files that are looked at: each takes a process of Node's. */
const MAX_FILES = 50;

/** Bun and Deno say the place themselves, and Bun would run what it is to check. */
const isNode = !process.versions.bun && !process.versions.deno;

/** A line of a stack that names a file which is not Node's. */
const PLACE = /^(?!.*\(?node:).*\/.*:\d+/m;

/** Imports of a file beside: its path begins with a dot. */
const IMPORT = /\b(?:from|import)\s*(['"])(\..*?)\1/g;

/**
 * A SyntaxError with its file and line in the message, and the source line in the stack; any other error as it is.
 *
 * @param module the URL that was imported
 */
export function withPlace(err: unknown, module: string): unknown {
  const isPlaced = !(err instanceof SyntaxError) || PLACE.test(err.stack ?? '');
  if (isPlaced || !isNode || !module.startsWith('file:')) return err;
  const file = fileURLToPath(module);
  const excerpt = excerptOf(file, new Set());
  const place = excerpt?.split('\n')[0] ?? `${file}, or what it imports`;
  err.message = `${err.message} (${place})`;
  err.stack = `${excerpt === undefined ? '' : `${excerpt}\n\n`}SyntaxError: ${err.message}\n    at ${place}`;
  return err;
}

/** What `node --check` shows of the file, or of the first that it imports, in which there is an error: `file:line`, the line, a mark. */
function excerptOf(file: string, seen: Set<string>): string | undefined {
  if (seen.has(file) || seen.size === MAX_FILES || !existsSync(file)) return undefined;
  seen.add(file);
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  const [, excerpt] = /^(\/.*:\d+\n.*?)\s*\nSyntaxError: /s.exec(stderr) ?? [];
  if (excerpt !== undefined) return excerpt;
  for (const [, , path = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const found = excerptOf(resolve(dirname(file), path), seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
