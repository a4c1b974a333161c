/** What a strip draws of the run: sleep and work, a lane for each descriptor with its marks, the axis of time. */
import { arrivalOf } from '../../story/sentences.js';
import type { Story } from '../../story/story.js';
import type { Brush } from './brush.js';
import { fittedName, textWidth } from './svg.js';

export interface StripView {
  /** seconds */
  from: number;
  to: number;
}

export interface StripOptions {
  title: string;
  view: StripView;
  /** the chosen wait, or the part of the run that the strip above shows */
  chosen: StripView;
  /** Marks after the wait are hidden: what comes is to be predicted. */
  hideAfter: number | null;
  /** the lives that have a lane */
  lanes: number[];
  /** where the columns begin */
  left: number;
  right: number;
  label: number;
}

const BAR = 18;
const LANE = 12.5;
/** With more lanes the strip becomes a punch card. */
const MAX_LANES = 12;
const CARD_HEIGHT = 84;
export const AXIS = 26;
/** Half of a mark's width. */
const HALF_MARK = 5;
/** The height of the bar, and where the lanes begin. */
export const LANES_TOP = BAR + 4;
/** With more waits a lane shows how often something came, and no single marks. */
const MAX_MARKED_WAITS = 1000;

export function stripHeight(lanes: number): number {
  return BAR + 8 + (lanes > MAX_LANES ? CARD_HEIGHT : lanes * LANE) + AXIS;
}

/** Draws a part of the run with a brush. */
export class RunDrawing {
  readonly #x: (seconds: number) => number;
  readonly #left: number;
  readonly #right: number;

  /** @param x the place of a time, which may lie outside of the strip */
  constructor(x: (seconds: number) => number, { left, right }: StripOptions) {
    this.#x = x;
    this.#left = left;
    this.#right = right;
  }

  draw(brush: Brush, story: Story, options: StripOptions, height: number): void {
    this.#bar(brush, story, options);
    this.#labels(brush, story, options);
    this.#marks(brush, story, options);
    if (!story.data.isUntimed) this.#axis(brush, story.beginsAt, options, height);
  }

  #placeOf(seconds: number): number {
    return Math.min(this.#right, Math.max(this.#left, this.#x(seconds)));
  }

  /** The middle of a mark, which does not hang over the edge; undefined outside of the strip. */
  #markAt(seconds: number): number | undefined {
    const x = this.#x(seconds);
    if (x < this.#left - 1 || x > this.#right + 1) return undefined;
    return Math.min(this.#right - HALF_MARK, Math.max(this.#left + HALF_MARK, x));
  }

  /** Sleep is pale, work is dark; of many waits each pixel has its share. */
  #bar(brush: Brush, story: Story, { title, view, label, left, right }: StripOptions): void {
    brush.text(title, label, 13, 'strong');
    const titleEnd = label + textWidth(title, 14, 700) + 5;
    const scale = story.data.isUntimed ? 'in order' : 'to scale'; // as the bar of the wait is not
    if (titleEnd + textWidth(scale, 13) <= left - 2) brush.text(scale, titleEnd, 13, 'lane');
    brush.rect('--asleep', left, 0, right - left, BAR);
    const [first, last] = stepsIn(story, view);
    if (last - first > right - left) this.#shares(brush, story, first, last, left, right);
    else {
      for (let number = first; number <= last; number++) {
        const from = number === 0 ? story.beginsAt : story.at(number) + story.took(number);
        const to = story.at(number + 1);
        const x = this.#placeOf(from);
        if (from <= view.to && to >= view.from)
          brush.rect('--ink', x - 0.75, 0, Math.max(this.#placeOf(to) - x, 1.75), BAR);
      }
    }
  }

  #shares(brush: Brush, story: Story, first: number, last: number, left: number, right: number): void {
    const work = new Float64Array(Math.ceil(right - left) + 1);
    for (let number = first; number <= last; number++) {
      const from = this.#x(story.at(number) + story.took(number)) - left;
      const to = this.#x(story.at(number + 1)) - left;
      for (let pixel = Math.floor(from); pixel <= to; pixel++) {
        const share = Math.min(to, pixel + 1) - Math.max(from, pixel);
        if (pixel >= 0 && pixel < work.length) work[pixel] = (work[pixel] ?? 0) + Math.max(0, share);
      }
    }
    for (const [pixel, share] of work.entries())
      brush.rect('--ink', left + pixel, 0, 1, BAR, Math.min(1, share));
  }

  #labels(brush: Brush, story: Story, { lanes, label, left }: StripOptions): void {
    const isCard = lanes.length > MAX_LANES;
    for (const [i, life] of lanes.entries()) {
      const { from, to, name } = story.life(life);
      const y = laneMiddle(i, lanes.length);
      const begin = from < 0 ? story.beginsAt : story.call(from).at;
      const end = to === null ? story.beginsAt + story.seconds : story.call(to).at;
      if (!isCard)
        brush.rect(
          '--hair',
          this.#placeOf(begin),
          y - 0.5,
          Math.max(0, this.#placeOf(end) - this.#placeOf(begin)),
          1,
        );
      const isShown = !isCard || i === 0 || i === lanes.length - 1;
      if (isShown) brush.text(fittedName(name, left - label - 10, 13), label, y + 4, 'lane');
    }
  }

  #marks(brush: Brush, story: Story, { view, lanes, hideAfter }: StripOptions): void {
    const lane = new Map(lanes.map((life, i) => [life, i] as const));
    const isCard = lanes.length > MAX_LANES;
    const [first, last] = stepsIn(story, view);
    if (!isCard && last - first > MAX_MARKED_WAITS) {
      this.#heights(brush, story, first, last, lane, lanes.length);
      return;
    }
    for (let number = Math.max(first, 1); number <= last; number++) {
      if (hideAfter !== null && number >= hideAfter) break;
      const wait = story.wait(number);
      if (!wait) continue;
      if (!isCard) this.#sends(brush, story, number, lane, lanes.length);
      const x = this.#markAt(wait.at + wait.took);
      for (const reason of wait.reasons) {
        const i = lane.get(reason.life);
        if (i === undefined || x === undefined) continue;
        const y = laneMiddle(i, lanes.length);
        if (isCard) brush.rect('--came', x - 1.5, y - 0.9, 3, 1.8);
        else if (['end', 'reset'].includes(arrivalOf(reason))) brush.cross(x, y);
        else if (reason.set !== 'write') brush.dot(x, y);
      }
    }
  }

