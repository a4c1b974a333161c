/** The words of the chosen wait: title, note, sentences, the folds below the picture. */
import { printedBy } from '../../story/calls.js';
import { type Clause, heading, sentencesOf, summary } from '../../story/sentences.js';
import type { Story, StoryStep } from '../../story/story.js';
import { bitTables, callList, descriptorRows, whenText } from './folds.js';
import { byId, html } from './svg.js';

/** Characters of the output that are shown. */
const MAX_OUTPUT_CHARS = 8000;

export function drawHead(story: Story): void {
  const { program, notes } = story.data;
  document.title = `${program}, recorded`;
  byId('program').textContent = program;
  byId('summary').textContent = summary(story);
  byId('notes').textContent = notes.join('; ');
  byId('length').textContent = story.length.toLocaleString('en-US');
  byId<HTMLInputElement>('number').max = String(story.length);
}

/** @param isHidden whether the answer, and what follows it, is to be predicted */
export function drawWords(story: Story, step: StoryStep, isHidden: boolean): void {
  const { number, wait } = step;
  const comment = story.data.comments?.[number] ?? '';
  byId('title').textContent = isHidden
    ? `Wait ${number}: what will ${wait?.call ?? 'it'} find?`
    : heading(story, number);
  byId('comment').textContent = comment;
  byId('comment').hidden = comment === '';
  byId('when').textContent = whenText(story, step);
  const { question, sleep, answer, work } = sentencesOf(story, step);
  byId('question').textContent = question;
  byId('sleep').textContent = sleep;
  byId('answer').replaceChildren(...(isHidden ? ['Click what will be ready, or nothing.'] : clauses(answer)));
  byId('work').textContent = isHidden ? 'You will see.' : work;
  byId('legend').className = wait?.kind === 'list' ? 'list' : 'sets';
}

export function drawFolds(story: Story, step: StoryStep, isHidden: boolean): void {
  const fill = (id: string, nodes: () => (Node | string)[], hides = isHidden) => {
    const isOpen = byId(id).closest('details')?.open ?? true;
    byId(id).replaceChildren(...(isOpen && !hides ? nodes() : []));
  };
  fill('calls', () => callList(story, step));
  fill('setup', () => callList(story, story.step(0)));
  fill('bits', () => bitTables(story, step));
  fill('descriptors', () => descriptorRows(story, step));
  const output = () => {
    const { before, own } = printedBy(story, step.number, MAX_OUTPUT_CHARS);
    const now = isHidden ? '' : own.slice(-MAX_OUTPUT_CHARS);
    return [before, ...(now ? [html('mark', {}, now)] : [])].filter((part) => part !== '');
  };
  fill('output', output, false);
  byId('output').scrollTop = byId('output').scrollHeight;
  const setup = story.step(0).calls.length;
  byId('setup-title').textContent =
    `Set-up: ${setup} ${setup === 1 ? 'call' : 'calls'} before the first wait`;
  (byId('bits').closest('details') as HTMLElement).hidden = step.wait?.kind !== 'sets';
}

/** An address breaks before its port, and not within it. */
function breakable(element: HTMLElement): HTMLElement {
  const text = element.textContent ?? '';
  const at = text.search(/\d+:?$/);
  if (text[at - 1] === ':')
    element.replaceChildren(text.slice(0, at), document.createElement('wbr'), text.slice(at));
  return element;
}

/** The names set off from what is said of them. */
function clauses(answer: Clause[]): (Node | string)[] {
  return answer.flatMap(({ name, text }, i) => [
    ...(i > 0 ? [' '] : []),
    ...(name ? [breakable(html('strong', {}, name)), ' '] : []),
    text,
  ]);
}
