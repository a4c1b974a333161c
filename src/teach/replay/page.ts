/** A recording as one page that needs nothing but a browser. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { packed, type TimelineData } from './timeline.js';

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

export function page(timeline: TimelineData): string {
  const style = text('page/page.css');
  // One script: what the modules import from each other is all there.
  const modules = ['../recording/set-rows.js', 'timeline.js', 'page/script.js'];
  const script = modules
    .map(text)
    .join('\n')
    .replace(/^import .*\n|^export /gm, '');
  const data = deflateSync(JSON.stringify(packed(timeline)), { level: 9 }).toString('base64');
  const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; style-src ${hash(style)}; script-src ${hash(script)}`;
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

/** For the policy: only this very text is obeyed. */
function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
