/** The run on paper: a card for each wait. */
import { sentencesOf } from '../../story/sentences.js';
import { SET_NAMES, type Story } from '../../story/story.js';
import { waitedFor } from './rows.js';
import { html } from './svg.js';

/** Cards that are printed. */
const MAX_CARDS = 300;

/** Descriptors on a card. */
const MAX_CARD_ROWS = 10;

export function storyboard(story: Story): Node[] {
  const lives = waitedFor(story);
  const cards: Node[] = [];
  for (let number = 1; number <= Math.min(story.length, MAX_CARDS); number++)
    cards.push(card(story, number, lives));
  if (story.length > MAX_CARDS) cards.push(html('p', {}, `and ${story.length - MAX_CARDS} more waits`));
  return cards;
}

function card(story: Story, number: number, lives: number[]): Node {
  const step = story.step(number);
  const { title, sleep, work } = sentencesOf(story, step);
  const { wait } = step;
  const asked = lives.filter((life) => SET_NAMES.some((set) => wait?.asked[set]?.includes(life)));
  const isReady = (life: number) => SET_NAMES.some((set) => wait?.ready[set]?.includes(life));
  const shown = asked.length > MAX_CARD_ROWS ? asked.filter(isReady).slice(0, MAX_CARD_ROWS) : asked;
  const rows = shown.map((life) => {
    const ready = isReady(life);
    return html(
      'tr',
      {},
      html('td', {}, html('span', { class: 'asked' }, '1')),
      html('td', {}, html('span', { class: ready ? 'ready' : 'zero' }, ready ? '1' : '0')),
      html('td', ready ? { class: 'strong' } : {}, story.life(life).name),
    );
  });
  if (shown.length < asked.length)
    rows.push(
      html('tr', {}, html('td', { colspan: 3 }, `and ${asked.length - shown.length} more, not ready`)),
    );
  const head = html('tr', {}, html('th', {}, 'asked'), html('th', {}, 'ready'), html('th', {}, ''));
  const comment = story.data.comments?.[number];
  return html(
    'section',
    { class: 'card' },
    html('h2', {}, `${number} ${title}`),
    html('table', {}, html('thead', {}, head), html('tbody', {}, ...rows)),
    html('p', {}, `${sleep} ${work}`),
    ...(comment ? [html('p', { class: 'comment' }, comment)] : []),
  );
}
