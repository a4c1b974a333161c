/** The pages of docs/lessons: what they show is what their commands print. */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocks, installed, run } from '../support/console-blocks.js';
import { needs } from '../support/needs.js';
import { close, workshop } from '../support/zoo.js';

const lessons = fileURLToPath(new URL('../../docs/lessons', import.meta.url));
const read = (name: string) => readFileSync(join(lessons, name), 'utf8');
const pages = readdirSync(lessons).filter((name) => /^\d.*\.md$/.test(name));

/** A folder that has the lessons' programs, and `posix-select` on the path. */
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  folder = workshop();
  cpSync(lessons, folder, { recursive: true });
  env = installed(folder);
});
afterAll(() => close(folder));

for (const page of pages) {
  const commands = blocks(read(page)).flatMap((block) => block.commands.map(({ text }) => text));
  const isRecorded = commands.some((text) => /posix-select (record|trace) /.test(text));
  // What they show is Linux's: observe, epoll, numbers of errors.
  needs('Linux', ...(isRecorded ? (['strace'] as const) : []))(page, async () => {
    expect(commands).not.toEqual([]);
    await run(read(page), folder, env);
  });
}

test('the index has each page, and each page what it links to', () => {
  expect([...read('README.md').matchAll(/\]\((\d.*?\.md)\)/g)].map(([, name]) => name)).toEqual(
    pages.toSorted(),
  );
  for (const page of ['README.md', ...pages]) {
    const links = [...read(page).matchAll(/\]\((?!https?:)(.*?)\)/g)].map(([, link]) => link);
    expect(links.filter((link) => !existsSync(join(lessons, link)))).toEqual([]);
  }
});

const block = (text: string, role = '') => `\`\`\`console ${role}\n${text}\n\`\`\`\n`;

describe('a page that shows something else fails', () => {
  test.each([
    ['another word', block('$ echo one\ntwo')],
    ['a line too many', block('$ echo one\none\ntwo')],
    ['a line too few', block('$ echo one; echo two\none')],
    ['what goes to stderr', block('$ echo one >&2')],
    ['the second command', block('$ echo one\none\n$ echo two\nthree')],
    ['a number that is not the same', `<!-- differs: 77 -->\n${block('$ echo 1 1 2\n77 77 77')}`],
    ['a number that was another before', `<!-- differs: 77 -->\n${block('$ echo 1\n77\n$ echo 2\n77')}`],
    [
      'what a client prints',
      block('$ echo ready; sleep 9\nready', 'server') + block('$ echo a\nb', 'client'),
    ],
    ['what a server prints', block('$ trap "echo end" INT; echo ready; sleep 9\nready\n^C\nbye', 'server')],
  ])('%s', async (_, page) => {
    await expect(run(page, folder, env)).rejects.toThrow();
  });
});

test.each([
  ['…', block('$ seq 3; echo at 12:34 end\n…\n3\nat … end')],
  ['numbers that differ', `<!-- differs: 77 78 -->\n${block('$ echo 1 2 1; echo 2\n77 78 77\n78')}`],
  ['numbers of before in a command', `<!-- differs: 77 -->\n${block('$ echo 5\n77\n$ echo 77\n5')}`],
  ['dots', block('$ echo 1....1.1\n1..1.1')],
  ['ports', block('$ echo 3490\n3490')],
  ['^C', block('$ trap "echo end; exit" INT; echo ready; sleep 9\nready\n^C\nend', 'server')],
])('a page may show %s', async (_, page) => {
  await run(page, folder, env);
});
