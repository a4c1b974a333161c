/** The calls of a step as marks: arrows over the line between the program and the kernel, in the order of the calls. */
import { bytesText, countText } from '../../story/sentences.js';
import type { Story, StoryCall } from '../../story/story.js';
import type { PictureRow } from './rows.js';
import { fitted, textWidth } from './svg.js';

export interface Mark {
  kind: 'up' | 'down' | 'list' | 'close';
  /** rows, from top to bottom */
  rows: number[];
  /** the call, and its argument behind it */
  name: string;
  rest: string;
  /** what went over */
  data: string;
  /** how many calls it stands for */
  count: number;
  life: number;
  other: number;
  /** an accept's: the row of the new descriptor, and what stands there */
  opened: { row: number; name: string; fd: string } | null;
  x: number;
}

/** A line that the program prints. */
export interface Print {
  text: string;
  x: number;
  width: number;
}

export interface Placed {
  marks: Mark[];
  prints: Print[];
  /** calls that have no room */
  hidden: number;
}

/** Pixels between a mark and the next. */
const GAP = 18;
const LABEL_GAP = 11;

export function placeMarks(
  story: Story,
  calls: StoryCall[],
  rows: PictureRow[],
  from: number,
  to: number,
): Placed {
  const items = itemsOf(story, calls, rows);
  let placed: Placed = { marks: [], prints: [], hidden: 0 };
  for (const level of [0, 1, 2]) {
    placed = place(items, level, from, to);
    if (placed.hidden === 0) break;
  }
  return placed;
}

type Item = Mark | { kind: 'print'; text: string };

function itemsOf(story: Story, calls: StoryCall[], rows: PictureRow[]): Item[] {
  const rowOf = new Map<number, number>();
  for (const [i, { lives }] of rows.entries()) for (const life of lives) rowOf.set(life, i);
  const items: Item[] = [];
  for (const call of calls) {
    const item = itemOf(story, call, rowOf);
    const last = items.at(-1);
    if (!item) continue;
    if (item.kind === 'down' && last?.kind === 'down' && last.name === item.name && last.rest === item.rest) {
      last.rows = [...new Set([...last.rows, ...item.rows])].sort((a, b) => a - b);
      last.count++;
    } else items.push(item);
  }
  return items;
}

function itemOf(story: Story, call: StoryCall, rowOf: Map<number, number>): Item | null {
  const { name, life, other, result, errno, text } = call;
  if (errno === 'EAGAIN') return null;
  const mark = (kind: Mark['kind'], rest: string, data = '', on = life): Mark | null => {
    const row = rowOf.get(on);
    if (row === undefined) return null;
    return { kind, rows: [row], name, rest, data, count: 1, life, other, opened: null, x: 0 };
  };
  if (errno !== '' && errno !== 'EINPROGRESS')
    return /^re/.test(name) ? mark('up', errno) : /^(send|write)/.test(name) ? mark('down', errno) : null;
  if (/^(send|write)/.test(name) && story.life(life).kind === 'output')
    return text.trim() === '' ? null : { kind: 'print', text: text.trimEnd() };
  if (name === 'accept') {
    const accepted = mark('up', '');
    const row = rowOf.get(other);
    const { name: who, fd } = story.life(other);
    if (accepted && row !== undefined) accepted.opened = { row, name: who, fd: `, fd\u00a0${fd}` };
    return accepted;
  }
  if (/^(recv|read)/.test(name)) return mark('up', result === 0 ? '0: the end' : bytesText(result), text);
  if (/^(send|write)/.test(name)) return mark('down', bytesText(result));
  if (name === 'connect') return mark('down', '');
  if (name === 'close') return mark('close', '');
  if (name === 'epoll_ctl' || name === 'kevent') return mark('list', listWords(text), '', other);
  return null;
}

function listWords(text: string): string {
  if (/ADD/.test(text)) return 'on the list';
  return /DEL/.test(text) ? 'off the list' : 'changed';
}

/** @param level 0 in full, 1 without units, 2 without data */
function place(items: Item[], level: number, from: number, to: number): Placed {
  const placed: Placed = { marks: [], prints: [], hidden: 0 };
  /** To where each row is taken by labels. */
  const taken: number[] = [];
  let x = from;
  let printEnd = from;
  for (const [i, item] of items.entries()) {
    if (item.kind === 'print') {
      const width = Math.min(textWidth(item.text.split('\n')[0] ?? '', 15, 400, true) + 18, 320);
      const at = Math.max(x, printEnd + 8);
      if (at + 60 > to) continue;
      printEnd = Math.min(at + width, to);
      placed.prints.push({ text: item.text, x: at, width: printEnd - at });
      x += 6;
      continue;
    }
    const last = Math.max(...item.rows, item.opened?.row ?? 0);
    const crossed = Array.from(taken.slice(0, last + 1), (end = 0) => end + GAP - 4);
    const at = Math.max(x + (placed.marks.length > 0 ? GAP : 2), ...crossed);
    const label = labelOf(item, level);
    const width = LABEL_GAP + Math.max(labelWidth(label), openedWidth(label));
    if (at + width > to) {
      placed.hidden = items.length - i;
      break;
    }
    placed.marks.push({ ...label, x: at });
    for (const row of labelledRows(item)) taken[row] = at + LABEL_GAP + labelWidth(label);
    if (item.opened) taken[item.opened.row] = at + LABEL_GAP + openedWidth(label);
    x = at;
  }
  return placed;
}

/** The rows with a label: each that gets a send of its own; the last where more calls go to the same. */
export function labelledRows({ rows, count }: Pick<Mark, 'rows' | 'count'>): number[] {
  return count === rows.length ? rows : rows.slice(-1);
}

function labelOf(mark: Mark, level: number): Mark {
  const times = mark.count > mark.rows.length ? ` × ${countText(mark.count)}` : '';
  const rest = level > 0 ? mark.rest.replace(/\u00a0bytes?$/, '') : mark.rest;
  const data =
    level > 1 ? '' : fitted(mark.data.trim().split('\n')[0] ?? '', level > 0 ? 96 : 170, 14, 400, true);
  const opened = mark.opened && level > 0 ? { ...mark.opened, fd: '' } : mark.opened;
  return { ...mark, rest: rest + times, data, opened };
}

/** The word before the name of a new descriptor. */
export const NEW = 'new:';

function openedWidth({ opened }: Mark): number {
  return opened ? textWidth(NEW, 15, 700) + 4 + textWidth(opened.name + opened.fd, 15) + 6 : 0;
}

function labelWidth({ name, rest, data }: Mark): number {
  const line = textWidth(name, 15, 700) + (rest ? 4 + textWidth(rest, 15) : 0);
  return Math.max(line, data ? textWidth(data, 14, 400, true) : 0) + 6;
}
