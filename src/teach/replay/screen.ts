/** A wait as lines of text: for a terminal of some size, and in full. */
import { styleText } from 'node:util';
import type { SetRow } from '../recording/set-rows.js';
import { callWords, printedBy } from '../story/calls.js';
import { clausesText, heading, SENTENCE_NAMES, sentencesOf, summary } from '../story/sentences.js';
import { FD_SETS, SET_NAMES, type Story, type StoryCall, type StoryStep } from '../story/story.js';
import { padTo, truncate, wrap } from '../text.js';
import { pictures } from '../trace/explain.js';
import type { Place } from './chapters.js';

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

/** Columns before a sentence: `  1 The question  `. */
const SENTENCE_INDENT = 18;

/** Characters of the output that are shown. */
const MAX_OUTPUT_CHARS = 4000;

/** Rows of the table that are in the order of their descriptors; of more, ready ones come first. */
const MAX_ORDERED_ROWS = 16;

const bold = (text: string) => styleText('bold', text, { validateStream: false });
const dim = (text: string) => styleText('dim', text, { validateStream: false });

/** Sets by name, for select; by event for what knows only events. */
const EVENT_LABELS = { read: 'reading', write: 'writing', except: 'urgent' };

/** A wait on a terminal: at most as many lines as it has rows, but for the last. */
export function screen(place: Place, wait: string, size: Size): string[] {
  return parts(place, wait, size).map((line) => truncate(line, size.columns));
}

function parts({ story, number, output }: Place, wait: string, { columns, rows }: Size): string[] {
  const step = story.step(number);
  const room = Math.max(0, columns - wait.length - 2);
  const top = [
    `${bold(padTo(truncate(story.data.program, room), room))}  ${wait}`,
    dim(`${plain(summary(story))} ${story.data.notes.join('; ')}`),
  ];
  const words = sentenceLines(story, step, columns);
  const bits = bitLines(story, step, { columns, rows });
  const part = setRowsOf(story, step).length + 1;
  const first: Block[] = [
    { lines: [bold(titleOf(story, step))], minLines: 1, keeps: 'head' },
    { lines: words, minLines: Math.min(words.length, 5), keeps: 'head' },
    { lines: bits, minLines: Math.min(bits.length, part + 1), keeps: 'head' },
  ];
  const needs = first.reduce((sum, { lines, minLines }) => sum + Math.min(lines.length, minLines), 0);
  if (needs > rows - top.length - 1)
    return [...top.slice(0, 1), ...small(story, step, { columns, rows: rows - 2 })];
  const { before, own } = printedBy(story, number, MAX_OUTPUT_CHARS);
  const printed = `${output}${before}${own}`.slice(-MAX_OUTPUT_CHARS).replace(/\n$/, '').split('\n');
  const blocks: Block[] = [
    ...first,
    {
      title: 'the calls of this step',
      lines: step.calls.map((call) => callText(story, call)),
      minLines: 4,
      keeps: 'head',
    },
    {
      title: 'descriptors: ● ready ○ waited for',
      lines: table(story, step, columns),
      minLines: 4,
      keeps: 'head',
    },
    { title: 'on the screen so far', lines: printed, minLines: 3, keeps: 'tail' },
  ];
  return [...top, ...share(blocks, rows - top.length - 1, columns)];
}

/** A wait on a small screen: its answer, and as much of the bits as fits. */
function small(story: Story, step: StoryStep, size: Size): string[] {
  const { answer } = sentencesOf(story, step);
  const title = titleOf(story, step);
  const part = setRowsOf(story, step).length + 1;
  const why = wrap(`  ${plain(clausesText(answer))}`, size.columns).map(bold);
  const picture = bitLines(story, step, size);
  const room = Math.max(size.rows - 1 - why.length, 0);
  const bits =
    room < part ? picture.filter((_, i) => i % part !== 0) : picture.slice(0, room - (room % part));
  return [title, ...why, ...bits.slice(0, room)].slice(0, Math.max(size.rows, 0));
}

/** A wait in full, with what it has printed. */
export function paragraph({ story, number }: Place, wait: string): string {
  const step = story.step(number);
  const { own } = printedBy(story, number, 0);
  const lines = [
    wait,
    titleOf(story, step),
    ...sentenceLines(story, step, Number.POSITIVE_INFINITY),
    ...bitLines(story, step),
    ...step.calls.map((call) => `  ${callText(story, call)}`),
    ...own.split('\n').flatMap((line) => (line ? `  > ${line}` : [])),
  ];
  return `${lines.join('\n')}\n\n`;
}

