/** An arrow of the sequence diagram: what one program sends and another receives. */
import { MESSAGE_KINDS, type Message } from '../../story/programs.js';
import { bytesText, shortDuration } from '../../story/sentences.js';
import type { Story } from '../../story/story.js';
import { fitted, svg, textWidth } from './svg.js';
import { type Arrow, PITCH } from './timeline.js';

/** Pixels of a program's bar. */
export const BAR_WIDTH = 14;

/** Where the programs stand. */
export interface ProgramColumns {
  stories: Story[];
  arrows: Arrow[];
  /** the middle of a program's bar */
  x: (program: number) => number;
  /** from one bar to the next */
  gap: number;
  width: number;
}

/** Pixels on the left where times stand. */
const GUTTER_EDGE = 4;

/** Pixels that a label has at least: where columns are narrow, it goes on over the bars beside its arrow. */
const LABEL_WIDTH = 150;

export function arrowOf(columns: ProgramColumns, arrow: Arrow, i: number): SVGElement {
  const { message, fromY, toY } = arrow;
  const [place, from, , to, toCall] = message;
  const kind = MESSAGE_KINDS[place] ?? 'data';
  const right = columns.x(to) > columns.x(from);
  const side = right ? 1 : -1;
  const [x1, x2] = [columns.x(from) + (side * BAR_WIDTH) / 2, columns.x(to) - side * (BAR_WIDTH / 2 + 1)];
  const receiver = columns.stories[to] as Story;
  const link = svg('a', {
    href: `#${to + 1}.${Math.max(receiver.first, receiver.stepOf(toCall))}`,
    class: `message ${kind}`,
    tabindex: -1,
    'data-arrow': i,
  });
  const angle = (Math.atan2(toY - fromY, x2 - x1) * 180) / Math.PI;
  link.append(
    svg('title', {}, arrowSentence(columns, arrow, kind)),
    svg('line', { class: 'hit', x1, y1: fromY, x2, y2: toY }),
    svg('line', {
      class: 'way',
      x1,
      y1: fromY,
      x2: x2 - side * 6,
      y2: toY - ((toY - fromY) * 6) / Math.abs(x2 - x1),
    }),
    svg('path', {
      class: 'point',
      d: 'M0 0 l-11 -5.5 v11 z',
      transform: `translate(${x2} ${toY}) rotate(${angle})`,
    }),
    ...takenMark(kind, columns.x(to), toY),
    ...(isRepeated(columns, i, right) ? [] : [labelOfArrow(columns, arrow, kind, x1 + side * 9, right)]),
  );
  return link;
}

/** Whether the arrow before says the same to another on this side: once is enough. */
function isRepeated(columns: ProgramColumns, i: number, right: boolean): boolean {
  const [arrow, before] = [columns.arrows[i], columns.arrows[i - 1]];
  if (!arrow || !before || before.message[0] !== arrow.message[0]) return false;
  const [, from, , to, , bytes] = arrow.message;
  const isNear = arrow.fromY - before.fromY <= PITCH;
  const isSame = before.message[1] === from && before.message[5] === bytes && to !== before.message[3];
  const wasRight = columns.x(before.message[3]) > columns.x(from);
  return (
    isNear &&
    isSame &&
    wasRight === right &&
    textSent(columns, before.message) === textSent(columns, arrow.message)
  );
}

/** A dot where bytes are received, a cross where the end is. */
function takenMark(kind: string, x: number, y: number): SVGElement[] {
  if (kind === 'end')
    return [svg('path', { class: 'cross onbar', d: `M${x - 4} ${y - 4} l8 8 m0 -8 l-8 8` })];
  return [svg('circle', { class: 'dot onbar', cx: x, cy: y, r: 4.5 })];
}

function labelOfArrow(
  columns: ProgramColumns,
  { message, fromY }: Arrow,
  kind: string,
  x: number,
  right: boolean,
): SVGElement {
  const own = columns.gap - BAR_WIDTH - 26;
  const room = Math.max(own, Math.min(LABEL_WIDTH, right ? columns.width - x - 4 : x - GUTTER_EDGE));
  const label = svg('text', { class: 'what', x, y: fromY - 5, 'text-anchor': right ? 'start' : 'end' });
  if (kind !== 'data') {
    label.append(fitted(kind === 'connect' ? 'connects' : 'closes', room, 13));
    return label;
  }
  const bytes = bytesText(message[5]);
  const text = textSent(columns, message);
  const hasBoth = textWidth(text, 13, 400, true) + 8 + textWidth(bytes, 13) <= own;
  if (text !== '') label.append(svg('tspan', { class: 'said' }, fitted(text, room, 13, 400, true)));
  if (text === '' || hasBoth) label.append(svg('tspan', { dx: text ? 8 : 0 }, bytes));
  return label;
}

function textSent(columns: ProgramColumns, [, from, fromCall]: Message): string {
  return (columns.stories[from]?.call(fromCall).text ?? '').trim().split('\n')[0] ?? '';
}

/** `client.py alice sends 17 bytes to server.py: hello` */
function arrowSentence(columns: ProgramColumns, { message, fromAt, toAt }: Arrow, kind: string): string {
  const [, from, , to, , bytes] = message;
  const [sender, receiver] = [from, to].map((program) => columns.stories[program]?.data.program ?? '');
  if (kind === 'connect') return `${sender} connects to ${receiver}`;
  if (kind === 'end') return `${sender} closes its connection to ${receiver}`;
  const took = shortDuration(toAt - fromAt);
  return `${sender} sends ${bytesText(bytes)} to ${receiver}: ${textSent(columns, message)}. Received ${took} later`;
}
