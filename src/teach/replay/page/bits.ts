/** The bits of a wait: hollow in the question, filled in the answer; the student's guesses; many in one row. */
import { FD_SETS, SET_NAMES, type SetName } from '../../story/story.js';
import type { PictureRow } from './rows.js';
import { BOX, bitX, type Prediction, type Scene } from './scene.js';
import { svg, textWidth } from './svg.js';

export function rowBits(scene: Scene, row: PictureRow, i: number): SVGElement[] {
  const y = scene.middles[i] ?? 0;
  if (row.isMany) return gridOfMany(scene, row, y);
  const [life = -1] = row.lives;
  if (scene.wait.kind === 'list') return listBits(scene, life, y, i);
  return scene.sets.flatMap((set) => {
    if (!scene.wait.asked[set]?.includes(life)) return [];
    const x = bitX(scene, set);
    return [
      box('askedbox', scene.columns.question + x, y, '1', bitKey(scene, life, set, 'asked')),
      ...answerBit(scene, life, set, x, y),
    ];
  });
}

function answerBit(scene: Scene, life: number, set: SetName, x: number, y: number): SVGElement[] {
  const at = scene.columns.answer + x;
  if (scene.prediction) return [pickFor(scene, life, set, at, y)];
  if (scene.wait.errno !== '' || scene.wait.isUnfinished) return [];
  if (scene.wait.ready[set]?.includes(life))
    return [box('readybox', at, y, '1', bitKey(scene, life, set, 'ready'))];
  return [box('zerobox', at, y, '0')];
}

/** A bit's name, for who looks for it in the page: `5 read ready`. */
function bitKey(scene: Scene, life: number, set: SetName, when: 'asked' | 'ready'): string {
  return `${scene.story.life(life).fd} ${set} ${when}`;
}

/** A box for the student's guess. */
function pickFor(scene: Scene, life: number, set: SetName, x: number, y: number): SVGElement {
  const prediction = scene.prediction as Prediction;
  const key = `${life}:${set}`;
  const isPicked = prediction.picks.has(key);
  const made = svg(
    'g',
    {
      class: `pick${isPicked ? ' picked' : ''}`,
      role: 'checkbox',
      tabindex: 0,
      'aria-checked': String(isPicked),
      'aria-label': `${scene.story.life(life).name} will be ready${scene.sets.length > 1 ? ` in ${FD_SETS[set]}` : ''}`,
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

function listBits(scene: Scene, life: number, y: number, i: number): SVGElement[] {
  const { question, answer } = scene.columns;
  const sets = scene.sets.filter((set) => scene.wait.asked[set]?.includes(life));
  const parts: SVGElement[] = [];
  if (i === 0) parts.push(capsule(scene));
  if (sets.length === 0) return parts;
  parts.push(
    svg('circle', {
      class: 'listed',
      cx: question + 25,
      cy: y,
      r: 9.5,
      'data-bit': sets.map((set) => bitKey(scene, life, set, 'asked')).join(),
    }),
  );
  if (scene.prediction) return [...parts, pickFor(scene, life, sets[0] ?? 'read', answer + 25, y)];
  const ready = SET_NAMES.filter((set) => scene.wait.ready[set]?.includes(life));
  if (ready.length === 0) return parts;
  const words = ready
    .map((set) => (scene.wait.call === 'kevent' ? KQUEUE_EVENTS : EPOLL_EVENTS)[set])
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
      'data-bit': ready.map((set) => bitKey(scene, life, set, 'ready')).join(),
    }),
    svg('text', { class: 'event', x: answer + 20, y: y + 5 }, words),
  );
  return parts;
}

/** The list of epoll or kqueue stays in the kernel from wait to wait: a dotted line around it. */
function capsule(scene: Scene): SVGElement {
  const { question } = scene.columns;
  const top = (scene.middles[0] ?? 0) - 20;
  const bottom = (scene.middles.at(-1) ?? 0) + 20;
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
function gridOfMany(scene: Scene, { lives }: PictureRow, y: number): SVGElement[] {
  const { question, sleep, answer } = scene.columns;
  const parts: SVGElement[] = [];
  const set = scene.sets[0] ?? 'read';
  const columns = Math.max(4, Math.floor((sleep - question - 26) / 8));
  const asked = lives.filter((life) => SET_NAMES.some((name) => scene.wait.asked[name]?.includes(life)));
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
        'data-bit': bitKey(scene, life, set, 'asked'),
      }),
    );
    if (scene.prediction || scene.wait.kind === 'list') continue;
    const isReady = scene.wait.ready[set]?.includes(life);
    if (isReady)
      parts.push(
        svg('rect', {
          class: 'readybox',
          x: answer + 12 + x,
          y: top,
          width: 6.5,
          height: 6.5,
          rx: 1,
          'data-bit': bitKey(scene, life, set, 'ready'),
        }),
      );
    else parts.push(svg('circle', { class: 'tinyzero', cx: answer + 15 + x, cy: top + 3, r: 1.1 }));
  }
  return parts;
}

const EPOLL_EVENTS = { read: 'EPOLLIN', write: 'EPOLLOUT', except: 'EPOLLPRI' };

const KQUEUE_EVENTS = { read: 'READ', write: 'WRITE', except: '' };

/** A bit in its box. */
function box(className: string, x: number, y: number, bit: string, key = ''): SVGElement {
  return svg(
    'g',
    { class: className, ...(key && { 'data-bit': key }) },
    svg('rect', { x: x - BOX / 2, y: y - BOX / 2, width: BOX, height: BOX, rx: 5 }),
    svg('text', { class: 'bit', x, y: y + 6, 'text-anchor': 'middle' }, bit),
  );
}
