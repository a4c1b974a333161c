/** The calls that follow a wait as marks over the kernel, and what the program prints. */
import { labelledRows, type Mark, NEW } from './marks.js';
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
        `+ ${hidden} more ${hidden === 1 ? 'call' : 'calls'}`,
      ),
    );
  return parts;
}

function markParts(scene: Scene, mark: Mark): SVGElement[] {
  const { kind, rows, name, rest, data, opened, x } = mark;
  const middle = (row: number) => scene.middles[row] ?? 0;
  const y = middle(rows.at(-1) ?? 0);
  const top = BAR_TOP + BAR_HEIGHT;
  const parts: SVGElement[] = [];
  if (opened) parts.push(...openedParts(x, y, middle(opened.row), opened.name + opened.fd));
  if (kind === 'up')
    parts.push(arrow('came', x, y, top + 1), svg('circle', { class: 'dot', cx: x, cy: y, r: 5.5 }));
  if (kind === 'down') parts.push(...sendParts(scene, mark));
  if (kind === 'list') {
    parts.push(
      svg('line', { class: 'asked dotted', x1: x, x2: x, y1: top, y2: y - 9 }),
      svg('circle', { class: 'listed', cx: x, cy: y, r: 6 }),
    );
  }
  if (kind === 'close')
    parts.push(svg('path', { class: 'cross', d: `M${x - 6} ${y - 6} l12 12 m0 -12 l-12 12` }));
  for (const row of labelledRows(mark))
    parts.push(callLabel(x, middle(row), kind === 'list' ? '' : name, rest));
  if (data) parts.push(svg('text', { class: 'data', x: x + 11, y: y + 16 }, data));
  return parts;
}

/** `recv 17 bytes`, above the line of its row. */
function callLabel(x: number, y: number, name: string, rest: string): SVGElement {
  const label = svg(
    'text',
    { class: 'call', x: x + 11, y: y - 6 },
    svg('tspan', { class: 'callname' }, name),
  );
  if (rest) label.append(name === '' ? rest : ` ${rest}`);
  return label;
}

/** One line with a head for each receiver. It leaps over the rows between them, which get nothing. */
function sendParts({ middles }: Scene, { rows, x }: Mark): SVGElement[] {
  const [first = 0] = rows;
  const last = rows.at(-1) ?? 0;
  let path = `M${x} ${BAR_TOP + BAR_HEIGHT}`;
  for (const [row, y] of middles.entries())
    if (row > first && row < last && !rows.includes(row))
      path += ` V${y - LEAP} a${LEAP} ${LEAP} 0 0 1 0 ${2 * LEAP}`;
  return [
    svg('path', { class: 'line asked', d: `${path} V${(middles[last] ?? 0) - 4}` }),
    ...rows.map((row) =>
      svg('path', { class: 'head-asked', d: `M${x - 6.5} ${(middles[row] ?? 0) - 8} h13 l-6.5 11 z` }),
    ),
  ];
}

/** From an accept to the row of the connection that it makes. */
function openedParts(x: number, from: number, to: number, rest: string): SVGElement[] {
  return [
    svg('line', { class: 'came dotted', x1: x, x2: x, y1: from, y2: to - 6 }),
    svg('circle', { class: 'opens', cx: x, cy: to, r: 5.5 }),
    callLabel(x, to, NEW, rest),
  ];
}

/** Pixels that a line leaps to the side, over a row that is not meant. */
const LEAP = 8;

function printBox({ text: words, x, width }: { text: string; x: number; width: number }): SVGElement[] {
  const [first = '', ...more] = words.split('\n');
  const shown = fitted(more.length > 0 ? `${first} …` : first, width - 18, 15, 400, true);
  return [
    svg('rect', { class: 'screen', x, y: 6, width, height: 27, rx: 5 }, svg('title', {}, words)),
    svg('text', { class: 'print', x: x + 9, y: 24.5 }, shown),
    svg('line', { class: 'wire', x1: x + 7, x2: x + 7, y1: 33, y2: BAR_TOP }),
  ];
}
