/** docs/api: what `npm run docs` writes from the docstrings. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The pages of a folder, by name. */
function pagesIn(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

test('all that is exported has a docstring, and the reference is up to date: npm run docs makes it so', () => {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync(process.execPath, [join(root, 'src/docs.mjs'), folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect(pagesIn(join(root, 'docs/api'))).toEqual(pagesIn(folder));
});
