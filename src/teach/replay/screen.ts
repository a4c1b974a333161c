/** A step as lines of text: for a terminal of some size, and in full. */
import { styleText } from 'node:util';
import { padTo, truncate, wrap } from '../text.js';
import { pictures } from '../trace/explain.js';
import { type Row, type Step, stateOf, type Timeline } from './timeline.js';

export interface Size {
  columns: number;
  rows: number;
}

/** A part of the screen. */
interface Block {
  title?: string;
  lines: string[];
  /** Lines that it gets before other blocks get more. */
  minLines: number;
  /** The part that is shown where there is no room for all. */
  keeps: 'head' | 'tail';
}

/** Columns of a cell of the table. */
const CELL_COLUMNS = 40;

const bold = (text: string) => styleText('bold', text, { validateStream: false });
const dim = (text: string) => styleText('dim', text, { validateStream: false });

/** A step on a terminal: at most as many lines as it has rows, but for the last. */
export function screen(timeline: Timeline, step: Step, size: Size): string[] {
  return parts(timeline, step, size).map((line) => truncate(line, size.columns));
}

function parts(timeline: Timeline, step: Step, { columns, rows }: Size): string[] {
  const place = `step ${step.number} of ${timeline.length}`;
  const room = Math.max(0, columns - place.length - 2);
  const top = [
    `${bold(padTo(truncate(timeline.program, room), room))}  ${place}`,
    dim(timeline.notes.join('; ')),
  ];
  const printed = step.output.replace(/\n$/, '').split('\n');
  const head = wrap(heading(step), columns);
  const bits = bitsOf(step, { columns, rows });
  const part = step.bits.length + 1;
  const minLines = head.length + Math.min(bits.length, part + 1); // a part, and the line for the rest
  const wait: Block[] = [
    { lines: [...head, ...bits], minLines, keeps: 'head' },
    { lines: reasons(step, columns).map(bold), minLines: 3, keeps: 'head' },
  ];
  const needs = wait.reduce((sum, { lines, minLines }) => sum + Math.min(lines.length, minLines), 0);
  if (needs > rows - top.length - 1) return [...top.slice(0, 1), ...short(step, { columns, rows: rows - 2 })];
  const blocks: Block[] = [
    ...wait,
    { title: step.wait ? 'then' : 'calls', lines: step.sentences, minLines: 4, keeps: 'head' },
    {
      title: 'descriptors: ● ready ○ waited for',
      lines: table(step.table, columns),
      minLines: 4,
      keeps: 'head',
    },
    { title: 'the program has printed', lines: printed, minLines: 3, keeps: 'tail' },
  ];
  return [...top, ...share(blocks, rows - top.length - 1, columns)];
}

/** A step on a small screen: its sentences, and as much of the bits as fits. */
function short(step: Step, size: Size): string[] {
  const wait = heading(step);
  const part = step.bits.length + 1;
  const why = shortened(
    { lines: reasons(step, size.columns).map(bold), keeps: 'head' },
    Math.max(size.rows - 1 - part, 1),
  );
  const room = Math.max(size.rows - 1 - why.length, 0);
  const picture = bitsOf(step, size);
  const isRuler = (i: number) => i % part === 0;
  const bits = room < part ? picture.filter((_, i) => !isRuler(i)) : picture.slice(0, room - (room % part));
  return [wait, ...why, ...bits.slice(0, room)].slice(0, Math.max(size.rows, 0));
}

/** A step in full, with what it has printed. */
export function paragraph({ length }: Timeline, step: Step): string {
  const printed = step.output.slice(step.output.length - step.printed);
  const lines = [
    `step ${step.number} of ${length}`,
    heading(step),
    ...bitsOf(step),
    ...reasons(step),
    ...step.sentences.map((sentence) => `  ${sentence}`),
    ...printed.split('\n').flatMap((line) => (line ? `  > ${line}` : [])),
  ];
  return `${lines.join('\n')}\n\n`;
}

function heading({ wait }: Step): string {
  if (!wait) return 'before the first wait';
  return `${wait.call} ${wait.timeout}, at ${wait.at.toFixed(3)} s: ${wait.outcome}`;
}

/** The bits before and after. Where they would fill a screen, those of what is ready come first. */
function bitsOf({ bits, wait }: Step, size?: Size): string[] {
  const parts = pictures(bits, wait?.nfds ?? 0, size?.columns);
  const lines = parts.flatMap(({ lines }) => lines);
  if (!size || lines.length < size.rows / 2) return lines;
  return parts.sort((a, b) => Number(b.isReady) - Number(a.isReady)).flatMap(({ lines }) => lines);
}

function reasons({ wait }: Step, columns = Number.POSITIVE_INFINITY): string[] {
  return (wait?.reasons ?? []).flatMap((reason) => wrap(`  ${reason}`, columns));
}

/** In columns, from top to bottom; what is ready stands out. */
function table(rows: Row[], columns: number): string[] {
  const cells = rows.map((row) => {
    const waits = row.waits
      .map((purpose) => `${row.ready.includes(purpose) ? '●' : '○'} ${purpose}`)
      .join(' ');
    const text = `${String(row.fd).padStart(3)} ${waits.padEnd(7)} ${stateOf(row)}`;
    const cell = padTo(truncate(text, CELL_COLUMNS - 2), CELL_COLUMNS);
    return row.ready.length > 0 ? bold(cell) : cell;
  });
  const height = Math.ceil(cells.length / Math.max(1, Math.floor(columns / CELL_COLUMNS)));
  return cells.slice(0, height).map((_, i) => cells.filter((_, j) => j % height === i).join(''));
}

/** Gives each block its minimum, and the remaining rows to the blocks in their order. */
function share(blocks: Block[], rows: number, columns: number): string[] {
  const counts = blocks.map(({ lines, minLines }) => Math.min(lines.length, minLines));
  const titles = blocks.filter(({ title }) => title).length;
  let rest = rows - titles - counts.reduce((sum, lines) => sum + lines, 0);
  for (const [i, { lines }] of blocks.entries()) {
    const more = Math.min(Math.max(rest, 0), lines.length - (counts[i] ?? 0));
    counts[i] = (counts[i] ?? 0) + more;
    rest -= more;
  }
  const lines = blocks.flatMap((block, i) => {
    const rule = block.title ? [dim(`── ${block.title} `.padEnd(columns, '─'))] : [];
    return [...rule, ...shortened(block, counts[i] ?? 0)];
  });
  return lines.slice(0, Math.max(rows, 0));
}

function shortened({ lines, keeps }: Pick<Block, 'lines' | 'keeps'>, count: number): string[] {
  if (lines.length <= count) return lines;
  if (count === 1 && keeps === 'head') return lines.slice(0, 1);
  if (keeps === 'tail') return lines.slice(lines.length - count);
  return [...lines.slice(0, count - 1), dim(`… and ${lines.length - count + 1} more`)];
}
