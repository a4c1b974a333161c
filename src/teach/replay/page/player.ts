/** The page as a player: which wait is shown, and what moves to another. */
import { clausesText, sentencesOf } from '../../story/sentences.js';
import type { Story, StoryStep } from '../../story/story.js';
import { Clock } from './clock.js';
import { Follow } from './follow.js';
import { Guess } from './guess.js';
import { picture } from './picture.js';
import { rowsOf, waitedFor } from './rows.js';
import { RunView } from './run-view.js';
import { columnsFor, sceneOf, widthsOf } from './scene.js';
import { addSearch } from './search.js';
import { storyboard } from './storyboard.js';
import { byId } from './svg.js';
import { drawFolds, drawHead, drawWords } from './words.js';

export class Page {
  #story: Story;
  #lanes: number[];
  readonly #run: RunView;
  readonly #guess = new Guess();
  readonly #clock = new Clock(() => this.#tick());
  readonly #number = byId<HTMLInputElement>('number');
  readonly #follow = new Follow(() => this.#draw());
  readonly #shown: (number: number) => void;
  #at = 1;

  /**
   * @param first the wait that it opens on
   * @param shown is called with each wait that is gone to
   */
  constructor(story: Story, first: number, shown: (number: number) => void) {
    this.#story = story;
    this.#shown = shown;
    this.#lanes = waitedFor(story);
    this.#run = new RunView(story, this.#lanes, (number) => this.go(number));
    drawHead(story);
    this.#follow.add(story, this.#lanes);
    for (const id of ['calls', 'setup', 'bits', 'output']) byId(id).tabIndex = 0; // they scroll, by keyboard too
    this.#addControls();
    this.#at = Math.min(first, story.length);
    for (const part of document.querySelectorAll<HTMLElement>('main, footer')) part.hidden = false;
    window.addEventListener('beforeprint', () =>
      byId('storyboard').replaceChildren(...storyboard(this.#story)),
    );
    new ResizeObserver(() => this.#draw()).observe(byId('stage'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    this.#draw();
    document.fonts?.ready.then(() => this.#draw());
  }

  /** The recording has grown: who looks at the last wait goes on with it, who looks at another stays there. */
  grow(story: Story): void {
    const isLast = this.#at >= this.#story.length;
    this.#take(story);
    this.#run.grow(story, this.#lanes);
    if (isLast && !this.#guess.isOn) this.#show(story.length);
    else this.#draw();
  }

  /** Shows another program, at one of its waits. */
  choose(story: Story, number: number): void {
    this.#follow.clear();
    this.#take(story);
    this.#run.open(story, this.#lanes);
    this.go(number);
  }

  #take(story: Story): void {
    this.#story = story;
    this.#lanes = waitedFor(story);
    drawHead(story);
    this.#follow.add(story, this.#lanes);
  }

  #addControls(): void {
    for (const [id, act] of [
      ['start', () => this.go(1)],
      ['back', () => this.go(this.#at - 1)],
      ['play', () => this.#play(!this.#clock.isRunning)],
      ['forward', () => this.go(this.#at + 1)],
      ['end', () => this.go(this.#story.length)],
      ['earlier', () => this.#along(-1)],
      ['later', () => this.#along(1)],
      ['predict', () => this.#predict(!this.#guess.isOn)],
      ['check', () => this.#check()],
      ['zoomin', () => this.#run.zoom(0.5)],
      ['zoomout', () => this.#run.zoom(2)],
    ] as const)
      addButton(id, act);
    this.#number.addEventListener('change', () => this.go(this.#number.valueAsNumber || this.#at));
    byId('speed').addEventListener('change', () => this.#clock.isRunning && this.#play(true));
    addSearch(
      () => this.#story,
      (number) => this.go(number),
    );
    document.addEventListener('keydown', (event) => this.#key(event));
    for (const fold of document.querySelectorAll('details'))
      fold.addEventListener('toggle', () => this.#drawFolds());
  }

  #key(event: KeyboardEvent): void {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (target === this.#number && key === 'Enter') this.#number.blur(); // the keys are for the player again
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    if (key === ' ' && target !== document.body && target !== byId('stage')) return;
    const act: Record<string, () => void> = {
      ArrowRight: () => this.go(this.#at + 1),
      ArrowLeft: () => this.go(this.#at - 1),
      PageDown: () => this.go(this.#at + 10),
      PageUp: () => this.go(this.#at - 10),
      Home: () => this.go(1),
      End: () => this.go(this.#story.length),
      ' ': () => this.#play(!this.#clock.isRunning),
    };
    // Single letters are keys only while the picture has the focus.
    if (target === byId('stage')) Object.assign(act, { n: () => this.#along(1), p: () => this.#along(-1) });
    if (!act[key]) return;
    event.preventDefault();
    act[key]();
  }

  go(number: number): void {
    this.#clock.stop();
    this.#show(number);
  }

  #show(number: number): void {
    this.#at = Math.min(Math.max(Math.round(number), this.#story.first), this.#story.length);
    this.#guess.begin();
    this.#shown(this.#at);
    this.#draw();
  }

  #along(direction: 1 | -1): void {
    const step = this.#follow.next(this.#story, this.#at, direction);
    if (step !== undefined) this.go(step);
  }

  #play(plays: boolean): void {
    if (!plays) {
      this.#clock.stop();
      return;
    }
    if (this.#at === this.#story.length) this.#show(1);
    this.#clock.start(this.#story, this.#at);
  }

  /** @returns whether there are more waits after this one */
  #tick(): boolean {
    if (this.#at < this.#story.length) this.#show(this.#at + 1);
    return this.#at < this.#story.length;
  }

  #predict(isOn: boolean): void {
    this.#clock.stop();
    this.#guess.turn(isOn);
    this.#draw();
  }

  #toggle(key: string): void {
    this.#guess.toggle(key);
    this.#draw();
    document.querySelector<SVGElement>(`[data-key="${key}"]`)?.focus();
  }

  #check(): void {
    this.#guess.check(this.#story.wait(this.#at));
    this.#draw();
  }

  #draw(): void {
    if (byId('stage').clientWidth === 0) return; // on paper there is the storyboard alone
    const { isHidden } = this.#guess;
    this.#number.value = String(this.#at);
    drawWords(this.#story, this.#story.step(this.#at), isHidden);
    this.#drawButtons();
    this.#guess.draw();
    this.#drawPicture(isHidden);
    this.#run.show(this.#at, isHidden ? this.#at : null);
    this.#drawFolds();
  }

  #drawButtons(): void {
    for (const [id, isDisabled] of [
      ['start', this.#at <= 1],
      ['back', this.#at <= 1],
      ['forward', this.#at >= this.#story.length],
      ['end', this.#at >= this.#story.length],
      ['earlier', this.#follow.next(this.#story, this.#at, -1) === undefined],
      ['later', this.#follow.next(this.#story, this.#at, 1) === undefined],
    ] as const)
      byId<HTMLButtonElement>(id).disabled = isDisabled;
  }

  #drawPicture(isHidden: boolean): void {
    const step = this.#story.step(this.#at);
    const width = byId('stage').clientWidth;
    const columns = columnsFor(width);
    // Where the foot has no room for the legend, it stands below the run.
    if (columns.isNarrow) byId('stage').after(byId('legend'));
    else document.querySelector('footer')?.append(byId('legend'));
    if (!step.wait) {
      byId('picture').replaceChildren();
      return;
    }
    const prediction = isHidden
      ? { picks: this.#guess.picks, toggle: (key: string) => this.#toggle(key) }
      : null;
    const scene = sceneOf(this.#story, step, rowsOf(this.#story, step, this.#lanes), columns, prediction);
    byId('picture').replaceChildren(picture(scene, width, spoken(this.#story, step, isHidden)));
    byId('sentences').style.setProperty('--columns', widthsOf(columns));
  }

  #drawFolds(): void {
    drawFolds(this.#story, this.#story.step(this.#at), this.#guess.isHidden);
  }
}

/** The picture in words. */
function spoken(story: Story, step: StoryStep, isHidden: boolean): string {
  const { question, sleep, answer } = sentencesOf(story, step);
  return isHidden ? question : `${question} ${sleep} ${clausesText(answer)}`;
}

/** A button that was clicked gives up the focus: the space key is to play, and not to press it again. */
function addButton(id: string, act: () => void): void {
  byId(id).addEventListener('click', (event) => {
    if (event.detail > 0) byId(id).blur();
    act();
  });
}
