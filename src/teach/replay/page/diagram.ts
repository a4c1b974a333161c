/** Several programs as a sequence diagram: a column each, time downwards, an arrow for what one sends and another receives. */
import type { Message } from '../../story/programs.js';
import type { Story } from '../../story/story.js';
import { arrowOf, BAR_WIDTH, type ProgramColumns } from './arrows.js';
import { stepAt } from './run-drawing.js';
import { byId, html, svg } from './svg.js';
import { type Arrow, sleepsOf, Timeline } from './timeline.js';

/** Pixels: the times on the left, what is drawn beyond the part that is seen. */
const GUTTER = 62;
const NARROW_GUTTER = 46;
const AHEAD = 300;

/** Pixels above and below an event in which its program works, however short that is. */
const WORKS = 7;

export class Diagram {
  readonly #stories: Story[];
  readonly #timeline: Timeline;
  readonly #sleeps: [from: number, to: number][][];
  /** The programs from left to right: the one that talks the most is in the middle. */
  readonly #order: number[];
  readonly #choose: (program: number, number: number) => void;
  readonly #scroller = byId('diagram');
  readonly #heads = byId('heads');
  #program = 0;
  #number = 1;

  /** @param choose is called with a program and its wait that was clicked */
  constructor(stories: Story[], messages: Message[], choose: (program: number, number: number) => void) {
    this.#stories = stories;
    this.#timeline = new Timeline(stories, messages);
    this.#sleeps = stories.map(sleepsOf);
    this.#order = orderOf(stories.length, messages);
    this.#choose = choose;
    byId('programs').hidden = false;
    byId('programs-title').textContent = `${stories.length} programs: who sends what to whom`;
    this.#scroller.addEventListener('scroll', () => this.#draw());
    this.#scroller.addEventListener('click', (event) => this.#click(event));
    this.#scroller.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(this.#scroller);
  }

  /** Marks a wait of a program, and brings it into sight. */
  show(program: number, number: number): void {
    this.#program = program;
    this.#number = number;
    const y = this.#timeline.yAt(this.#stories[program]?.at(number) ?? 0);
    const { scrollTop, clientHeight } = this.#scroller;
    if (y < scrollTop + 20 || y > scrollTop + clientHeight - 60) this.#scroller.scrollTop = y - 60;
    this.#draw();
  }

