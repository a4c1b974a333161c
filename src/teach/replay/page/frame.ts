/** The frame of the picture: the program's bar, the kernel below it, a line for each row. */
import { isIdle, shortDuration, sleepText } from '../../story/sentences.js';
import { FD_SETS } from '../../story/story.js';
import type { PictureRow } from './rows.js';
import { arrow, BAR_HEIGHT, BAR_TOP, bitX, KERNEL_TOP, type Scene, textAt } from './scene.js';
import { fittedName, svg, textWidth } from './svg.js';

export function ground(scene: Scene, width: number): SVGElement[] {
  const { sleep, answer, label, isNarrow } = scene.columns;
  return [
    svg('rect', { class: 'kernel', x: 0, y: KERNEL_TOP, width, height: scene.height - KERNEL_TOP }),
    svg('rect', {
      class: 'night',
      x: sleep,
      y: KERNEL_TOP,
      width: answer - sleep,
      height: scene.height - KERNEL_TOP,
    }),
    svg('rect', { class: 'border', x: 0, y: KERNEL_TOP - 1.25, width, height: 2.5 }),
    textAt('strong', label, KERNEL_TOP + 20, isNarrow ? 'kernel' : 'the kernel'),
    ...(isNarrow ? [] : [svg('text', { class: 'setname', ...fdPlace(scene, KERNEL_TOP + 20) }, 'fd')]),
    textAt('strong', label, BAR_TOP + 23, isNarrow ? 'program' : 'your program'),
    ...(scene.placed.prints.length > 0 ? [textAt('quiet', label, 26, 'its screen')] : []),
  ];
}

/** Where the number of a row ends. */
function fdPlace({ columns }: Scene, y: number): { x: number; y: number; 'text-anchor': string } {
  return { x: columns.question - 16, y, 'text-anchor': 'end' };
}

export function programBar(scene: Scene): SVGElement[] {
  const { question, sleep, answer, work, end, isNarrow } = scene.columns;
  const { call, result, errno, isUnfinished } = scene.wait;
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
  const value = errno || (scene.prediction || isUnfinished ? '?' : String(result));
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
  parts.push(...sleepWords(scene));
  if (isUnfinished) return parts;
  parts.push(bar('ink', answer, work - 1));
  parts.push(
    isNarrow
      ? word('bar', (answer + work) / 2, 'is told', 'middle')
      : word('bar mono', answer + 12, `= ${value}`),
  );
  if (scene.prediction) return parts;
  parts.push(bar('ink', work + 1, end));
  if (isNarrow)
    parts.push(word('bar', (work + end) / 2, isIdle(scene.step) ? 'no calls' : 'works', 'middle'));
  else
    parts.push(word('bar', work + 11, workWords(scene)), word('bar again', end - 12, endWords(scene), 'end'));
  return parts;
}

/** `asleep 2.00 s`, with the mark of a length that is not to scale. */
function sleepWords(scene: Scene): SVGElement[] {
  const { sleep, answer, isNarrow } = scene.columns;
  const { took, isUnfinished } = scene.wait;
  const hasSlept = !sleepText(scene.wait, false).startsWith('None');
  const isTimed = hasSlept && !isUnfinished && !scene.story.data.isUntimed;
  const duration = isTimed ? shortDuration(took) : '';
  const middle = (sleep + answer - (isTimed ? BREAK : 0)) / 2;
  const word = (y: number, words: string) =>
    svg('text', { class: 'asleepword', x: middle, y: BAR_TOP + y, 'text-anchor': 'middle' }, words);
  const asleep = hasSlept ? 'asleep' : 'no sleep';
  const words =
    isNarrow && isTimed
      ? [word(15, asleep), word(30, duration)]
      : [word(22.5, `${asleep} ${duration}`.trim())];
  return isTimed ? [...words, breakMark(answer - BREAK)] : words;
}

/** Pixels from the mark to the end of the sleep. */
const BREAK = 14;

/** Two strokes across the bar: a piece of it is left out. */
function breakMark(x: number): SVGElement {
  const [top, bottom] = [BAR_TOP - 3, BAR_TOP + BAR_HEIGHT + 3];
  const slant = 5;
  return svg(
    'g',
    { class: 'break' },
    svg('title', {}, 'Not to scale: the lengths are those in words. The run below is to scale.'),
    svg('path', { class: 'gap', d: `M${x} ${bottom} L${x + slant} ${top} h5 L${x + 5} ${bottom} z` }),
    svg('path', { class: 'strokes', d: `M${x} ${bottom} L${x + slant} ${top} m5 0 L${x + 5} ${bottom}` }),
  );
}

