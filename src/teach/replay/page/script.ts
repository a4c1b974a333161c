/** The player in the page: its compiled text stands in the page behind that of `timeline.ts`. */
import type { SetRow } from '../../recording/set-rows.js';
import { type Row, type Step, stateOf, Timeline, unpacked } from '../timeline.js';

/** Bits in a row. */
const BITS_PER_ROW = 10;

/** Milliseconds for which a step is shown at speed 1. */
const STEP_MS = 1000;

function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function element(name: string, text = '', className = ''): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

/** The timeline, which is compressed in the page. */
async function load(): Promise<Timeline> {
  const base64 = atob((byId('timeline-data').textContent ?? '').trim());
  const bytes = Uint8Array.from(base64, (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Timeline(unpacked(JSON.parse(await new Response(stream).text())));
}

class PagePlayer {
  readonly #timeline: Timeline;
  readonly #slider = byId<HTMLInputElement>('slider');
  readonly #number = byId<HTMLInputElement>('number');
  readonly #fd = byId<HTMLSelectElement>('fd');
  readonly #speed = byId<HTMLSelectElement>('speed');
  #at = 1;
  #timer: number | undefined;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    document.title = `${timeline.program}, recorded`;
    byId('program').textContent = timeline.program;
    byId('notes').textContent = timeline.notes.join('; ');
    byId('length').textContent = String(timeline.length);
    for (const input of [this.#slider, this.#number]) input.max = String(timeline.length);
    this.#fd.append(...timeline.fds.map((fd) => new Option(`fd ${fd}`, String(fd))));

    const last = timeline.length;
    this.#button('start', () => this.#go(1));
    this.#button('back', () => this.#go(this.#at - 1));
    this.#button('play', () => this.#play(this.#timer === undefined));
    this.#button('forward', () => this.#go(this.#at + 1));
    this.#button('end', () => this.#go(last));
    this.#button('earlier', () => this.#along(-1));
    this.#button('later', () => this.#along(1));
    this.#slider.addEventListener('input', () => this.#go(this.#slider.valueAsNumber));
    this.#number.addEventListener('change', () => this.#go(this.#number.valueAsNumber || this.#at));
    this.#fd.addEventListener('change', () => this.#draw());
    this.#speed.addEventListener('change', () => this.#timer !== undefined && this.#play(true));
    document.addEventListener('keydown', (event) => this.#key(event));

    for (const part of document.querySelectorAll<HTMLElement>('main, footer')) part.hidden = false;
    this.#draw();
  }

  /** A button that was clicked gives up the focus: the space key is to play, and not to press it again. */
  #button(id: string, act: () => void): void {
    byId(id).addEventListener('click', (event) => {
      if (event.detail > 0) byId(id).blur();
      act();
    });
  }

  #key(event: KeyboardEvent): void {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (target === this.#number && key === 'Enter') this.#number.blur(); // the keys are for the player again
    if (target === this.#number || target instanceof HTMLSelectElement) return;
    if (key === ' ' && target instanceof HTMLButtonElement) return;
    const act: Record<string, () => void> = {
      ArrowRight: () => this.#go(this.#at + 1),
      ArrowLeft: () => this.#go(this.#at - 1),
      PageDown: () => this.#go(this.#at + 10),
      PageUp: () => this.#go(this.#at - 10),
      Home: () => this.#go(1),
      End: () => this.#go(this.#timeline.length),
      ' ': () => this.#play(this.#timer === undefined),
      n: () => this.#along(1),
      p: () => this.#along(-1),
    };
    if (!act[key]) return;
    event.preventDefault();
    act[key]();
  }

  #go(step: number): void {
    this.#play(false);
    this.#at = Math.min(Math.max(Math.round(step), 1), this.#timeline.length);
    this.#draw();
  }

  #next(direction: 1 | -1): number | undefined {
    const { value } = this.#fd;
    return value === '' ? undefined : this.#timeline.next(Number(value), this.#at, direction);
  }

  #along(direction: 1 | -1): void {
    const step = this.#next(direction);
    if (step !== undefined) this.#go(step);
  }

  #play(plays: boolean): void {
    clearInterval(this.#timer);
    this.#timer = plays ? setInterval(() => this.#tick(), STEP_MS / Number(this.#speed.value)) : undefined;
    if (plays && this.#at === this.#timeline.length) this.#at = 1;
    this.#draw();
  }

  #tick(): void {
    if (this.#at < this.#timeline.length) this.#at++;
    if (this.#at === this.#timeline.length) this.#play(false);
    else this.#draw();
  }

  #draw(): void {
    const step = this.#timeline.step(this.#at);
    const { wait, number } = step;
    this.#slider.value = this.#number.value = String(number);
    const plays = this.#timer !== undefined;
    byId('play').textContent = plays ? 'Pause' : 'Play';
    byId('reasons').setAttribute('aria-live', plays ? 'off' : 'polite');
    const disable = (id: string, disabled: boolean) => {
      byId<HTMLButtonElement>(id).disabled = disabled;
    };
    for (const id of ['start', 'back']) disable(id, number === 1);
    for (const id of ['forward', 'end']) disable(id, number === this.#timeline.length);
    disable('earlier', this.#next(-1) === undefined);
    disable('later', this.#next(1) === undefined);

    const place = `step ${number} of ${this.#timeline.length}`;
    this.#slider.setAttribute('aria-valuetext', place);
    byId('place').textContent = wait ? `${place}, at ${wait.at.toFixed(3)} s` : place;
    byId('call').textContent = wait ? `${wait.call} ${wait.timeout}` : 'Before the first wait';
    byId('bits').replaceChildren(...pictures(step));
    const ready = byId('bits').querySelector('.after .set')?.closest('table');
    byId('bits').scrollTop = ready ? ready.offsetTop - byId('bits').offsetTop : 0;
    byId('outcome').textContent = wait?.outcome ?? '';
    byId('reasons').replaceChildren(...(wait?.reasons ?? []).map((reason) => element('li', reason)));
    byId('then').textContent = wait ? 'Then' : 'Calls';
    byId('sentences').replaceChildren(...step.sentences.map(numbered));
    byId('table').replaceChildren(...step.table.map(rowOf));
    this.#print(step);
  }

  #print({ output, printed }: Step): void {
    const old = output.slice(0, output.length - printed);
    const fresh = output.slice(output.length - printed);
    const parts = [old, ...(fresh ? [element('mark', fresh)] : [])];
    byId('output').replaceChildren(...parts.filter((part) => part !== ''));
    byId('output').scrollTop = byId('output').scrollHeight;
  }
}

/** The numbers of a list are our own: the browser's would take a second for thousands of calls. */
function numbered(sentence: string, i: number): HTMLElement {
  const item = element('li', sentence);
  item.dataset.number = `${i + 1}.`;
  return item;
}

/** The bits in tens; of tens without one only the range is shown. */
function pictures({ bits, wait }: Step): HTMLElement[] {
  const fds = bits.flatMap((row) => [...row.fds]);
  const end = fds.reduce((end, fd) => Math.max(end, fd + 1), wait?.nfds ?? 0);
  const tens = [...new Set(fds.map((fd) => fd - (fd % BITS_PER_ROW)))].sort((a, b) => a - b);
  return tens.flatMap((first, i) => {
    const from = i === 0 ? 0 : (tens[i - 1] ?? 0) + BITS_PER_ROW;
    const blank = from < first ? [element('p', `${from} to ${first - 1}: all 0`)] : [];
    return [...blank, picture(bits, first, Math.min(first + BITS_PER_ROW, end))];
  });
}

function picture(bits: SetRow[], first: number, end: number): HTMLElement {
  const fds = Array.from({ length: end - first }, (_, i) => first + i);
  const table = element('table');
  const head = element('tr');
  head.append(element('th', 'fd'), ...fds.map((fd) => scoped('col', String(fd))));
  const thead = element('thead');
  thead.append(head);
  table.append(thead);
  for (const row of bits) {
    if (row.when === 'before') table.append(element('tbody'));
    const line = element('tr', '', row.when);
    const cells = fds.map((fd) => (row.fds.has(fd) ? element('td', '1', 'set') : element('td', '0')));
    line.append(scoped('row', `${row.label} ${row.when}`.trim()), ...cells);
    table.lastElementChild?.append(line);
  }
  return table;
}

function scoped(scope: 'col' | 'row', text: string): HTMLElement {
  const th = element('th', text);
  th.setAttribute('scope', scope);
  return th;
}

function rowOf(row: Row): HTMLElement {
  const { fd, waits, ready } = row;
  const line = element('tr', '', ready.length > 0 ? 'ready' : waits.length > 0 ? '' : 'unused');
  const purposes = waits.map((purpose) => (ready.includes(purpose) ? `● ${purpose}: ready` : `○ ${purpose}`));
  line.append(element('td', String(fd)), element('td', purposes.join(', ')), element('td', stateOf(row)));
  return line;
}

try {
  new PagePlayer(await load());
  performance.mark('ready');
} catch (err) {
  byId('trouble').textContent = `The recording cannot be shown: ${err}`;
  byId('trouble').hidden = false;
}