  get #gutter(): number {
    return this.#scroller.clientWidth < 700 ? NARROW_GUTTER : GUTTER;
  }

  get #gap(): number {
    return (this.#scroller.clientWidth - this.#gutter) / this.#stories.length;
  }

  get #columns(): ProgramColumns {
    const x = (program: number) => this.#x(program);
    return {
      stories: this.#stories,
      arrows: this.#timeline.arrows,
      x,
      gap: this.#gap,
      width: this.#scroller.clientWidth,
    };
  }

  #x(program: number): number {
    return this.#gutter + (this.#order.indexOf(program) + 0.5) * this.#gap;
  }

  #draw(): void {
    const { clientWidth: width, scrollTop, clientHeight } = this.#scroller;
    if (width === 0) return;
    const focused = document.activeElement?.getAttribute('data-arrow');
    const [top, bottom] = [scrollTop - AHEAD, scrollTop + clientHeight + AHEAD];
    const isSeen = (from: number, to: number) => to > top && from < bottom;
    const { height, marks } = this.#timeline;
    const picture = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'group' });
    picture.setAttribute('aria-label', 'Messages, from top to bottom. Arrow keys go from one to the next.');
    for (const { y, text } of marks) if (isSeen(y, y)) picture.append(...this.#mark(y, text, width));
    for (const program of this.#order) picture.append(...this.#bar(program, isSeen));
    const arrows = [...this.#timeline.arrows.entries()].filter(([, { fromY, toY }]) => isSeen(fromY, toY));
    for (const [, arrow] of arrows) picture.append(...this.#works(arrow));
    for (const [i, arrow] of arrows) picture.append(arrowOf(this.#columns, arrow, i));
    this.#scroller.replaceChildren(picture);
    this.#drawHeads();
    this.#makeReachable(picture, focused);
  }

  /** Tab comes to one arrow, and the arrow keys to all. */
  #makeReachable(picture: SVGElement, focused: string | null | undefined): void {
    const links = [...picture.querySelectorAll<SVGElement>('a')];
    const own = links.find((link) => link.getAttribute('data-arrow') === focused);
    const chosen = links.find(
      (link) => link.getAttribute('href') === `#${this.#program + 1}.${this.#number}`,
    );
    (own ?? chosen ?? links[0])?.setAttribute('tabindex', '0');
    if (own && document.activeElement !== own) own.focus({ preventScroll: true });
  }

  #drawHeads(): void {
    this.#heads.style.paddingLeft = `${this.#gutter}px`;
    this.#heads.style.paddingRight = `${this.#scroller.offsetWidth - this.#scroller.clientWidth}px`;
    this.#heads.style.gridTemplateColumns = `repeat(${this.#stories.length}, minmax(0, 1fr))`;
    if (this.#heads.childElementCount === 0)
      this.#heads.append(
        ...this.#order.map((program) => {
          const name = this.#stories[program]?.data.program ?? '';
          const head = html('button', { type: 'button', title: name, 'data-program': program });
          head.append(html('span', {}, name));
          head.addEventListener('click', () => this.#choose(program, 1));
          return head;
        }),
      );
    for (const head of this.#heads.children)
      head.setAttribute('aria-pressed', String(head.getAttribute('data-program') === String(this.#program)));
  }

  #mark(y: number, text: string, width: number): SVGElement[] {
    return [
      svg('line', { class: 'timeline', x1: this.#gutter - 4, x2: width, y1: y - 16, y2: y - 16 }),
      svg('text', { class: 'time', x: this.#gutter - 10, y: y + 4, 'text-anchor': 'end' }, text),
    ];
  }

  /** A program's bar: pale where it sleeps in the kernel. */
  #bar(program: number, isSeen: (from: number, to: number) => boolean): SVGElement[] {
    const story = this.#stories[program] as Story;
    const x = this.#x(program) - BAR_WIDTH / 2;
    const yAt = (seconds: number) => this.#timeline.yAt(seconds);
    const bar = (className: string, from: number, to: number) =>
      svg('rect', { class: className, x, y: from, width: BAR_WIDTH, height: Math.max(0, to - from) });
    const [begin, end] = [yAt(story.beginsAt), yAt(story.beginsAt + story.seconds)];
    const sleeps = (this.#sleeps[program] ?? [])
      .map(([from, to]) => [yAt(from), yAt(to)] as const)
      .filter(([from, to]) => to - from >= 1 && isSeen(from, to))
      .map(([from, to]) => bar('asleep edge', from, to));
    const parts = [bar('ink', begin, end), ...sleeps];
    if (program === this.#program) {
      const [from, to] = [story.at(this.#number), story.at(this.#number + 1)].map(yAt) as [number, number];
      const place = {
        x: x - 5,
        y: from - 3,
        width: BAR_WIDTH + 10,
        height: Math.max(to - from, 2) + 6,
        rx: 6,
      };
      parts.unshift(svg('rect', { class: 'chosen', ...place }));
    }
    return parts;
  }

  /** At an event its program works. */
  #works({ message: [, from, , to], fromY, toY }: Arrow): SVGElement[] {
    const work = (program: number, y: number) =>
      svg('rect', {
        class: 'ink',
        x: this.#x(program) - BAR_WIDTH / 2,
        y: y - WORKS,
        width: BAR_WIDTH,
        height: 2 * WORKS,
      });
    return [work(from, fromY), work(to, toY)];
  }

  /** A bar is its program's waits: the one that was clicked is chosen. */
  #click(event: MouseEvent): void {
    if ((event.target as Element).closest('a')) return; // the address says where it goes
    const { left, top } = this.#scroller.getBoundingClientRect();
    const x = event.clientX - left;
    const program = this.#order.find((program) => Math.abs(this.#x(program) - x) <= BAR_WIDTH);
    const story = program === undefined ? undefined : this.#stories[program];
    if (program === undefined || !story) return;
    const at = this.#timeline.timeAt(event.clientY - top + this.#scroller.scrollTop);
    this.#choose(program, Math.max(story.first, stepAt(story, at)));
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = document.activeElement?.getAttribute('data-arrow');
    if (step === undefined || from === null || from === undefined) return;
    const arrow = this.#timeline.arrows[Number(from) + step];
    event.preventDefault();
    event.stopPropagation();
    if (!arrow) return;
    const { scrollTop, clientHeight } = this.#scroller;
    if (arrow.fromY < scrollTop + 30 || arrow.toY > scrollTop + clientHeight - 30) {
      this.#scroller.scrollTop = arrow.fromY - 60;
      this.#draw();
    }
    this.#scroller
      .querySelector<SVGElement>(`[data-arrow="${Number(from) + step}"]`)
      ?.focus({ preventScroll: true });
  }
}

/** From left to right: the program with the most messages in the middle, the others around it as they come. */
function orderOf(count: number, messages: Message[]): number[] {
  const counts = Array.from({ length: count }, () => 0);
  const first = Array.from({ length: count }, () => Number.POSITIVE_INFINITY);
  for (const [i, [, from, , to]] of messages.entries())
    for (const program of [from, to]) {
      counts[program] = (counts[program] ?? 0) + 1;
      first[program] = Math.min(first[program] ?? i, i);
    }
  const hub = counts.indexOf(Math.max(...counts));
  const others = counts.map((_, program) => program).filter((program) => program !== hub);
  others.sort((a, b) => (first[a] ?? 0) - (first[b] ?? 0));
  return others.toSpliced(Math.floor(count / 2), 0, hub);
}
