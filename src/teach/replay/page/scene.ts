/** What the picture of a wait is made of: the wait, its rows, and where the columns and the rows stand. */
import { SET_NAMES, type SetName, type Story, type StoryStep, type StoryWait } from '../../story/story.js';
import { type Placed, placeMarks } from './marks.js';
import type { PictureRow } from './rows.js';
import { svg } from './svg.js';

/** Where the columns begin, and the end of the last. */
export interface Columns {
  label: number;
  question: number;
  sleep: number;
  answer: number;
  work: number;
  end: number;
  isNarrow: boolean;
}

/** What a student predicts: the descriptors that will be ready, as `life:set`. */
export interface Prediction {
  picks: Set<string>;
  toggle: (key: string) => void;
}

export interface Scene {
  story: Story;
  step: StoryStep;
  wait: StoryWait;
  rows: PictureRow[];
  columns: Columns;
  prediction: Prediction | null;
  /** The middle of each row. */
  middles: number[];
  height: number;
  /** The sets that the wait was given. */
  sets: SetName[];
  placed: Placed;
}

const ROW = 40;
const MANY_ROW = 66;
export const BAR_TOP = 42;
export const BAR_HEIGHT = 34;
export const KERNEL_TOP = BAR_TOP + BAR_HEIGHT + 24;
const FIRST_ROW = KERNEL_TOP + 54;
/** A bit in its box. */
export const BOX = 26;

export function columnsFor(width: number): Columns {
  const isNarrow = width < 700;
  if (isNarrow) {
    const question = 102;
    const end = width - 14;
    const part = (end - question) / 4;
    return {
      label: 14,
      question,
      sleep: question + part,
      answer: question + part * 2.2,
      work: question + part * 3.15,
      end,
      isNarrow,
    };
  }
  const question = 166;
  const end = width - 16;
  const part = Math.max(136, Math.min(190, (end - question) * 0.164));
  return {
    label: 16,
    question,
    sleep: question + part,
    answer: question + 2 * part,
    work: question + 2 * part + Math.max(150, part * 1.12),
    end,
    isNarrow,
  };
}

/** The columns as those of a grid. */
export function widthsOf({ question, sleep, answer, work }: Columns): string {
  return `${question}px ${sleep - question}px ${answer - sleep}px ${work - answer}px 1fr`;
}

export function sceneOf(
  story: Story,
  step: StoryStep,
  rows: PictureRow[],
  columns: Columns,
  prediction: Prediction | null,
): Scene {
  const wait = step.wait as StoryWait;
  const middles: number[] = [];
  let y = FIRST_ROW;
  for (const { isMany } of rows) {
    const height = isMany ? MANY_ROW : ROW;
    middles.push(y + (height - ROW) / 2);
    y += height;
  }
  const sets = SET_NAMES.filter((set) => wait.asked[set] !== null);
  const isHidden = columns.isNarrow || prediction !== null;
  const placed = isHidden
    ? { marks: [], prints: [], hidden: 0 }
    : placeMarks(story, step.calls, rows, columns.work + 20, columns.end - 8);
  return { story, step, wait, rows, columns, prediction, middles, height: y - 12, sets, placed };
}

/** Where the bits of a set stand, from the beginning of a column. */
export function bitX(scene: Scene, set: SetName): number {
  const { question, sleep, isNarrow } = scene.columns;
  const i = Math.max(0, scene.sets.indexOf(set));
  const [first, last] = isNarrow ? [16, 17] : [25, 15];
  if (scene.sets.length < 2) return isNarrow ? 23 : first;
  return first + i * Math.min(78, (sleep - question - first - last) / (scene.sets.length - 1));
}

export function textAt(className: string, x: number, y: number, words: string): SVGElement {
  return svg('text', { class: className, x, y }, words);
}

export function arrow(className: string, x: number, from: number, to: number): SVGElement {
  const down = to > from;
  const line = svg('line', { class: className, x1: x, x2: x, y1: from, y2: down ? to - 8 : to + 8 });
  const head = svg('path', {
    class: `head-${className}`,
    d: `M${x - 6} ${down ? to - 9 : to + 9} h12 l-6 ${down ? 9 : -9} z`,
  });
  return svg('g', {}, line, head);
}
