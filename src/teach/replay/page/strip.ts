/** The strip: the run, or a part of it, true to scale. A canvas, for it may have a hundred thousand marks. */
import type { Story } from '../../story/story.js';
import { Brush } from './brush.js';
import {
  AXIS,
  LANES_TOP,
  RunDrawing,
  type StripOptions,
  type StripView,
  stripHeight,
} from './run-drawing.js';

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
    const zoom = Number(getComputedStyle(document.body).zoom) || 1; // on a projector the page is larger
    const scale = (window.devicePixelRatio || 1) * zoom;
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
    this.#edges(brush, options, LANES_TOP, height - AXIS + 4); // under the marks that stand on them
    context.drawImage(this.#marksLayer(story, options, width, height, scale), 0, 0, width, height);
    this.#edges(brush, options, 0, LANES_TOP);
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
    new RunDrawing(this.#x, options).draw(brush, story, options, height);
    return this.#layer;
  }

  #edges(brush: Brush, { chosen }: StripOptions, top: number, bottom: number): void {
    for (const edge of [chosen.from, chosen.to])
      brush.rect('--ink', this.placeOf(edge) - 0.75, top, 1.5, bottom - top);
  }

  #chosen(brush: Brush, { chosen }: StripOptions, height: number): void {
    const [from, to] = [this.placeOf(chosen.from), this.placeOf(chosen.to)];
    brush.rect('--kernel', from, 0, Math.max(to - from, 2), height - AXIS + 4);
  }
}
