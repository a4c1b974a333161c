/** The picture of one wait: the program, the kernel, a row for each descriptor; from left to right what happens. */
import { arrivalOf, arrivedBytes, bytesText, shortDuration } from '../sentences.js';
import {
  FD_SETS,
  SET_NAMES,
  type SetName,
  type Story,
  type StoryReason,
  type StoryStep,
  type StoryWait,
} from '../story.js';
import { type Mark, type Placed, placeMarks } from './marks.js';
import type { PictureRow } from './rows.js';
import { fitted, svg, textWidth } from './svg.js';

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

const ROW = 40;
const MANY_ROW = 66;
const BAR_TOP = 42;
const BAR_HEIGHT = 34;
const KERNEL_TOP = BAR_TOP + BAR_HEIGHT + 24;
const FIRST_ROW = KERNEL_TOP + 48;
const BOX = 26;

export function columnsFor(width: number): Columns {
  const isNarrow = width < 700;
  if (isNarrow) {
    const question = 102;
    const part = (width - 14 - question) / 3;
    return {
      label: 14,
      question,
      sleep: question + part * 0.9,
      answer: question + part * 2.1,
      work: width - 14,
      end: width - 14,
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

export class Picture {
  readonly #story: Story;
  readonly #step: StoryStep;
  readonly #wait: StoryWait;
  readonly #rows: PictureRow[];
  readonly #columns: Columns;
  readonly #prediction: Prediction | null;
  /** The middle of each row. */
  readonly #middles: number[] = [];
  readonly height: number;
  readonly #sets: SetName[];
  readonly #placed: Placed;

  constructor(
    story: Story,
    step: StoryStep,
    rows: PictureRow[],
    columns: Columns,
    prediction: Prediction | null,
  ) {
    this.#story = story;
    this.#step = step;
    this.#wait = step.wait as StoryWait;
    this.#rows = rows;
    this.#columns = columns;
    this.#prediction = prediction;
    let y = FIRST_ROW;
    for (const { isMany } of rows) {
      const height = isMany ? MANY_ROW : ROW;
      this.#middles.push(y + (height - ROW) / 2);
      y += height;
    }
    this.height = y - 12;
    this.#sets = SET_NAMES.filter((set) => this.#wait.asked[set] !== null);
    const isHidden = columns.isNarrow || prediction !== null;
    const nothing = { marks: [], prints: [], hidden: 0 };
    this.#placed = isHidden
      ? nothing
      : placeMarks(story, step.calls, rows, columns.work + 20, columns.end - 8);
  }

  draw(width: number, label: string): SVGElement {
    const parts = [
      ...this.#ground(width),
      ...this.#bar(),
      ...this.#rows.flatMap((row, i) => this.#rowLine(row, i)),
      ...this.#setNames(),
      ...this.#arrows(),
      ...this.#rows.flatMap((row, i) => this.#rowBits(row, i)),
      ...this.#arrivals(),
      ...this.#work(),
    ];
    return svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${this.height}`,
        width,
        height: this.height,
        role: 'group',
        'aria-label': label,
      },
      ...parts,
    );
  }

  #ground(width: number): SVGElement[] {
    const { sleep, answer, label, isNarrow } = this.#columns;
    return [
      svg('rect', { class: 'kernel', x: 0, y: KERNEL_TOP, width, height: this.height - KERNEL_TOP }),
      svg('rect', {
        class: 'night',
        x: sleep,
        y: KERNEL_TOP,
        width: answer - sleep,
        height: this.height - KERNEL_TOP,
      }),
      svg('rect', { class: 'border', x: 0, y: KERNEL_TOP - 1.25, width, height: 2.5 }),
      text('strong', label, KERNEL_TOP + 20, isNarrow ? 'kernel' : 'the kernel'),
      text('strong', label, BAR_TOP + 23, isNarrow ? 'program' : 'your program'),
      ...(this.#placed.prints.length > 0 ? [text('quiet', label, 26, 'its screen')] : []),
    ];
  }

  #bar(): SVGElement[] {
    const { question, sleep, answer, work, end, isNarrow } = this.#columns;
    const { call, result, errno, isUnfinished } = this.#wait;
    const bar = (className: string, from: number, to: number) =>
      svg('rect', {
        class: className,
        x: from,
        y: BAR_TOP,
        width: Math.max(0, to - from),
        height: BAR_HEIGHT,
      });
    const word = (className: string, x: number, words: string, anchor = 'start') =>
      svg('text', { class: className, x, y: BAR_TOP + 22.5, 'text-anchor': anchor }, words);
    const value = errno || (this.#prediction || isUnfinished ? '?' : String(result));
    const parts = [
      bar('ink', question, sleep),
      bar('asleep', sleep, answer),
      word(
        'bar mono',
        isNarrow ? (question + sleep) / 2 : question + 12,
        isNarrow ? 'asks' : `${call}( )`,
        isNarrow ? 'middle' : 'start',
      ),
    ];
    if (this.#wait.timeout !== 0) parts.push(word('asleepword', (sleep + answer) / 2, 'asleep', 'middle'));
    if (isUnfinished) return parts;
    parts.push(bar('ink', answer, isNarrow ? end : work - 1));
    parts.push(
      isNarrow
        ? word('bar', (answer + end) / 2, 'is told', 'middle')
        : word('bar mono', answer + 12, `= ${value}`),
    );
    if (isNarrow || this.#prediction) return parts;
    parts.push(
      bar('ink', work + 1, end),
      word('bar', work + 11, this.#workWords()),
      word('bar again', end - 12, this.#endWords(), 'end'),
    );
    return parts;
  }

  #workWords(): string {
    const { number } = this.#step;
    const from = this.#wait.at + this.#wait.took;
    const seconds = Math.max(0, this.#story.at(number + 1) - from);
    return this.#story.data.isUntimed ? 'works' : `works ${shortDuration(seconds)}`;
  }

  #endWords(): string {
    if (this.#step.number < this.#story.length) return 'asks again →';
    return this.#step.calls.some(({ name }) => name === 'exited' || name === 'killed')
      ? 'ends'
      : 'the recording ends';
  }

  #rowLine(row: PictureRow, i: number): SVGElement[] {
    const { label, question, end, isNarrow } = this.#columns;
    const y = this.#middles[i] ?? 0;
    const isQuiet = row.state !== 'open';
    const room = question - label - (isNarrow ? 6 : 54);
    const top = row.role && !isNarrow ? y - 2 : y + 6;
    const size = textWidth(row.name, 17, 700) > room ? 14 : 17;
    const name = text(`name${isQuiet ? ' quiet' : ''}`, label, top, shortName(row.name, room, size));
    name.style.fontSize = `${size}px`;
    const title = svg('title', {}, row.name);
    name.append(title);
    const parts: SVGElement[] = [name];
    if (row.role && !isNarrow) parts.push(text('role', label, y + 15, row.role));
    const right = isQuiet ? row.state : row.fd;
    if (!isNarrow)
      parts.push(
        svg(
          'text',
          { class: isQuiet ? 'role' : 'fd', x: question - 16, y: y + 5, 'text-anchor': 'end' },
          right,
        ),
      );
    const [from, to] = this.#lifeLine(row);
    if (row.state === 'open')
      parts.unshift(svg('line', { class: 'hair', x1: from, x2: Math.min(to, end), y1: y, y2: y }));
    return parts;
  }

  /** From where to where a row's line goes: a descriptor that this step opens begins at its accept. */
  #lifeLine({ lives, isMany }: PictureRow): [number, number] {
    const { question, work, end } = this.#columns;
    const [first, last] = this.#story.range(this.#step.number);
    const { from, to } = this.#story.life(lives[0] ?? -1);
    const hidden = this.#prediction ? work : end;
    if (isMany) return [question, hidden];
    const opens = from >= first && from < last;
    const closes = to !== null && to >= first && to < last;
    const mark = (kind: 'open' | 'close') =>
      this.#placed.marks.find(({ kind: k, life, other }) =>
        kind === 'open' ? other === lives[0] && k !== 'list' : k === 'close' && life === lives[0],
      )?.x;
    if (this.#prediction && opens) return [question, question];
    return [opens ? (mark('open') ?? work) : question, closes ? (mark('close') ?? hidden) : hidden];
  }

  /** Where the bits of a set stand, from the beginning of a column. */
  #bitX(set: SetName): number {
    const { question, sleep, isNarrow } = this.#columns;
    const i = Math.max(0, this.#sets.indexOf(set));
    return (
      (isNarrow && this.#sets.length === 1 ? 23 : 25) +
      i * Math.min(78, (sleep - question - 40) / Math.max(1, this.#sets.length - 1) || 78)
    );
  }

  #setNames(): SVGElement[] {
    const { question, answer, isNarrow } = this.#columns;
    if (isNarrow && this.#sets.length < 2) return [];
    const at = (x: number, words: string) => text('setname', x, KERNEL_TOP + 20, words);
    if (this.#wait.kind === 'list')
      return [at(question + 7, 'the list'), ...(this.#prediction ? [] : [at(answer + 7, 'returned')])];
    const names = this.#wait.call === 'select' ? FD_SETS : this.#wait.kind === 'one' ? ALONE : POLL_EVENTS;
    return this.#sets.flatMap((set) => [
      at(question + this.#bitX(set) - 18, isNarrow ? SHORT_SETS[set] : names[set]),
      ...(this.#prediction
        ? []
        : [at(answer + this.#bitX(set) - 18, isNarrow ? SHORT_SETS[set] : names[set])]),
    ]);
  }

  #arrows(): SVGElement[] {
    const { question, answer } = this.#columns;
    const parts = [arrow('asked', question + 25, BAR_TOP + BAR_HEIGHT + 2, KERNEL_TOP + 6)];
    if (!this.#prediction && !this.#wait.isUnfinished && this.#wait.errno === '')
      parts.push(arrow('came', answer + 25, KERNEL_TOP + 2, BAR_TOP + BAR_HEIGHT + 1));
    return parts;
  }

  #rowBits(row: PictureRow, i: number): SVGElement[] {
    const y = this.#middles[i] ?? 0;
    if (row.isMany) return this.#grid(row, y);
    const [life = -1] = row.lives;
    if (this.#wait.kind === 'list') return this.#listBits(life, y, i);
    return this.#sets.flatMap((set) => {
      if (!this.#wait.asked[set]?.includes(life)) return [];
      const x = this.#bitX(set);
      return [
        box('askedbox', this.#columns.question + x, y, '1', this.#bitKey(life, set, 'asked')),
        ...this.#answerBit(life, set, x, y),
      ];
    });
  }

  #answerBit(life: number, set: SetName, x: number, y: number): SVGElement[] {
    const at = this.#columns.answer + x;
    if (this.#prediction) return [this.#pick(life, set, at, y)];
    if (this.#wait.errno !== '' || this.#wait.isUnfinished) return [];
    if (this.#wait.ready[set]?.includes(life))
      return [box('readybox', at, y, '1', this.#bitKey(life, set, 'ready'))];
    return [
      svg('rect', { class: 'kernel', x: at - 10, y: y - 10, width: 20, height: 20 }),
      svg('text', { class: 'zero', x: at, y: y + 6, 'text-anchor': 'middle' }, '0'),
    ];
  }

  /** A bit's name, for who looks for it in the page: `5 read ready`. */
  #bitKey(life: number, set: SetName, when: 'asked' | 'ready'): string {
    return `${this.#story.life(life).fd} ${set} ${when}`;
  }

  /** A box for the student's guess. */
  #pick(life: number, set: SetName, x: number, y: number): SVGElement {
    const prediction = this.#prediction as Prediction;
    const key = `${life}:${set}`;
    const isPicked = prediction.picks.has(key);
    const made = svg(
      'g',
      {
        class: `pick${isPicked ? ' picked' : ''}`,
        role: 'checkbox',
        tabindex: 0,
        'aria-checked': String(isPicked),
        'aria-label': `${this.#story.life(life).name} will be ready${this.#sets.length > 1 ? ` in ${FD_SETS[set]}` : ''}`,
        'data-key': key,
      },
      box('pickbox', x, y, isPicked ? '1' : '?'),
    );
    made.addEventListener('click', () => prediction.toggle(key));
    made.addEventListener('keydown', (event) => {
      const { key: pressed } = event as KeyboardEvent;
      if (pressed !== ' ' && pressed !== 'Enter') return;
      event.preventDefault();
      event.stopPropagation();
      prediction.toggle(key);
    });
    return made;
  }

  #listBits(life: number, y: number, i: number): SVGElement[] {
    const { question, answer } = this.#columns;
    const sets = this.#sets.filter((set) => this.#wait.asked[set]?.includes(life));
    const parts: SVGElement[] = [];
    if (i === 0) parts.push(this.#capsule());
    if (sets.length === 0) return parts;
    parts.push(
      svg('circle', {
        class: 'listed',
        cx: question + 25,
        cy: y,
        r: 9.5,
        'data-bit': sets.map((set) => this.#bitKey(life, set, 'asked')).join(),
      }),
    );
    if (this.#prediction) return [...parts, this.#pick(life, sets[0] ?? 'read', answer + 25, y)];
    const ready = SET_NAMES.filter((set) => this.#wait.ready[set]?.includes(life));
    if (ready.length === 0) return parts;
    const words = ready
      .map((set) => (this.#wait.call === 'kevent' ? KQUEUE_EVENTS : EPOLL_EVENTS)[set])
      .join('|');
    const width = textWidth(words, 14, 700, true) + 16;
    parts.push(
      svg('rect', {
        class: 'readybox',
        x: answer + 12,
        y: y - BOX / 2,
        width,
        height: BOX,
        rx: 5,
        'data-bit': ready.map((set) => this.#bitKey(life, set, 'ready')).join(),
      }),
      svg('text', { class: 'event', x: answer + 20, y: y + 5 }, words),
    );
    return parts;
  }

  /** The list of epoll or kqueue stays in the kernel from wait to wait: a dotted line around it. */
  #capsule(): SVGElement {
    const { question } = this.#columns;
    const top = (this.#middles[0] ?? 0) - 20;
    const bottom = (this.#middles.at(-1) ?? 0) + 20;
    return svg('rect', {
      class: 'capsule',
      x: question + 5,
      y: top,
      width: 40,
      height: bottom - top,
      rx: 20,
    });
  }

  /** Many descriptors in one row: a tiny box each, a dot for not ready. */
  #grid({ lives }: PictureRow, y: number): SVGElement[] {
    const { question, sleep, answer } = this.#columns;
    const parts: SVGElement[] = [];
    const set = this.#sets[0] ?? 'read';
    const columns = Math.max(4, Math.floor((sleep - question - 26) / 8));
    const asked = lives.filter((life) => SET_NAMES.some((name) => this.#wait.asked[name]?.includes(life)));
    const lines = Math.min(7, Math.ceil(asked.length / columns));
    const shown = asked.slice(0, columns * lines);
    for (const [i, life] of shown.entries()) {
      const x = (i % columns) * 8;
      const top = y - (lines * 8) / 2 + Math.floor(i / columns) * 8;
      parts.push(
        svg('rect', {
          class: 'tinybox',
          x: question + 12.5 + x,
          y: top + 0.5,
          width: 5,
          height: 5,
          rx: 1,
          'data-bit': this.#bitKey(life, set, 'asked'),
        }),
      );
      if (this.#prediction || this.#wait.kind === 'list') continue;
      const isReady = this.#wait.ready[set]?.includes(life);
      if (isReady)
        parts.push(
          svg('rect', {
            class: 'readybox',
            x: answer + 12 + x,
            y: top,
            width: 6.5,
            height: 6.5,
            rx: 1,
            'data-bit': this.#bitKey(life, set, 'ready'),
          }),
        );
      else parts.push(svg('circle', { class: 'tinyzero', cx: answer + 15 + x, cy: top + 3, r: 1.1 }));
    }
    return parts;
  }

  /** What lies in the kernel: a tag at the end of the sleep, and a bar to the call that takes it. */
  #arrivals(): SVGElement[] {
    const { answer, end, isNarrow, work } = this.#columns;
    return this.#wait.reasons.flatMap((reason) => {
      const i = this.#rows.findIndex(({ lives }) => lives.includes(reason.life));
      const words = tagText(reason);
      if (i < 0 || words === '' || this.#rows[i]?.isMany) return [];
      const y = this.#middles[i] ?? 0;
      const taken = this.#placed.marks.find((mark) => mark.kind === 'up' && mark.life === reason.life)?.x;
      const x = answer + this.#bitX(reason.set ?? 'read');
      const tagEnd = answer - 8;
      const barEnd = this.#prediction
        ? tagEnd
        : isNarrow
          ? x
          : reason.set === 'write'
            ? x
            : (taken ?? (this.#placed.hidden > 0 ? work : end));
      const width = textWidth(words, 14, 600) + 16;
      const parts =
        barEnd > tagEnd ? [svg('line', { class: 'bar-came', x1: tagEnd, x2: barEnd, y1: y, y2: y })] : [];
      parts.push(
        svg(
          'rect',
          { class: 'tag', x: tagEnd - width, y: y - 14, width, height: 28, rx: 6 },
          svg(
            'title',
            {},
            'It had come by then; when exactly, the recording of the program alone does not say.',
          ),
        ),
        svg('text', { class: 'tagtext', x: tagEnd - width / 2, y: y + 5, 'text-anchor': 'middle' }, words),
      );
      if (!this.#prediction && this.#wait.kind !== 'list' && reason.set)
        parts.push(box('readybox', x, y, '1'));
      if (!this.#prediction && this.#wait.kind === 'list')
        parts.push(...this.#listBits(reason.life, y, -1).slice(1));
      return parts;
    });
  }

  #work(): SVGElement[] {
    const { marks, prints, hidden } = this.#placed;
    const { end } = this.#columns;
    const parts = [
      ...marks.flatMap((mark) => this.#mark(mark)),
      ...prints.flatMap((print) => printBox(print)),
    ];
    if (hidden > 0)
      parts.push(
        svg(
          'text',
          { class: 'more', x: end - 8, y: KERNEL_TOP + 20, 'text-anchor': 'end' },
          `+ ${hidden} more calls`,
        ),
      );
    return parts;
  }

  #mark({ kind, rows, name, rest, data, x }: Mark): SVGElement[] {
    const ys = rows.map((row) => this.#middles[row] ?? 0);
    const y = ys.at(-1) ?? 0;
    const top = BAR_TOP + BAR_HEIGHT;
    const parts: SVGElement[] = [];
    if (kind === 'up')
      parts.push(arrow('came', x, y, top + 1), svg('circle', { class: 'dot', cx: x, cy: y, r: 5.5 }));
    if (kind === 'down') {
      parts.push(svg('line', { class: 'asked', x1: x, x2: x, y1: top, y2: y - 4 }));
      for (const head of ys)
        parts.push(svg('path', { class: 'head-asked', d: `M${x - 6.5} ${head - 8} h13 l-6.5 11 z` }));
    }
    if (kind === 'list') {
      parts.push(
        svg('line', { class: 'asked dotted', x1: x, x2: x, y1: top, y2: y - 9 }),
        svg('circle', { class: 'listed', cx: x, cy: y, r: 6 }),
      );
    }
    if (kind === 'close')
      parts.push(svg('path', { class: 'cross', d: `M${x - 6} ${y - 6} l12 12 m0 -12 l-12 12` }));
    const label = svg(
      'text',
      { class: 'call', x: x + 11, y: y - 6 },
      svg('tspan', { class: 'callname' }, kind === 'list' ? '' : name),
    );
    if (rest) label.append(kind === 'list' ? rest : ` ${rest}`);
    parts.push(label);
    if (data) parts.push(svg('text', { class: 'data', x: x + 11, y: y + 16 }, data));
    return parts;
  }
}

const SHORT_SETS = { read: 'read', write: 'write', except: 'exc.' };
const POLL_EVENTS = { read: 'POLLIN', write: 'POLLOUT', except: 'POLLPRI' };
const EPOLL_EVENTS = { read: 'EPOLLIN', write: 'EPOLLOUT', except: 'EPOLLPRI' };
const KQUEUE_EVENTS = { read: 'READ', write: 'WRITE', except: '' };
const ALONE = { read: 'alone', write: 'alone', except: 'alone' };

/** What lies in the kernel, in a word. */
export function tagText(reason: StoryReason): string {
  switch (arrivalOf(reason)) {
    case 'connection':
      return 'a connection';
    case 'bytes':
      return bytesText(arrivedBytes(reason));
    case 'end':
      return 'the end';
    case 'reset':
      return 'a reset';
    case 'room':
      return 'room';
    case 'connected':
      return 'connected';
    case 'urgent':
      return 'urgent data';
    case 'stop':
      return 'stop';
    default:
      return reason.life >= 0 ? 'ready' : '';
  }
}

function text(className: string, x: number, y: number, words: string): SVGElement {
  return svg('text', { class: className, x, y }, words);
}

/** A name that fits: of an address, its port. */
function shortName(name: string, room: number, size: number): string {
  const [, port] = /^.*:(\d+)$/.exec(name) ?? [];
  const isLong = textWidth(name, size, 700) > room;
  return fitted(isLong && port ? `port ${port}` : name, room, size, 700);
}

/** A bit in its box. */
function box(className: string, x: number, y: number, bit: string, key = ''): SVGElement {
  return svg(
    'g',
    { class: className, ...(key && { 'data-bit': key }) },
    svg('rect', { x: x - BOX / 2, y: y - BOX / 2, width: BOX, height: BOX, rx: 5 }),
    svg('text', { class: 'bit', x, y: y + 6, 'text-anchor': 'middle' }, bit),
  );
}

function arrow(className: string, x: number, from: number, to: number): SVGElement {
  const down = to > from;
  const line = svg('line', { class: className, x1: x, x2: x, y1: from, y2: down ? to - 8 : to + 8 });
  const head = svg('path', {
    class: `head-${className}`,
    d: `M${x - 6} ${down ? to - 9 : to + 9} h12 l-6 ${down ? 9 : -9} z`,
  });
  return svg('g', {}, line, head);
}

function printBox({ text: words, x, width }: { text: string; x: number; width: number }): SVGElement[] {
  const [first = '', ...more] = words.split('\n');
  const shown = fitted(more.length > 0 ? `${first} …` : first, width - 18, 15, 400, true);
  return [
    svg('rect', { class: 'screen', x, y: 6, width, height: 27, rx: 5 }, svg('title', {}, words)),
    svg('text', { class: 'print', x: x + 9, y: 24.5 }, shown),
    svg('line', { class: 'wire', x1: x + 7, x2: x + 7, y1: 33, y2: BAR_TOP }),
  ];
}
