/** The strip: the run, or a part of it, true to scale. A canvas, for it may have a hundred thousand marks. */
import { arrivalOf } from '../sentences.js';
import type { Story } from '../story.js';
import { fitted, textWidth } from './svg.js';

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
const AXIS = 26;
/** With more waits a lane shows how often something came, and no single marks. */
const MAX_MARKED_WAITS = 1000;

export function stripHeight(lanes: number): number {
  return BAR + 8 + (lanes > MAX_LANES ? CARD_HEIGHT : lanes * LANE) + AXIS;
}

export class Strip {
  readonly canvas: HTMLCanvasElement;
  readonly #layer = document.createElement('canvas');
  #layerKey = '';
  #layerStory: Story | undefined;
  #x: (seconds: number) => number = () => 0;
  #view: StripView = { from: 0, to: 1 };
  #left = 0;
  #right = 1;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  /** The time under a place, in seconds. */
  timeAt(x: number): number {
    const part = (x - this.#left) / (this.#right - this.#left);
    return this.#view.from + part * (this.#view.to - this.#view.from);
  }

  /** The place of a time. */
  placeOf(seconds: number): number {
    return Math.min(this.#right, Math.max(this.#left, this.#x(seconds)));
  }

  draw(story: Story, width: number, options: StripOptions): void {
    const { view, left, right, lanes } = options;
    const height = stripHeight(lanes.length);
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext('2d');
    if (!context) return;
    this.#view = view;
    this.#left = left;
    this.#right = right;
    this.#x = (seconds) => left + ((seconds - view.from) / (view.to - view.from || 1)) * (right - left);
    context.scale(scale, scale);
    const brush = new Brush(context, this.canvas);
    this.#chosen(brush, options, height);
    context.drawImage(this.#marksLayer(story, options, width, height, scale), 0, 0, width, height);
    this.#edges(brush, options, height);
  }

  /** All but what is chosen: it stays the same from wait to wait. */
  #marksLayer(
    story: Story,
    options: StripOptions,
    width: number,
    height: number,
    scale: number,
  ): HTMLCanvasElement {
    const { view, hideAfter, title, lanes } = options;
    const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
    const parts = [width, scale, view.from, view.to, hideAfter, title, lanes.length, isDark];
    const key = [...parts, document.fonts?.status, story.length].join();
    if (key === this.#layerKey && story === this.#layerStory) return this.#layer;
    this.#layerKey = key;
    this.#layerStory = story;
    this.#layer.width = this.canvas.width;
    this.#layer.height = this.canvas.height;
    const context = this.#layer.getContext('2d');
    if (!context) return this.#layer;
    context.scale(scale, scale);
    const brush = new Brush(context, this.canvas);
    this.#bar(brush, story, options);
    this.#labels(brush, story, options);
    this.#marks(brush, story, options);
    this.#axis(brush, story.beginsAt, options, height);
    return this.#layer;
  }

  #edges(brush: Brush, { chosen }: StripOptions, height: number): void {
    for (const edge of [chosen.from, chosen.to])
      brush.rect('--ink', this.placeOf(edge) - 0.75, 0, 1.5, height - AXIS + 4);
  }

  #chosen(brush: Brush, { chosen }: StripOptions, height: number): void {
    const [from, to] = [this.placeOf(chosen.from), this.placeOf(chosen.to)];
    brush.rect('--kernel', from, 0, Math.max(to - from, 2), height - AXIS + 4);
  }

  /** Sleep is pale, work is dark; of many waits each pixel has its share. */
  #bar(brush: Brush, story: Story, { title, view, label, left, right }: StripOptions): void {
    brush.text(title, label, 13, 'strong');
    brush.rect('--asleep', left, 0, right - left, BAR);
    const [first, last] = stepsIn(story, view);
    if (last - first > right - left) this.#shares(brush, story, first, last, left, right);
    else {
      for (let number = first; number <= last; number++) {
        const from = number === 0 ? story.beginsAt : story.at(number) + story.took(number);
        const to = story.at(number + 1);
        const x = this.placeOf(from);
        if (from <= view.to && to >= view.from)
          brush.rect('--ink', x - 0.75, 0, Math.max(this.placeOf(to) - x, 1.75), BAR);
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
          this.placeOf(begin),
          y - 0.5,
          Math.max(0, this.placeOf(end) - this.placeOf(begin)),
          1,
        );
      const isShown = !isCard || i === 0 || i === lanes.length - 1;
      if (isShown) brush.text(fitted(name, left - label - 10, 13), label, y + 4, 'lane');
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
      const x = this.#x(wait.at + wait.took);
      if (!isCard) this.#sends(brush, story, number, lane, lanes.length);
      for (const reason of wait.reasons) {
        const i = lane.get(reason.life);
        if (i === undefined || x < this.#left - 4 || x > this.#right + 4) continue;
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
      if (i !== undefined && errno === '' && /^(send|write)/.test(name))
        brush.rect('--asked', this.#x(at) - 0.75, laneMiddle(i, lanes) - 1, 1.75, 5);
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

/** Draws in the colours of the style sheet. */
class Brush {
  readonly #context: CanvasRenderingContext2D;
  readonly #style: CSSStyleDeclaration;

  constructor(context: CanvasRenderingContext2D, element: Element) {
    this.#context = context;
    this.#style = getComputedStyle(element);
  }

  rect(colour: string, x: number, y: number, width: number, height: number, alpha = 1): void {
    if (alpha <= 0 || width <= 0) return;
    this.#use(colour);
    this.#context.globalAlpha = alpha;
    this.#context.fillRect(x, y, width, height);
    this.#context.globalAlpha = 1;
  }

  dot(x: number, y: number): void {
    this.#use('--came');
    this.#context.beginPath();
    this.#context.arc(x, y, 3.6, 0, 2 * Math.PI);
    this.#context.fill();
  }

  cross(x: number, y: number): void {
    this.#context.strokeStyle = this.#style.getPropertyValue('--came');
    this.#context.lineWidth = 2;
    this.#context.beginPath();
    for (const sign of [1, -1]) {
      this.#context.moveTo(x - 4, y - 4 * sign);
      this.#context.lineTo(x + 4, y + 4 * sign);
    }
    this.#context.stroke();
  }

  text(words: string, x: number, y: number, kind: 'strong' | 'lane' | 'axis'): void {
    this.#use(kind === 'strong' ? '--ink' : '--quiet');
    const family = this.#style.getPropertyValue(kind === 'axis' ? '--mono' : '--sans');
    this.#context.font = `${kind === 'strong' ? '700 14px' : '400 13px'} ${family}`;
    this.#context.fillText(words, x, y);
  }

  #use(colour: string): void {
    this.#context.fillStyle = this.#style.getPropertyValue(colour);
  }
}
