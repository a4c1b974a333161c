/** `posix-select lessons`: lists the pages of docs/lessons and docs/teachers.md, and shows one in the terminal. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { print } from '../../loop/terminal.js';
import { pageWidth, wrap } from '../text.js';
import { UserError } from '../user-error.js';

const DOCS = fileURLToPath(new URL('../../../docs', import.meta.url));
const LESSONS = join(DOCS, 'lessons');

interface Page {
  /** `3`, or `teachers` */
  name: string;
  title: string;
  path: string;
}

function pages(): Page[] {
  const lessons = readdirSync(LESSONS).filter((name) => /^\d+-.*\.md$/.test(name));
  const paths = lessons.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  const all = [...paths.map((name) => join(LESSONS, name)), join(DOCS, 'teachers.md')];
  return all.map((path) => {
    const [, title = ''] = /^# (?:\d+\. )?(.*)$/m.exec(readFileSync(path, 'utf8')) ?? [];
    const [number] = /\d+(?=-[^/]*$)/.exec(path) ?? [];
    return { name: number ?? 'teachers', title, path };
  });
}

/** @throws UserError when there is no such page */
export async function showLessons(name?: string): Promise<number> {
  const all = pages();
  if (name === undefined) {
    const rows = all.map(({ name, title }) => `  ${name.padStart(8)}  ${title}`);
    const folder = relative(process.cwd(), LESSONS) || '.';
    print([...rows, '', `posix-select lessons 1 shows one. Their programs are in ${folder}`].join('\n'));
    return 0;
  }
  const page = all.find((page) => page.name === name);
  if (!page) throw new UserError(`there is no lesson ${name}: posix-select lessons lists them`);
  print(rendered(readFileSync(page.path, 'utf8'), pageWidth(process.stdout)).join('\n'));
  return 0;
}

/** Markdown as a terminal shows it: headings bold, blocks of code as they are, paragraphs wrapped. */
function rendered(markdown: string, columns: number): string[] {
  const lines: string[] = [];
  let paragraph = '';
  const flush = () => {
    if (paragraph !== '') lines.push(...wrap(paragraph, columns, 0));
    paragraph = '';
  };
  let inCode = false;
  for (const line of markdown.replace(/<!--.*?-->\n?/gs, '').split('\n')) {
    if (/^```/.test(line)) {
      flush();
      inCode = !inCode;
    } else if (inCode) {
      lines.push(`    ${line}`);
    } else if (/^#+ /.test(line)) {
      flush();
      lines.push(styleText('bold', line.replace(/^#+ /, '')));
    } else if (line === '' || /^(\||- |\d+\. )/.test(line)) {
      flush();
      if (line === '' || line.startsWith('|')) lines.push(line);
      else paragraph = line;
    } else {
      paragraph += (paragraph === '' ? '' : ' ') + line.trim();
    }
  }
  flush();
  return lines;
}
