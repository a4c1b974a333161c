/** Below the picture: the calls of a step, the program's output, the sets as the kernel sees them, the descriptors. */
import { callWords } from '../../story/calls.js';
import { countText, shortDuration } from '../../story/sentences.js';
import { FD_SETS, SET_NAMES, type Story, type StoryCall, type StoryStep } from '../../story/story.js';
import { html } from './svg.js';

/** Rows of a list before the rest is a number. */
const MAX_ITEMS = 1000;

/** A call in a line: `recv 26 alice: 17 bytes hello`. */
export function callLine(story: Story, call: StoryCall): (Node | string)[] {
  const { name, rest, data } = callWords(story, call);
  if (name === '') return [html('span', { class: 'plain' }, rest)];
  return [html('b', {}, name), rest, ...(data ? [' ', html('mark', {}, data)] : [])];
}

export function callList(story: Story, { calls }: StoryStep): Node[] {
  const items: Node[] = calls.slice(0, MAX_ITEMS).map((call) => html('li', {}, ...callLine(story, call)));
  if (calls.length > MAX_ITEMS) items.push(html('li', {}, `and ${countText(calls.length - MAX_ITEMS)} more`));
  return items;
}

/** All bits of the sets, in tens: before the call and after it. */
export function bitTables(story: Story, { wait }: StoryStep): Node[] {
  if (!wait || wait.kind === 'list') return [];
  const sets = SET_NAMES.filter((set) => wait.asked[set] !== null);
  const fds = (lives: number[] | null) => new Set((lives ?? []).map((life) => story.life(life).fd));
  const rows = sets.flatMap((set) => [
    { set, when: 'before', fds: fds(wait.asked[set]) },
    { set, when: 'after', fds: fds(wait.ready[set]) },
  ]);
  const all = rows.flatMap((row) => [...row.fds]);
  const end = Math.max(wait.nfds, ...all.map((fd) => fd + 1));
  const tens = [...new Set(all.map((fd) => fd - (fd % 10)))].sort((a, b) => a - b);
  return tens.flatMap((first, i) => {
    const from = i === 0 ? 0 : (tens[i - 1] ?? 0) + 10;
    const blank = from < first ? [html('p', {}, `${from} to ${first - 1}: all 0`)] : [];
    return [...blank, bitTable(rows, first, Math.min(first + 10, end))];
  });
}

function bitTable(
  rows: { set: keyof typeof FD_SETS; when: string; fds: Set<number> }[],
  first: number,
  end: number,
): Node {
  const fds = Array.from({ length: end - first }, (_, i) => first + i);
  const head = html(
    'tr',
    {},
    html('th', { scope: 'col' }, 'fd'),
    ...fds.map((fd) => html('th', { scope: 'col' }, String(fd))),
  );
  const lines = rows.map(({ set, when, fds: members }) =>
    html(
      'tr',
      { class: when },
      html('th', { scope: 'row' }, `${FD_SETS[set]} ${when}`),
      ...fds.map((fd) => html('td', members.has(fd) ? { class: 'set' } : {}, members.has(fd) ? '1' : '0')),
    ),
  );
  return html('table', { class: 'bits' }, html('thead', {}, head), html('tbody', {}, ...lines));
}

/** The descriptors that are open at a step. */
export function descriptorRows(story: Story, step: StoryStep): Node[] {
  const { number, wait } = step;
  const rows = story.data.lives.flatMap((_, i) => {
    if (story.state(i, number) !== 'open') return [];
    const { fd, name, address } = story.life(i);
    const sets = SET_NAMES.filter((set) => wait?.asked[set]?.includes(i));
    const ready = SET_NAMES.filter((set) => wait?.ready[set]?.includes(i));
    const words = sets.map((set) => (ready.includes(set) ? `● ${set}: ready` : `○ ${set}`)).join(', ');
    const what = address === undefined ? name : `${name}: ${address}`;
    return [{ fd, isReady: ready.length > 0, cells: [String(fd), words, what] }];
  });
  const many = rows.length > 16;
  rows.sort((a, b) => (many ? Number(b.isReady) - Number(a.isReady) : 0) || a.fd - b.fd);
  return rows
    .slice(0, MAX_ITEMS)
    .map(({ isReady, cells }) =>
      html('tr', isReady ? { class: 'ready' } : {}, ...cells.map((cell) => html('td', {}, cell))),
    );
}

/** `at 5.112 s, 1.20 s long` */
export function whenText(story: Story, { wait }: StoryStep): string {
  if (!wait || story.data.isUntimed) return '';
  return `at ${(wait.at - story.beginsAt).toFixed(3)}\u00a0s, ${shortDuration(wait.took)} long`;
}
