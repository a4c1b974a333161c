/** The links of all pages: in the repository, and in the packed package for the pages that it has. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(root + path, 'utf8');
const pagesIn = (folder: string) =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => posix.join(folder, name));

/** TASK.md is a page of the student's folder, where other files are beside it. */
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...[...pagesIn('docs'), ...pagesIn('src'), ...pagesIn('test')].filter((page) => !page.endsWith('TASK.md')),
];

const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
) as { files: { path: string }[] }[];
const SHIPPED = new Set(packed?.files.map(({ path }) => path));

/** A page without its blocks of code, in which brackets are no links. */
const prose = (page: string) =>
  read(page)
    .replace(/^```.*?^```/gms, '')
    .replace(/`[^`\n]*`/g, '');

/** Links to files of ours: the page or file, and the anchor in it. */
function linksOf(page: string): { link: string; path: string; anchor: string }[] {
  const links = [
    ...prose(page).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g),
    ...prose(page).matchAll(/(?:src|href)="(?!\w+:)([^"]+)"/g),
  ];
  return links.map(([, link = '']) => {
    const [file = '', anchor = ''] = link.split('#');
    return { link, path: file ? posix.join(posix.dirname(page), file).replace(/\/$/, '') : page, anchor };
  });
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set([...read(page).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id as string));
  for (const [, heading = ''] of read(page)
    .replace(/^```.*?^```/gms, '')
    .matchAll(/^#+ (.*)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

const isBroken = ({ path, anchor }: { path: string; anchor: string }) =>
  !existsSync(root + path) || (anchor !== '' && path.endsWith('.md') && !anchorsOf(path).has(anchor));

const isInPackage = (path: string) =>
  SHIPPED.has(path) || [...SHIPPED].some((file) => file.startsWith(`${path}/`));

test.each(PAGES)('the links of %s work in the repository', (page) => {
  expect(linksOf(page).filter(isBroken)).toEqual([]);
});

test.each(PAGES.filter((page) => SHIPPED.has(page)))('the links of %s work in the package', (page) => {
  expect(linksOf(page).filter(({ path }) => !isInPackage(path))).toEqual([]);
});

test('they are found, and a broken one is', () => {
  expect(PAGES.flatMap(linksOf).length).toBeGreaterThan(100);
  expect(SHIPPED.has('README.md')).toBe(true);
  expect(isBroken({ path: 'docs/nothing.md', anchor: '' })).toBe(true);
  expect(isBroken({ path: 'docs/guide.md', anchor: 'nothing' })).toBe(true);
  expect(isBroken({ path: 'docs/guide.md', anchor: '6-a-chat' })).toBe(false);
});
