/** The calls that follow a wait as marks over the kernel, and what the program prints. */
import type { Mark } from './marks.js';
import { arrow, BAR_HEIGHT, BAR_TOP, KERNEL_TOP, type Scene } from './scene.js';
import { fitted, svg } from './svg.js';

export function workMarks(scene: Scene): SVGElement[] {
  const { marks, prints, hidden } = scene.placed;
  const { end } = scene.columns;
  const parts = [
    ...marks.flatMap((mark) => markParts(scene, mark)),
    ...prints.flatMap((print) => printBox(print)),
  ];
  if (hidden > 0)
    parts.push(
      svg(
        'text',
        { class: 'more', x: end - 8, y: KERNEL_TOP + 20, 'text-anchor': 'end' },
        `+ ${hidden} more calls`,
      ),
    );
  return parts;
}

function markParts(scene: Scene, { kind, rows, name, rest, data, x }: Mark): SVGElement[] {
  const ys = rows.map((row) => scene.middles[row] ?? 0);
  const y = ys.at(-1) ?? 0;
  const top = BAR_TOP + BAR_HEIGHT;
  const parts: SVGElement[] = [];
  if (kind === 'up')
    parts.push(arrow('came', x, y, top + 1), svg('circle', { class: 'dot', cx: x, cy: y, r: 5.5 }));
  if (kind === 'down') {
    parts.push(svg('line', { class: 'asked', x1: x, x2: x, y1: top, y2: y - 4 }));
    for (const head of ys)
      parts.push(svg('path', { class: 'head-asked', d: `M${x - 6.5} ${head - 8} h13 l-6.5 11 z` }));
  }
  if (kind === 'list') {
    parts.push(
      svg('line', { class: 'asked dotted', x1: x, x2: x, y1: top, y2: y - 9 }),
      svg('circle', { class: 'listed', cx: x, cy: y, r: 6 }),
    );
  }
  if (kind === 'close')
    parts.push(svg('path', { class: 'cross', d: `M${x - 6} ${y - 6} l12 12 m0 -12 l-12 12` }));
  const label = svg(
    'text',
    { class: 'call', x: x + 11, y: y - 6 },
    svg('tspan', { class: 'callname' }, kind === 'list' ? '' : name),
  );
  if (rest) label.append(kind === 'list' ? rest : ` ${rest}`);
  parts.push(label);
  if (data) parts.push(svg('text', { class: 'data', x: x + 11, y: y + 16 }, data));
  return parts;
}

function printBox({ text: words, x, width }: { text: string; x: number; width: number }): SVGElement[] {
  const [first = '', ...more] = words.split('\n');
  const shown = fitted(more.length > 0 ? `${first} …` : first, width - 18, 15, 400, true);
  return [
    svg('rect', { class: 'screen', x, y: 6, width, height: 27, rx: 5 }, svg('title', {}, words)),
    svg('text', { class: 'print', x: x + 9, y: 24.5 }, shown),
    svg('line', { class: 'wire', x1: x + 7, x2: x + 7, y1: 33, y2: BAR_TOP }),
  ];
}
