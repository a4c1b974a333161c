/** Finds waits by their titles, sentences, calls and names. */
import { sentencesOf } from '../../story/sentences.js';
import { FD_SETS, SET_NAMES, type Story } from '../../story/story.js';
import { byId, html } from './svg.js';

/** Results that are listed. */
const MAX_RESULTS = 200;

/** Milliseconds of one slice: the page stays responsive. */
const SLICE_MS = 12;

interface Result {
  number: number;
  title: string;
}

function textOf(story: Story, number: number): { title: string; text: string } {
  const step = story.step(number);
  const { title, question, answer, work } = sentencesOf(story, step);
  const sets = SET_NAMES.filter((set) => step.wait?.asked[set]?.length).map((set) => FD_SETS[set]);
  const calls = step.calls.slice(0, 200).map(({ name, result, errno, life, text }) => {
    const { name: who, address = '' } = story.life(life);
    return `${name} ${errno || result} ${life < 0 ? '' : who} ${text} ${address}`;
  });
  const words = [
    title,
    question,
    ...answer.map(({ name, text }) => `${name} ${text}`),
    work,
    step.wait?.call,
    ...sets,
    ...calls,
  ];
  return { title, text: words.join('\n').replaceAll('\u00a0', ' ').toLowerCase() };
}

/**
 * Searches in slices of time.
 *
 * @param found is called with what is found so far, and with whether that is all
 * @returns what ends the search
 */
function search(story: Story, query: string, found: (results: Result[], isAll: boolean) => void): () => void {
  const words = query.toLowerCase().trim();
  const results: Result[] = [];
  let number = 1;
  let timer: number | undefined;
  const slice = () => {
    const end = performance.now() + SLICE_MS;
    while (number <= story.length && results.length < MAX_RESULTS && performance.now() < end) {
      const { title, text } = textOf(story, number);
      if (text.includes(words)) results.push({ number, title });
      number++;
    }
    const isAll = number > story.length || results.length >= MAX_RESULTS;
    found(results, isAll);
    timer = isAll ? undefined : setTimeout(slice);
  };
  timer = setTimeout(slice);
  return () => clearTimeout(timer);
}

/** The box and its list. @param go is called with the wait that was chosen */
export function addSearch(story: () => Story, go: (number: number) => void): void {
  const box = byId<HTMLInputElement>('search');
  const list = byId('results');
  let end = () => {};
  const item = ({ number, title }: Result) => {
    const button = html('button', { type: 'button' }, `${number} `, html('span', {}, title));
    button.addEventListener('click', () => {
      list.hidden = true;
      go(number);
    });
    return html('li', {}, button);
  };
  box.addEventListener('input', () => {
    end();
    list.hidden = box.value.trim() === '';
    if (list.hidden) return;
    end = search(story(), box.value, (results, isAll) => {
      const none = isAll ? 'Nothing is found.' : 'Searching …';
      list.replaceChildren(...(results.length > 0 ? results.map(item) : [html('li', {}, none)]));
    });
  });
}
