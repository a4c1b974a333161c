/** A story as one page that needs nothing but a browser. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import type { PageData } from '../story/programs.js';

const inPage = (name: string) => `page/${name}.js`;

/** One script: the modules in the order of their imports. What they import from each other is all there. */
const MODULES = [
  ...['story', 'programs', 'sentences', 'calls'].map((name) => `../story/${name}.js`),
  ...['svg', 'rows', 'marks', 'scene', 'frame', 'bits', 'arrivals', 'work', 'picture'].map(inPage),
  ...['brush', 'run-drawing', 'strip', 'run-view', 'folds', 'words'].map(inPage),
  ...['storyboard', 'search', 'guess', 'clock', 'follow', 'live', 'player'].map(inPage),
  ...['timeline', 'arrows', 'diagram', 'programs', 'script'].map(inPage),
];

const FONTS = [
  ['Atkinson Hyperlegible Next Variable', 'next.woff2'],
  ['Atkinson Hyperlegible Mono Variable', 'mono.woff2'],
] as const;

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** @param shown null for a page that gets its story from the server that it came from */
export function page(shown: PageData | null): string {
  const style = FONTS.map(fontFace).join('') + text('page/page.css');
  const script = MODULES.map(text)
    .join('\n')
    .replace(/^import [^;]*;\n|^export (?!default)/gm, '');
  const data = shown === null ? '' : deflateSync(JSON.stringify(shown), { level: 9 }).toString('base64');
  const connect = shown === null ? "connect-src 'self'; " : '';
  const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; font-src data:; ${connect}style-src ${hash(style)}; script-src ${hash(script)}`;
  const parts: [begin: string, content: string][] = [
    ['Content-Security-Policy" content="', policy],
    ['<style>', style],
    ['type="text/plain">', data],
    ['<script type="module">', script],
  ];
  return parts.reduce(
    (html, [begin, content]) => html.replace(begin, () => begin + content),
    text('page/page.html'),
  );
}

function fontFace([family, file]: (typeof FONTS)[number]): string {
  const base64 = readFileSync(new URL(`page/${file}`, import.meta.url), 'base64');
  return `@font-face{font-family:"${family}";font-weight:200 800;src:url(data:font/woff2;base64,${base64}) format("woff2")}\n`;
}

/** For the policy: only this very text is obeyed. */
function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
