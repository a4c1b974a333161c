/** The run below the picture: which part of it is shown, by zoom and drag, and the wedges that lead up to the wait. */
import type { Story } from '../../story/story.js';
import { type StripOptions, type StripView, stepAt, stripHeight } from './run-drawing.js';
import { columnsFor } from './scene.js';
import { Strip } from './strip.js';
import { byId } from './svg.js';

/** Waits that a window shows of a long run. */
const WINDOW_WAITS = 36;

/** Waits from which on a run has a window. */
const LONG_WAITS = 200;

/** Pixels of the wedge's height. */
const WEDGE = 22;

/** A part that is longer than the run by less is the whole run: seconds. */
const TOLERANCE_S = 1e-9;

export class RunView {
  #story: Story;
  #lanes: number[];
  #at = 1;
  #hideAfter: number | null = null;
  #view: StripView;
  readonly #whole = new Strip(byId<HTMLCanvasElement>('whole'));
  readonly #window = new Strip(byId<HTMLCanvasElement>('window'));
  #wasDragged = false;

  /** @param go is called with the wait that was clicked */
  constructor(story: Story, lanes: number[], go: (number: number) => void) {
    this.#story = story;
    this.#lanes = lanes;
    this.#view = this.#wholeView();
    for (const strip of [this.#whole, this.#window])
      strip.canvas.addEventListener('click', ({ offsetX }) => {
        if (!this.#wasDragged) go(Math.max(1, stepAt(this.#story, strip.timeAt(offsetX))));
      });
    for (const strip of [this.#whole, this.#window]) {
      this.#addWheel(strip);
      this.#addDrag(strip);
      strip.canvas.addEventListener('dblclick', () => {
        if (strip === this.#zoomed) this.#setView(this.#wholeView());
      });
    }
  }

  /** The recording has grown: who sees the whole run goes on to see it. */
  grow(story: Story, lanes: number[]): void {
    const isWhole = this.#isWhole;
    this.#story = story;
    this.#lanes = lanes;
    if (isWhole) this.#view = this.#wholeView();
  }

  /** Another program's run. */
  open(story: Story, lanes: number[]): void {
    this.#story = story;
    this.#lanes = lanes;
    this.#view = this.#wholeView();
  }

  /** Shows a wait in the run. @param hideAfter the wait after which marks are hidden; null for none */
  show(at: number, hideAfter: number | null): void {
    this.#at = at;
    this.#hideAfter = hideAfter;
    this.#bringInView();
    this.#draw();
  }

  /** @param factor below 1 shows less of the run */
  zoom(factor: number, about = (this.#chosen.from + this.#chosen.to) / 2): void {
    const { from, to } = this.#view;
    this.#setView({ from: about - (about - from) * factor, to: about + (to - about) * factor });
  }

  /** The wheel zooms about the pointer; without a modifier only where the strip has the focus: it is to scroll the page. */
  #addWheel(strip: Strip): void {
    const wheel = (event: WheelEvent) => {
      const { ctrlKey, metaKey, shiftKey, deltaX, deltaY, offsetX } = event;
      const isSideways = shiftKey || Math.abs(deltaX) >= Math.abs(deltaY);
      if (strip !== this.#zoomed) return;
      if (!ctrlKey && !metaKey && !isSideways && document.activeElement !== strip.canvas) return;
      event.preventDefault();
      this.zoom(deltaY > 0 ? 1.25 : 0.8, strip.timeAt(offsetX));
    };
    strip.canvas.addEventListener('wheel', wheel, { passive: false });
  }

  #addDrag(strip: Strip): void {
    let last: number | undefined;
    strip.canvas.addEventListener('pointerdown', ({ offsetX }) => {
      if (strip === this.#zoomed) last = offsetX;
      this.#wasDragged = false;
    });
    window.addEventListener('pointermove', ({ offsetX, target }) => {
      if (last === undefined || target !== strip.canvas) return;
      if (Math.abs(offsetX - last) < 3 && !this.#wasDragged) return;
      const moved = strip.timeAt(last) - strip.timeAt(offsetX);
      this.#wasDragged = true;
      last = offsetX;
      this.#setView({ from: this.#view.from + moved, to: this.#view.to + moved });
    });
    window.addEventListener('pointerup', () => {
      last = undefined;
    });
  }

  get #isLong(): boolean {
    return this.#story.length > LONG_WAITS;
  }

  /** The strip that shows the part; a live run may become long. */
  get #zoomed(): Strip {
    return this.#isLong ? this.#window : this.#whole;
  }

  get #isWhole(): boolean {
    return this.#view.to - this.#view.from >= this.#story.seconds - TOLERANCE_S;
  }

  get #chosen(): StripView {
    return { from: this.#story.at(this.#at), to: this.#story.at(this.#at + 1) };
  }

  #wholeView(): StripView {
    return { from: this.#story.beginsAt, to: this.#story.beginsAt + this.#story.seconds };
  }

  #setView(view: StripView): void {
    this.#view = this.#within(view);
    this.#draw();
  }

  /** A part that lies within the run. */
  #within({ from, to }: StripView): StripView {
    const whole = this.#wholeView();
    const length = Math.min(Math.max(to - from, 1e-4), whole.to - whole.from);
    const begin = Math.min(Math.max(from, whole.from), whole.to - length);
    return { from: begin, to: begin + length };
  }

  /** The part that is shown goes with the wait. */
  #bringInView(): void {
    const { from, to } = this.#view;
    const { from: begin, to: end } = this.#chosen;
    if (this.#isLong && this.#isWhole) {
      const first = Math.max(1, this.#at - WINDOW_WAITS / 2);
      const last = Math.min(this.#story.length + 1, first + WINDOW_WAITS);
      this.#view = { from: this.#story.at(first), to: this.#story.at(last) };
    } else if (begin < from || end > to) {
      const half = Math.max(to - from, end - begin) / 2;
      const middle = (begin + end) / 2;
      this.#view = this.#within({ from: middle - half, to: middle + half });
    }
  }

  #draw(): void {
    const width = byId('stage').clientWidth;
    const { isNarrow, question: left, end: right, label } = columnsFor(width);
    const common = { lanes: this.#lanes, left, right, label, hideAfter: this.#hideAfter };
    const whole = isNarrow ? 'all' : 'the whole run';
    for (const id of ['window', 'wedge2']) byId(id).hidden = !this.#isLong;
    if (this.#isLong) {
      const [first, last] = [this.#view.from, this.#view.to].map((at) => stepAt(this.#story, at));
      const count = (last ?? 0) - Math.max(1, first ?? 0) + 1;
      const title = `${count.toLocaleString('en-US')} waits`;
      const window = { ...common, title, view: this.#view, chosen: this.#chosen };
      this.#drawStrip(this.#window, 'wedge', window, width);
      const all = { ...common, title: whole, view: this.#wholeView(), chosen: this.#view };
      this.#drawStrip(this.#whole, 'wedge2', all, width);
    } else {
      const title = isNarrow || this.#isWhole ? whole : 'a part of it';
      this.#drawStrip(
        this.#whole,
        'wedge',
        { ...common, title, view: this.#view, chosen: this.#chosen },
        width,
      );
    }
    byId('whole').style.minHeight = `${stripHeight(this.#lanes.length)}px`;
  }

  /** A strip, and the wedge above it: what is above widens out of what is chosen below. */
  #drawStrip(strip: Strip, wedge: string, options: StripOptions, width: number): void {
    strip.draw(this.#story, width, options);
    const left = strip.placeOf(options.chosen.from);
    const right = Math.max(strip.placeOf(options.chosen.to), left + 2);
    byId(wedge).setAttribute('viewBox', `0 0 ${width} ${WEDGE}`);
    byId(wedge)
      .querySelector('polygon')
      ?.setAttribute('points', `0,0 ${width},0 ${right},${WEDGE} ${left},${WEDGE}`);
  }
}
