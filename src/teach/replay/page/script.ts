/** The page: its compiled text stands in the page behind that of the modules that it imports. */
import { type Clause, heading, sentencesOf, summary } from '../sentences.js';
import { Story, type StoryData } from '../story.js';
import { bitTables, callList, descriptorRows, outputOf, whenText } from './folds.js';
import { followLive } from './live.js';
import { columnsFor, Picture } from './picture.js';
import { rowsOf, waitedFor } from './rows.js';
import { type Result, search } from './search.js';
import { storyboard } from './storyboard.js';
import { Strip, type StripView, stepAt, stripHeight } from './strip.js';
import { byId, html } from './svg.js';

/** Waits that a window shows of a long run. */
const WINDOW_WAITS = 36;

/** Waits from which on a run has a window. */
const LONG_WAITS = 200;

/** Milliseconds for which a step is shown while playing. */
const [MIN_STEP_MS, MAX_STEP_MS] = [120, 6000];

/** The story, which is compressed in the page; null for a live page. */
async function load(): Promise<Story | null> {
  const base64 = atob((byId('story-data').textContent ?? '').trim());
  if (base64 === '') return null;
  const bytes = Uint8Array.from(base64, (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Story(JSON.parse(await new Response(stream).text()) as StoryData);
}

class Page {
  #story: Story;
  #lanes: number[];
  readonly #whole: Strip;
  readonly #window: Strip;
  readonly #number = byId<HTMLInputElement>('number');
  readonly #speed = byId<HTMLSelectElement>('speed');
  readonly #follow = byId<HTMLSelectElement>('follow');
  #at = 1;
  #timer: number | undefined;
  #view: StripView;
  #endSearch: () => void = () => {};
  #guess = { isOn: false, isChecked: false, picks: new Set<string>(), right: 0, checked: 0 };

  /** @param first the wait that it opens on, where the address names none */
  constructor(story: Story, first = 1) {
    this.#story = story;
    this.#lanes = waitedFor(story);
    this.#whole = new Strip(byId<HTMLCanvasElement>('whole'));
    this.#window = new Strip(byId<HTMLCanvasElement>('window'));
    this.#view = this.#wholeView();
    this.#addHead();
    this.#addFollow();
    for (const id of ['calls', 'setup', 'bits', 'output']) byId(id).tabIndex = 0; // they scroll, by keyboard too
    this.#addControls();
    this.#addStrips();
    this.#at = this.#fromHash() ?? Math.min(first, story.length);
    for (const part of document.querySelectorAll<HTMLElement>('main, footer')) part.hidden = false;
    byId('storyboard').replaceChildren();
    window.addEventListener('beforeprint', () =>
      byId('storyboard').replaceChildren(...storyboard(this.#story)),
    );
    new ResizeObserver(() => this.#draw()).observe(byId('stage'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    this.#draw();
    document.fonts?.ready.then(() => this.#draw());
  }

  #addHead(): void {
    const { program, notes } = this.#story.data;
    document.title = `${program}, recorded`;
    byId('program').textContent = program;
    byId('summary').textContent = summary(this.#story);
    byId('notes').textContent = notes.join('; ');
    byId('length').textContent = this.#story.length.toLocaleString('en-US');
    this.#number.max = String(this.#story.length);
  }

  /** The recording has grown: who looks at the last wait goes on with it, who looks at another stays there. */
  grow(story: Story): void {
    const isLast = this.#at >= this.#story.length;
    const { from, to } = this.#view;
    const isWhole = to - from >= this.#story.seconds - 1e-9;
    this.#story = story;
    this.#lanes = waitedFor(story);
    if (isWhole) this.#view = this.#wholeView();
    this.#addHead();
    this.#addFollow();
    if (isLast && !this.#guess.isOn) this.#show(story.length);
    else this.#draw();
  }

  #addFollow(): void {
    const isNew = (life: number) => !this.#follow.querySelector(`option[value="${life}"]`);
    for (const life of this.#lanes.slice(0, 500).filter(isNew)) {
      const { name, fd } = this.#story.life(life);
      const option = html('option', { value: life }, `${fd} ${name}`);
      this.#follow.append(option);
    }
  }

  #addControls(): void {
    this.#button('start', () => this.#go(1));
    this.#button('back', () => this.#go(this.#at - 1));
    this.#button('play', () => this.#play(this.#timer === undefined));
    this.#button('forward', () => this.#go(this.#at + 1));
    this.#button('end', () => this.#go(this.#story.length));
    this.#button('earlier', () => this.#along(-1));
    this.#button('later', () => this.#along(1));
    this.#button('predict', () => this.#predict(!this.#guess.isOn));
    this.#button('check', () => this.#check());
    this.#number.addEventListener('change', () => this.#go(this.#number.valueAsNumber || this.#at));
    this.#follow.addEventListener('change', () => this.#draw());
    this.#speed.addEventListener('change', () => this.#timer !== undefined && this.#play(true));
    byId('search').addEventListener('input', () => this.#search(byId<HTMLInputElement>('search').value));
    document.addEventListener('keydown', (event) => this.#key(event));
    window.addEventListener('hashchange', () => this.#go(this.#fromHash() ?? this.#at));
    for (const fold of document.querySelectorAll('details'))
      fold.addEventListener('toggle', () => this.#drawFolds());
  }

  /** A button that was clicked gives up the focus: the space key is to play, and not to press it again. */
  #button(id: string, act: () => void): void {
    byId(id).addEventListener('click', (event) => {
      if (event.detail > 0) byId(id).blur();
      act();
    });
  }

  #addStrips(): void {
    for (const strip of [this.#whole, this.#window]) {
      strip.canvas.addEventListener('click', (event) => {
        if (this.#wasDragged) return;
        const step = stepAt(this.#story, strip.timeAt(event.offsetX));
        this.#go(Math.max(1, step));
      });
    }
    this.#addZoom(this.#isLong ? this.#window : this.#whole);
  }

  #wasDragged = false;

  /** The wheel zooms about the pointer, a drag moves; a double click shows the whole run. */
  #addZoom(strip: Strip): void {
    const { canvas } = strip;
    const zoom = (factor: number, about: number) => {
      const { from, to } = this.#view;
      this.#setView({ from: about - (about - from) * factor, to: about + (to - about) * factor });
    };
    canvas.addEventListener(
      'wheel',
      (event) => {
        if (
          !event.ctrlKey &&
          !event.metaKey &&
          Math.abs(event.deltaX) < Math.abs(event.deltaY) &&
          !event.shiftKey &&
          document.activeElement !== canvas
        )
          return;
        event.preventDefault();
        zoom(event.deltaY > 0 ? 1.25 : 0.8, strip.timeAt(event.offsetX));
      },
      { passive: false },
    );
    let last: number | undefined;
    canvas.addEventListener('pointerdown', (event) => {
      last = event.offsetX;
      this.#wasDragged = false;
    });
    window.addEventListener('pointermove', (event) => {
      if (last === undefined || event.target !== canvas) return;
      const moved = strip.timeAt(last) - strip.timeAt(event.offsetX);
      if (Math.abs(event.offsetX - last) < 3 && !this.#wasDragged) return;
      this.#wasDragged = true;
      last = event.offsetX;
      this.#setView({ from: this.#view.from + moved, to: this.#view.to + moved });
    });
    window.addEventListener('pointerup', () => {
      last = undefined;
    });
    canvas.addEventListener('dblclick', () => this.#setView(this.#wholeView()));
    this.#button('zoomin', () => zoom(0.5, this.#middle()));
    this.#button('zoomout', () => zoom(2, this.#middle()));
  }

  #middle(): number {
    return (this.#story.at(this.#at) + this.#story.at(this.#at + 1)) / 2;
  }

  get #isLong(): boolean {
    return this.#story.length > LONG_WAITS;
  }

  #wholeView(): StripView {
    return { from: this.#story.beginsAt, to: this.#story.beginsAt + this.#story.seconds };
  }

  #setView({ from, to }: StripView): void {
    const whole = this.#wholeView();
    const length = Math.min(Math.max(to - from, 1e-4), whole.to - whole.from);
    const begin = Math.min(Math.max(from, whole.from), whole.to - length);
    this.#view = { from: begin, to: begin + length };
    this.#drawStrips();
  }

  /** The window goes with the wait. */
  #showInView(): void {
    const { from, to } = this.#view;
    const [begin, end] = [this.#story.at(this.#at), this.#story.at(this.#at + 1)];
    const isWhole = to - from >= this.#story.seconds - 1e-9;
    if (this.#isLong && isWhole) {
      const half = WINDOW_WAITS / 2;
      const first = Math.max(1, this.#at - half);
      this.#view = {
        from: this.#story.at(first),
        to: this.#story.at(Math.min(this.#story.length + 1, first + WINDOW_WAITS)),
      };
    } else if (begin < from || end > to) {
      const length = Math.max(to - from, end - begin);
      const middle = (begin + end) / 2;
      const whole = this.#wholeView();
      const left = Math.min(Math.max(middle - length / 2, whole.from), whole.to - length);
      this.#view = { from: left, to: left + length };
    }
  }

  #key(event: KeyboardEvent): void {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (target === this.#number && key === 'Enter') this.#number.blur(); // the keys are for the player again
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    if (key === ' ' && target !== document.body && target !== byId('stage')) return;
    const act: Record<string, () => void> = {
      ArrowRight: () => this.#go(this.#at + 1),
      ArrowLeft: () => this.#go(this.#at - 1),
      PageDown: () => this.#go(this.#at + 10),
      PageUp: () => this.#go(this.#at - 10),
      Home: () => this.#go(1),
      End: () => this.#go(this.#story.length),
      ' ': () => this.#play(this.#timer === undefined),
    };
    // Single letters are keys only while the picture has the focus.
    if (target === byId('stage')) Object.assign(act, { n: () => this.#along(1), p: () => this.#along(-1) });
    if (!act[key]) return;
    event.preventDefault();
    act[key]();
  }

  #fromHash(): number | undefined {
    const number = Number(/^#(\d+)$/.exec(location.hash)?.[1]);
    return number >= 1 && number <= this.#story.length ? number : undefined;
  }

  #go(number: number): void {
    this.#play(false);
    this.#show(number);
  }

  #show(number: number): void {
    this.#at = Math.min(Math.max(Math.round(number), Math.min(1, this.#story.length)), this.#story.length);
    this.#guess = { ...this.#guess, picks: new Set(), isChecked: false };
    history.replaceState(null, '', `#${this.#at}`);
    this.#draw();
  }

  #next(direction: 1 | -1): number | undefined {
    const { value } = this.#follow;
    const step = value === '' ? undefined : this.#story.next(Number(value), this.#at, direction);
    return step === 0 ? undefined : step;
  }

  #along(direction: 1 | -1): void {
    const step = this.#next(direction);
    if (step !== undefined) this.#go(step);
  }

  #play(plays: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (plays && this.#at === this.#story.length) this.#show(1);
    if (plays) this.#schedule();
    byId('play').textContent = plays ? 'Pause' : 'Play';
    byId('title').setAttribute('aria-live', plays ? 'off' : 'polite');
  }

  /** In the recording's own time, faster or slower; no step is too short to be seen. */
  #schedule(): void {
    const own = (this.#story.at(this.#at + 1) - this.#story.at(this.#at)) * 1000;
    const ms = this.#story.data.isUntimed ? 1000 : own;
    this.#timer = setTimeout(
      () => this.#tick(),
      Math.min(Math.max(ms, 800), MAX_STEP_MS) / Number(this.#speed.value) || MIN_STEP_MS,
    );
  }

  #tick(): void {
    if (this.#at >= this.#story.length) {
      this.#play(false);
      return;
    }
    this.#show(this.#at + 1);
    if (this.#at === this.#story.length) this.#play(false);
    else this.#schedule();
  }

  #predict(isOn: boolean): void {
    this.#play(false);
    this.#guess = { ...this.#guess, isOn, isChecked: false, picks: new Set() };
    this.#draw();
  }

  #toggle(key: string): void {
    const { picks } = this.#guess;
    if (!picks.delete(key)) picks.add(key);
    this.#draw();
    document.querySelector<SVGElement>(`[data-key="${key}"]`)?.focus();
  }

  #check(): void {
    const wait = this.#story.wait(this.#at);
    const ready = new Set(
      (wait?.reasons ?? [])
        .filter(({ life, set }) => life >= 0 && set)
        .map(({ life, set }) => `${life}:${set}`),
    );
    const { picks } = this.#guess;
    const isRight = picks.size === ready.size && [...picks].every((key) => ready.has(key));
    this.#guess.isChecked = true;
    this.#guess.checked++;
    if (isRight) this.#guess.right++;
    this.#draw();
    byId('verdict').textContent = isRight ? 'Right.' : 'Not quite.';
  }

  #search(query: string): void {
    this.#endSearch();
    const list = byId('results');
    list.hidden = query.trim() === '';
    if (list.hidden) return;
    this.#endSearch = search(this.#story, query, (results, isAll) => {
      const items = results.map((result) => this.#result(result));
      const none = isAll ? 'Nothing is found.' : 'Searching …';
      list.replaceChildren(...(items.length > 0 ? items : [html('li', {}, none)]));
    });
  }

  #result({ number, title }: Result): HTMLElement {
    const button = html('button', { type: 'button' }, `${number} `, html('span', {}, title));
    button.addEventListener('click', () => {
      byId('results').hidden = true;
      this.#go(number);
    });
    return html('li', {}, button);
  }

  #draw(): void {
    if (byId('stage').clientWidth === 0) return; // on paper there is the storyboard alone
    const step = this.#story.step(this.#at);
    const isHidden = this.#guess.isOn && !this.#guess.isChecked;
    this.#number.value = String(this.#at);
    byId('title').textContent = isHidden
      ? `Wait ${this.#at}: what will ${step.wait?.call ?? 'it'} find?`
      : heading(this.#story, this.#at);
    byId('comment').textContent = this.#story.data.comments?.[this.#at] ?? '';
    byId('comment').hidden = byId('comment').textContent === '';
    byId('when').textContent = whenText(this.#story, step);
    this.#drawButtons(isHidden);
    this.#drawSentences(isHidden);
    this.#drawPicture(isHidden);
    this.#showInView();
    this.#drawStrips();
    this.#drawFolds();
  }

  #drawButtons(isHidden: boolean): void {
    const disable = (id: string, disabled: boolean) => {
      byId<HTMLButtonElement>(id).disabled = disabled;
    };
    for (const id of ['start', 'back']) disable(id, this.#at <= 1);
    for (const id of ['forward', 'end']) disable(id, this.#at >= this.#story.length);
    disable('earlier', this.#next(-1) === undefined);
    disable('later', this.#next(1) === undefined);
    const { isOn, right, checked, isChecked } = this.#guess;
    byId('predict').setAttribute('aria-pressed', String(isOn));
    byId('check').hidden = !isHidden;
    byId('score').textContent = isOn && checked > 0 ? `${right} of ${checked} right` : '';
    if (!isChecked) byId('verdict').textContent = '';
    document.body.classList.toggle('predicting', isHidden);
    const kind = this.#story.wait(this.#at)?.kind ?? 'sets';
    byId('legend').className = kind === 'list' ? 'list' : 'sets';
  }

  #drawSentences(isHidden: boolean): void {
    const { question, sleep, answer, work } = sentencesOf(this.#story, this.#story.step(this.#at));
    byId('question').textContent = question;
    byId('sleep').textContent = sleep;
    byId('answer').replaceChildren(
      ...(isHidden ? ['Click what will be ready, or nothing.'] : clauses(answer)),
    );
    byId('work').textContent = isHidden ? 'You will see.' : work;
  }

  #drawPicture(isHidden: boolean): void {
    const step = this.#story.step(this.#at);
    const stage = byId('stage');
    const width = stage.clientWidth;
    const columns = columnsFor(width);
    if (!step.wait) {
      byId('picture').replaceChildren();
      return;
    }
    const prediction = isHidden
      ? { picks: this.#guess.picks, toggle: (key: string) => this.#toggle(key) }
      : null;
    const picture = new Picture(
      this.#story,
      step,
      rowsOf(this.#story, step, this.#lanes),
      columns,
      prediction,
    );
    const { question, sleep, answer } = sentencesOf(this.#story, step);
    const label = isHidden
      ? question
      : [question, sleep, ...answer.map(({ name, text }) => `${name} ${text}`)].join(' ');
    byId('picture').replaceChildren(picture.draw(width, label));
    const style = byId('sentences').style;
    style.setProperty(
      '--columns',
      `${columns.question}px ${columns.sleep - columns.question}px ${columns.answer - columns.sleep}px ${columns.work - columns.answer}px 1fr`,
    );
  }

  #drawStrips(): void {
    const width = byId('stage').clientWidth;
    const columns = columnsFor(width);
    const chosen = { from: this.#story.at(this.#at), to: this.#story.at(this.#at + 1) };
    const hideAfter = this.#guess.isOn && !this.#guess.isChecked ? this.#at : null;
    const common = {
      lanes: this.#lanes,
      left: columns.question,
      right: columns.end,
      label: columns.label,
      hideAfter,
    };
    const whole = this.#wholeView();
    byId('window').hidden = !this.#isLong;
    byId('wedge2').hidden = !this.#isLong;
    if (this.#isLong) {
      const count =
        stepAt(this.#story, this.#view.to) - Math.max(1, stepAt(this.#story, this.#view.from)) + 1;
      this.#window.draw(this.#story, width, {
        ...common,
        title: `${count.toLocaleString('en-US')} waits`,
        view: this.#view,
        chosen,
      });
      this.#whole.draw(this.#story, width, {
        ...common,
        title: columns.isNarrow ? 'all' : 'the whole run',
        view: whole,
        chosen: this.#view,
      });
      this.#wedge('wedge', this.#window, chosen, width);
      this.#wedge('wedge2', this.#whole, this.#view, width);
    } else {
      const isZoomed = this.#view.to - this.#view.from < whole.to - whole.from - 1e-9;
      const title = columns.isNarrow ? 'all' : isZoomed ? 'a part of it' : 'the whole run';
      this.#whole.draw(this.#story, width, { ...common, title, view: this.#view, chosen });
      this.#wedge('wedge', this.#whole, chosen, width);
    }
    byId('whole').style.minHeight = `${stripHeight(this.#lanes.length)}px`;
  }

  /** What is above widens out of what is chosen below. */
  #wedge(id: string, strip: Strip, { from, to }: StripView, width: number): void {
    const [left, right] = [strip.placeOf(from), Math.max(strip.placeOf(to), strip.placeOf(from) + 2)];
    const polygon = byId(id).querySelector('polygon');
    byId(id).setAttribute('viewBox', `0 0 ${width} 28`);
    polygon?.setAttribute('points', `0,0 ${width},0 ${right},28 ${left},28`);
  }

  #drawFolds(): void {
    const step = this.#story.step(this.#at);
    const isHidden = this.#guess.isOn && !this.#guess.isChecked;
    const fill = (id: string, nodes: () => (Node | string)[]) => {
      const isOpen = byId(id).closest('details')?.open ?? true;
      byId(id).replaceChildren(...(isOpen && !isHidden ? nodes() : []));
    };
    fill('calls', () => callList(this.#story, step));
    fill('setup', () => callList(this.#story, this.#story.step(0)));
    fill('bits', () => bitTables(this.#story, step));
    fill('descriptors', () => descriptorRows(this.#story, step));
    fill('output', () => {
      const { before, now } = outputOf(this.#story, this.#at);
      return [before, ...(now ? [html('mark', {}, now)] : [])].filter((part) => part !== '');
    });
    byId('output').scrollTop = byId('output').scrollHeight;
    const setup = this.#story.step(0).calls.length;
    byId('setup-title').textContent =
      `Set-up: ${setup} ${setup === 1 ? 'call' : 'calls'} before the first wait`;
    (byId('bits').closest('details') as HTMLElement).hidden = step.wait?.kind !== 'sets';
  }
}

/** The names set off from what is said of them. */
function clauses(answer: Clause[]): (Node | string)[] {
  return answer.flatMap(({ name, text }, i) => [
    ...(i > 0 ? [' '] : []),
    ...(name ? [html('strong', {}, name), ' '] : []),
    text,
  ]);
}

/** A live page begins with the first wait, and grows. */
function live(): void {
  let page: Page | undefined;
  const say = (text: string) => {
    byId('live').textContent = text;
    byId('live').hidden = false;
  };
  say('waiting for the first wait');
  followLive(
    (data) => {
      const story = new Story(data);
      page ??= new Page(story, story.length);
      page.grow(story);
      say('live');
    },
    () => say('it has ended'),
  );
}

try {
  const story = await load();
  if (story) new Page(story);
  else live();
  performance.mark('ready');
} catch (err) {
  byId('trouble').textContent = `The recording cannot be shown: ${err}`;
  byId('trouble').hidden = false;
}