function titleOf(story: Story, step: StoryStep): string {
  const { wait, number } = step;
  if (!wait) return 'before the first wait';
  const title =
    number === 1 ? sentencesOf(story, step).title : heading(story, number).replace(/^Wait [\d,]+: /, '');
  return plain(
    `${wait.call} ${story.data.isUntimed ? '' : `at ${(wait.at).toFixed(3)} s`}: ${title}`.replace(' :', ':'),
  );
}

/** Terminals have ordinary spaces. */
function plain(text: string): string {
  return text.replaceAll('\u00a0', ' ');
}

function sentenceLines(story: Story, step: StoryStep, columns: number): string[] {
  if (!step.wait) return [];
  const { question, sleep, answer, work } = sentencesOf(story, step);
  return [
    [SENTENCE_NAMES.question, question],
    [SENTENCE_NAMES.sleep, sleep],
    [SENTENCE_NAMES.answer, clausesText(answer)],
    [SENTENCE_NAMES.work, work],
  ].flatMap(([name = '', text = '']) =>
    wrap(plain(`  ${name.padEnd(SENTENCE_INDENT - 2)}${text}`), columns, SENTENCE_INDENT),
  );
}

/** The sets as bits; those of a list that the kernel keeps under the names of its events. */
function setRowsOf(story: Story, { wait }: StoryStep): SetRow[] {
  if (!wait) return [];
  const fds = (lives: number[] | null) => new Set((lives ?? []).map((life) => story.life(life).fd));
  const isSelect = wait.call === 'select';
  return SET_NAMES.flatMap((set) => {
    if (wait.asked[set] === null) return [];
    const before: SetRow = {
      label: isSelect ? FD_SETS[set] : EVENT_LABELS[set],
      fds: fds(wait.asked[set]),
      when: 'before',
    };
    const hasAfter = wait.errno === '' && !wait.isUnfinished;
    return hasAfter ? [before, { label: '', fds: fds(wait.ready[set]), when: 'after' }] : [before];
  });
}

/** The bits before and after. Where they would fill a screen, those of what is ready come first. */
function bitLines(story: Story, step: StoryStep, size?: Size): string[] {
  const parts = pictures(setRowsOf(story, step), step.wait?.nfds ?? 0, size?.columns);
  const lines = parts.flatMap(({ lines }) => lines);
  if (!size || lines.length < size.rows / 2) return lines;
  return parts.sort((a, b) => Number(b.isReady) - Number(a.isReady)).flatMap(({ lines }) => lines);
}

/** `recv 26 alice: 17 bytes hello` */
function callText(story: Story, call: StoryCall): string {
  const { name, rest, data } = callWords(story, call);
  return plain(`${name}${rest} ${data.trimEnd().split('\n')[0]}`.trimEnd());
}

/** In columns, from top to bottom; what is ready stands out. */
function table(story: Story, step: StoryStep, columns: number): string[] {
  const { wait, number } = step;
  const rows = story.data.lives.flatMap((_, i) => {
    if (story.state(i, number) !== 'open') return [];
    const life = story.life(i);
    const sets = SET_NAMES.filter((set) => wait?.asked[set]?.includes(i));
    const ready = sets.filter((set) => wait?.ready[set]?.includes(i));
    const words = sets.map((set) => `${ready.includes(set) ? '●' : '○'} ${set}`).join(' ');
    return [
      {
        fd: life.fd,
        isReady: ready.length > 0,
        text: `${String(life.fd).padStart(3)} ${words.padEnd(7)} ${plain(life.name)}`,
      },
    ];
  });
  const isMany = rows.length > MAX_ORDERED_ROWS;
  rows.sort((a, b) => (isMany ? Number(b.isReady) - Number(a.isReady) : 0) || a.fd - b.fd);
  const cells = rows.map(({ isReady, text }) => {
    const cell = padTo(truncate(text, CELL_COLUMNS - 2), CELL_COLUMNS);
    return isReady ? bold(cell) : cell;
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
    const count = counts[i] ?? 0;
    const more = Math.min(Math.max(rest, 0), lines.length - count);
    counts[i] = count + more;
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
