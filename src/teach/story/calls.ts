/** A call in a line, and what the program has printed: for the terminal and for the page. */
import { bytesText, countText } from './sentences.js';
import type { Story, StoryCall } from './story.js';

/** `recv`, ` 26 alice: 17 bytes`, `hello` */
export interface CallWords {
  /** the call; empty where the rest is all of it, as strace shows it */
  name: string;
  rest: string;
  /** what went over */
  data: string;
}

export function callWords(story: Story, call: StoryCall): CallWords {
  const { name, life, other, result, errno, text } = call;
  const on = life < 0 ? '' : ` ${fdText(story, life)}`;
  const words = (rest: string, data = ''): CallWords => ({ name, rest, data });
  if (errno !== '') return words(`${on}: ${errno}`);
  if (name === 'accept')
    return words(`${on}: ${story.life(other).fd} is the connection of ${story.life(other).name}`);
  if (isTransfer(name)) return words(`${on}: ${amount(call)}`, text);
  if (text !== '') return { name: '', rest: text, data: '' };
  return words(name === 'exited' ? ` with code ${result}` : on || ` ${result}`);
}

/** What has been printed by the end of a step: its last part before the step, and all of it in the step. */
export function printedBy(story: Story, number: number, maxChars: number): { before: string; own: string } {
  const [first, end] = story.range(number);
  let own = '';
  for (let i = first; i < end; i++) own += printed(story, i);
  let before = '';
  for (let i = first - 1; i >= 0 && before.length < maxChars; i--) before = printed(story, i) + before;
  return { before: before.slice(-maxChars), own };
}

function printed(story: Story, i: number): string {
  const { name, life, text, errno } = story.call(i);
  const isPrint = errno === '' && isSend(name) && life >= 0 && story.life(life).kind === 'output';
  return isPrint ? text : '';
}

function fdText(story: Story, life: number): string {
  const { fd, name } = story.life(life);
  return `${fd} ${name}`;
}

const isSend = (name: string) => /^(send|write)/.test(name);
const isTransfer = (name: string) => /^(recv|read|send|write)/.test(name);

function amount({ name, result, length }: StoryCall): string {
  if (isSend(name) && result < length) return `${countText(result)} of ${bytesText(length)}`;
  return result === 0 && !isSend(name) ? '0 bytes, the end of the stream' : bytesText(result);
}