  /** Of very many waits, how often each lane had something: a bar for each pixel. */
  #heights(
    brush: Brush,
    story: Story,
    first: number,
    last: number,
    lane: Map<number, number>,
    lanes: number,
  ): void {
    const width = Math.ceil(this.#right - this.#left) + 1;
    const counts = Array.from({ length: lanes }, () => new Uint32Array(width));
    for (let number = Math.max(first, 1); number <= last; number++) {
      const pixel = Math.round(this.#x(story.at(number) + story.took(number)) - this.#left);
      for (const { life } of story.wait(number)?.reasons ?? []) {
        const row = counts[lane.get(life) ?? -1];
        if (row && pixel >= 0 && pixel < width) row[pixel] = (row[pixel] ?? 0) + 1;
      }
    }
    const most = Math.max(1, ...counts.map((lane) => Math.max(...lane)));
    for (const [i, pixels] of counts.entries()) {
      const bottom = laneMiddle(i, lanes);
      for (const [pixel, count] of pixels.entries()) {
        const height = count === 0 ? 0 : Math.max(1.5, (count / most) * (LANE - 1.5));
        brush.rect('--came', this.#left + pixel - 0.5, bottom - height, 1.5, height);
      }
    }
  }

  #sends(brush: Brush, story: Story, number: number, lane: Map<number, number>, lanes: number): void {
    const [first, end] = story.range(number);
    if (end - first > 200) return;
    for (const { name, life, at, errno } of story.step(number).calls) {
      const i = lane.get(life);
      const x = this.#markAt(at);
      if (i !== undefined && x !== undefined && errno === '' && /^(send|write)/.test(name))
        brush.head(x, laneMiddle(i, lanes));
    }
  }

  #axis(brush: Brush, origin: number, { view, left, right }: StripOptions, height: number): void {
    const step = tickStep((view.to - view.from) / Math.max(2, (right - left) / 110));
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const first = Math.ceil((view.from - origin) / step - 1e-9) * step;
    const ticks: number[] = [];
    for (let t = first; t <= view.to - origin + step * 1e-6; t += step) ticks.push(t);
    for (const [i, tick] of ticks.entries()) {
      const x = this.#x(origin + tick);
      const words = `${tick.toFixed(digits)}${i === 0 || i === ticks.length - 1 ? '\u00a0s' : ''}`;
      const width = textWidth(words, 13, 400, true);
      brush.rect('--quiet', x - 0.5, height - AXIS + 4, 1, 4);
      brush.text(words, Math.min(Math.max(x - width / 2, 0), right + 12 - width), height - 5, 'axis');
    }
  }
}

/** The steps that a view shows a part of. */
function stepsIn(story: Story, { from, to }: StripView): [first: number, last: number] {
  return [Math.max(0, stepAt(story, from)), Math.max(0, stepAt(story, to))];
}

function laneMiddle(i: number, lanes: number): number {
  if (lanes > MAX_LANES) return BAR + 8 + (i + 0.5) * (CARD_HEIGHT / lanes);
  return BAR + 14 + i * LANE;
}

/** 1, 2 or 5 times a power of ten. */
function tickStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const part = rough / power;
  return (part > 5 ? 10 : part > 2 ? 5 : part > 1 ? 2 : 1) * power;
}

/** The last step that begins at a time or before. */
export function stepAt(story: Story, seconds: number): number {
  let low = 0;
  let high = story.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (story.at(middle) <= seconds) low = middle;
    else high = middle - 1;
  }
  return low;
}
