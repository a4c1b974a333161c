/** A step as lines of text: for a terminal of some size, and in full. */
import { styleText } from 'node:util';
import { picture } from '../explain.js';
import { type Row, type Step, type Story, stateOf } from './story.js';

export interface Size {
  columns: number;
  rows: number;
}

/** A part of the screen. */
interface Block {
  title?: string;
  lines: string[];
  /** Lines that it gets before others get more. */
  least: number;
  /** What it shows if there is no room for all: its beginning or its end. */
  keeps: 'head' | 'tail';
}

/** Columns of a cell of the table. */
const CELL = 40;

const bold = (text: string) => styleText('bold', text, { validateStream: false });
const dim = (text: string) => styleText('dim', text, { validateStream: false });

/** A step on a terminal: at most as many lines as it has rows, but for the last. */
export function screen(story: Story, step: Step, { columns, rows }: Size): string[] {
  const place = `step ${step.number} of ${story.length}`;
  const room = Math.max(0, columns - place.length - 2);
  const top = [`${bold(cut(story.program, room).padEnd(room))}  ${place}`, dim(story.notes.join('; '))];
  const printed = step.output.replace(/\n$/, '').split('\n');
  const wait: Block[] = [
    { lines: happened(step), least: 5, keeps: 'head' },
    { lines: reasons(step).map(bold), least: 3, keeps: 'head' },
  ];
  const needs = wait.reduce((sum, { lines, least }) => sum + Math.min(lines.length, least), 0);
  if (needs > rows - top.length - 1) return [top[0], ...short(step, rows - 2)];
  const blocks: Block[] = [
    ...wait,
    { title: step.wait ? 'then' : 'calls', lines: step.sentences, least: 4, keeps: 'head' },
    {
      title: 'descriptors: ● ready ○ waited for',
      lines: table(step.table, columns),
      least: 4,
      keeps: 'head',
    },
    { title: 'the program has printed', lines: printed, least: 3, keeps: 'tail' },
  ];
  return [...top, ...share(blocks, rows - top.length - 1, columns)];
}

/** A step where there is no room for it: its sentences, a row of bits at least, and their ruler if all fits. */
function short(step: Step, rows: number): string[] {
  const [wait, ...picture] = happened(step);
  const why = shortened({ lines: reasons(step).map(bold), keeps: 'head' }, Math.max(rows - 2, 1));
  const isRuler = (i: number) => i % (step.bits.length + 1) === 0;
  const fits = 1 + why.length + picture.length <= rows;
  const bits = fits ? picture : picture.filter((_, i) => !isRuler(i));
  return [wait, ...why, ...bits].slice(0, Math.max(rows, 0));
}

/** A step in full, with what it has printed. */
export function paragraph({ length }: Story, step: Step): string {
  const printed = step.output.slice(step.output.length - step.printed);
  const lines = [
    `step ${step.number} of ${length}`,
    ...happened(step),
    ...reasons(step),
    ...step.sentences.map((sentence) => `  ${sentence}`),
    ...printed.split('\n').flatMap((line) => (line ? `  > ${line}` : [])),
  ];
  return `${lines.join('\n')}\n\n`;
}

/** The wait, and the bits before and after. */
function happened({ wait, bits }: Step): string[] {
  if (!wait) return ['before the first wait'];
  return [
    `${wait.call} ${wait.patience}, at ${wait.at.toFixed(3)} s: ${wait.outcome}`,
    ...picture(bits, wait.nfds),
  ];
}

function reasons({ wait }: Step): string[] {
  return (wait?.reasons ?? []).map((reason) => `  ${reason}`);
}

/** In columns, from top to bottom; what is ready stands out. */
function table(rows: Row[], columns: number): string[] {
  const cells = rows.map((row) => {
    const waits = row.waits
      .map((purpose) => `${row.ready.includes(purpose) ? '●' : '○'} ${purpose}`)
      .join(' ');
    const cell = cut(`${String(row.fd).padStart(3)} ${waits.padEnd(7)} ${stateOf(row)}`, CELL - 2).padEnd(
      CELL,
    );
    return row.ready.length > 0 ? bold(cell) : cell;
  });
  const height = Math.ceil(cells.length / Math.max(1, Math.floor(columns / CELL)));
  return cells.slice(0, height).map((_, i) => cells.filter((_, j) => j % height === i).join(''));
}

/** Gives each block its least, and the rest in their order. */
function share(blocks: Block[], rows: number, columns: number): string[] {
  const given = blocks.map(({ lines, least }) => Math.min(lines.length, least));
  const titles = blocks.filter(({ title }) => title).length;
  let rest = rows - titles - given.reduce((sum, lines) => sum + lines, 0);
  for (const [i, { lines }] of blocks.entries()) {
    const more = Math.min(Math.max(rest, 0), lines.length - given[i]);
    given[i] += more;
    rest -= more;
  }
  const lines = blocks.flatMap((block, i) => {
    const rule = block.title ? [dim(`── ${block.title} `.padEnd(columns, '─'))] : [];
    return [...rule, ...shortened(block, given[i])];
  });
  return lines.slice(0, Math.max(rows, 0));
}

function shortened({ lines, keeps }: Pick<Block, 'lines' | 'keeps'>, count: number): string[] {
  if (lines.length <= count) return lines;
  if (count === 1 && keeps === 'head') return lines.slice(0, 1);
  if (keeps === 'tail') return lines.slice(lines.length - count);
  return [...lines.slice(0, count - 1), dim(`… and ${lines.length - count + 1} more`)];
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, Math.max(room - 1, 0))}…` : text;
}