/** `works 1.0 ms`; where nothing is done, how long it is until the program asks again. */
function workWords(scene: Scene): string {
  const { number } = scene.step;
  const from = scene.wait.at + scene.wait.took;
  const duration = shortDuration(Math.max(0, scene.story.at(number + 1) - from));
  const { isUntimed } = scene.story.data;
  if (isIdle(scene.step)) return isUntimed ? 'no calls' : `${duration}, no calls`;
  return isUntimed ? 'works' : `works ${duration}`;
}

function endWords(scene: Scene): string {
  if (scene.step.number < scene.story.length) return 'asks again →';
  if (scene.story.data.isLive) return 'up to now';
  return scene.step.calls.some(({ name }) => name === 'exited' || name === 'killed')
    ? 'ends'
    : 'the recording ends';
}

export function rowLine(scene: Scene, row: PictureRow, i: number): SVGElement[] {
  const { label, question, end, isNarrow } = scene.columns;
  const y = scene.middles[i] ?? 0;
  const isQuiet = row.state !== 'open';
  const room = question - label - (isNarrow ? 6 : 54);
  const top = row.role && !isNarrow ? y - 2 : y + 6;
  const size = textWidth(fittedName(row.name, 1000, 17, 700), 17, 700) > room ? 14 : 17;
  const name = textAt(`name${isQuiet ? ' quiet' : ''}`, label, top, fittedName(row.name, room, size, 700));
  name.style.fontSize = `${size}px`;
  const title = svg('title', {}, row.title);
  name.append(title);
  const parts: SVGElement[] = [name];
  if (row.role && !isNarrow) parts.push(textAt('role', label, y + 15, row.role));
  const right = isQuiet ? row.state : row.fd;
  if (!isNarrow) parts.push(svg('text', { class: isQuiet ? 'role' : 'fd', ...fdPlace(scene, y + 5) }, right));
  const [from, to] = lifeLine(scene, row);
  if (row.state === 'open')
    parts.unshift(svg('line', { class: 'hair', x1: from, x2: Math.min(to, end), y1: y, y2: y }));
  return parts;
}

/** From where to where a row's line goes: a descriptor that this step opens begins at its accept. */
function lifeLine(scene: Scene, { lives, isMany }: PictureRow): [number, number] {
  const { question, work, end } = scene.columns;
  const [first, last] = scene.story.range(scene.step.number);
  const { from, to } = scene.story.life(lives[0] ?? -1);
  const hidden = scene.prediction ? work : end;
  if (isMany) return [question, hidden];
  const opens = from >= first && from < last;
  const closes = to !== null && to >= first && to < last;
  const mark = (kind: 'open' | 'close') =>
    scene.placed.marks.find(({ kind: k, life, other }) =>
      kind === 'open' ? other === lives[0] && k !== 'list' : k === 'close' && life === lives[0],
    )?.x;
  if (scene.prediction && opens) return [question, question];
  return [opens ? (mark('open') ?? work) : question, closes ? (mark('close') ?? hidden) : hidden];
}

export function setNames(scene: Scene): SVGElement[] {
  const { question, answer, isNarrow } = scene.columns;
  if (isNarrow && scene.sets.length < 2) return [];
  const at = (x: number, words: string) => textAt('setname', x, KERNEL_TOP + 20, words);
  if (scene.wait.kind === 'list')
    return [at(question + 7, 'the list'), ...(scene.prediction ? [] : [at(answer + 7, 'returned')])];
  const names = scene.wait.call === 'select' ? FD_SETS : scene.wait.kind === 'one' ? ALONE : POLL_EVENTS;
  return scene.sets.flatMap((set) => [
    at(question + bitX(scene, set) - 18, isNarrow ? SHORT_SETS[set] : names[set]),
    ...(scene.prediction
      ? []
      : [at(answer + bitX(scene, set) - 18, isNarrow ? SHORT_SETS[set] : names[set])]),
  ]);
}

export function waitArrows(scene: Scene): SVGElement[] {
  const { question, answer } = scene.columns;
  const parts = [arrow('asked', question + 25, BAR_TOP + BAR_HEIGHT + 2, KERNEL_TOP + 6)];
  if (!scene.prediction && !scene.wait.isUnfinished && scene.wait.errno === '')
    parts.push(
      arrow(hasAnswer(scene) ? 'came' : 'none', answer + 25, KERNEL_TOP + 2, BAR_TOP + BAR_HEIGHT + 1),
    );
  return parts;
}

/** Whether something is ready; what waits for one descriptor has it when it returns, be that 0 bytes. */
function hasAnswer({ wait }: Scene): boolean {
  return wait.result > 0 || wait.kind === 'one';
}

const SHORT_SETS = { read: 'read', write: 'write', except: 'exc.' };

const POLL_EVENTS = { read: 'POLLIN', write: 'POLLOUT', except: 'POLLPRI' };

const ALONE = { read: 'alone', write: 'alone', except: 'alone' };
