/** The words of the story: a title and four sentences for each wait. They run in Node and in the page. */
import type { Life, Story, StoryCall, StoryReason, StoryStep, StoryWait } from './story.js';

/** What the sentences about a wait need to know of its descriptors. */
export interface Named {
  life(life: number): Pick<Life, 'name' | 'kind'>;
}

/** Names in a sentence before the rest is counted. */
const MAX_NAMES = 3;

/** Below this a wait is no sleep: its answer was there already. */
const MIN_SLEEP_S = 0.0001;

/** Work in more parts than these is summed up. */
const MAX_PARTS = 6;

export interface Clause {
  /** the descriptor that it is about; empty for none */
  name: string;
  text: string;
}

/** What a wait is about, in words. */
export interface Sentences {
  title: string;
  question: string;
  sleep: string;
  answer: Clause[];
  work: string;
}

/** What the four sentences are called. */
export const SENTENCE_NAMES = {
  question: '1 The question',
  sleep: '2 Sleep',
  answer: '3 The answer',
  work: '4 The work',
} as const;

export const FIRST_TITLE = 'How one program listens to many: it asks, it sleeps, it is told';

export function sentencesOf(story: Story, step: StoryStep): Sentences {
  const { wait } = step;
  if (!wait) return { title: 'Set-up', question: '', sleep: '', answer: [], work: workText(story, step) };
  const isFirst = step.number === 1;
  return {
    title: titleOf(story, step),
    question: questionText(story, wait, isFirst),
    sleep: sleepText(wait, isFirst),
    answer: answerOf(story, wait, isFirst),
    work: workText(story, step),
  };
}

/** The answer as one text. */
export function clausesText(clauses: Clause[]): string {
  return clauses.map(({ name, text }) => (name ? `${name} ${text}` : text)).join(' ');
}

/** `1.18 s`, `12 ms`, `0.85 ms`; a no-break space before the unit. */
export function shortDuration(seconds: number): string {
  if (seconds >= 100) return `${Math.round(seconds)}\u00a0s`;
  if (seconds >= 10) return `${seconds.toFixed(1)}\u00a0s`;
  if (seconds >= 0.0995) return `${seconds.toFixed(2)}\u00a0s`;
  if (seconds >= 0.00995) return `${Math.round(seconds * 1000)}\u00a0ms`;
  if (seconds >= 0.001) return `${(seconds * 1000).toFixed(1)}\u00a0ms`;
  return `${(seconds * 1000).toFixed(2)}\u00a0ms`;
}

/** `1,001` */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `17 bytes` */
export function bytesText(count: number): string {
  return `${countText(count)}\u00a0${count === 1 ? 'byte' : 'bytes'}`;
}

/** `alice`, `alice and bob`, `alice, bob and carol`, `80 clients` */
export function namesText(story: Named, lives: number[], noun = 'descriptors'): string {
  const names = [...new Set(lives)].map((life) => story.life(life).name);
  if (names.length > MAX_NAMES) return `${countText(names.length)} ${noun}`;
  return listText(names);
}

function listText(words: string[]): string {
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${last}` : last;
}

/** @param isFirst whether it is the first wait of the program */
export function questionText(story: Named, wait: StoryWait, isFirst: boolean): string {
  const { kind, asked, timeout } = wait;
  const parts: string[] = [];
  if (kind === 'list') {
    const first = 'The kernel keeps a list. Is anything on it ready?';
    parts.push(isFirst ? first : 'Is anything on the list ready?');
  } else if (kind === 'one') {
    parts.push(oneQuestion(story, wait));
  } else {
    if (asked.read?.length) parts.push(readQuestion(story, asked.read));
    if (asked.write?.length) parts.push(`Can ${oneName(story, asked.write)} take more?`);
    if (asked.except?.length) parts.push(`Has ${namesText(story, asked.except, 'of them')} urgent data?`);
    if (parts.length === 0) parts.push('It asks about no descriptor.');
    else if (isFirst) parts[0] = `The program asks: ${lowerFirst(parts[0] ?? '')}`;
  }
  if (timeout === 0) parts.push('Do not wait.');
  else if (timeout !== null) parts.push(`Wait ${shortDuration(timeout)} at most.`);
  return parts.join(' ');
}

function readQuestion(story: Named, lives: number[]): string {
  if (lives.length === 1) return `Can ${oneName(story, lives)} be read?`;
  return `Which of these ${countText(lives.length)} can be read?`;
}

/** `the listener`, `alice` */
function oneName(story: Named, lives: number[]): string {
  const name = namesText(story, lives, 'of them');
  return name === 'listener' || name === 'server' ? `the ${name}` : name;
}

function oneQuestion(story: Named, { call, asked }: StoryWait): string {
  const name = oneName(story, asked.read ?? asked.write ?? []);
  if (call === 'accept') return `Is a connection waiting? It asks about ${name} alone.`;
  if (call === 'connect') return `Is the connection made? It asks about ${name} alone.`;
  return `Can ${name} be read? It asks about this one alone.`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

export function sleepText(wait: StoryWait, isFirst: boolean): string {
  if (wait.isUnfinished) return 'It sleeps. The recording ends here.';
  if (wait.timeout === 0) return 'None.';
  const hasAnswer = wait.result > 0 && wait.errno === '';
  if (wait.took < MIN_SLEEP_S && hasAnswer) return 'None. The answer is there already.';
  const sleeps = `t sleeps for ${shortDuration(wait.took)}.`;
  return isFirst && wait.kind !== 'one' ? `Nothing yet. I${sleeps}` : `I${sleeps}`;
}

export function answerOf(story: Named, wait: StoryWait, isFirst: boolean): Clause[] {
  const answer = answerClauses(story, wait);
  const wakes = isFirst && wait.took >= MIN_SLEEP_S && answer[0] && !answer[0].text.startsWith('None');
  return wakes ? [{ name: '', text: 'The kernel wakes it:' }, ...answer] : answer;
}

function answerClauses(story: Named, wait: StoryWait): Clause[] {
  if (wait.isUnfinished) return [{ name: '', text: 'None.' }];
  if (wait.errno === 'EINTR') return [{ name: '', text: 'A signal has interrupted it (EINTR).' }];
  if (wait.errno !== '') return failure(story, wait);
  if (wait.result === 0 && wait.kind !== 'one') {
    const isOver = wait.timeout !== null && wait.timeout > 0;
    return [{ name: '', text: isOver ? `None. The ${shortDuration(wait.timeout ?? 0)} are over.` : 'None.' }];
  }
  const reasons = wait.reasons.filter(({ life }) => life >= 0);
  const lives = [...new Set(reasons.map(({ life }) => life))];
  if (lives.length > MAX_NAMES) {
    const names = lives.slice(0, MAX_NAMES).map((life) => story.life(life).name);
    const rest = lives.length - MAX_NAMES;
    return [
      {
        name: `${countText(lives.length)} of them:`,
        text: `${names.join(', ')} and ${countText(rest)} more.`,
      },
    ];
  }
  return reasons.map((reason, i) => {
    const end = i < reasons.length - 1 ? ';' : '.';
    return { name: `${story.life(reason.life).name}:`, text: answerText(story, reason) + end };
  });
}

function failure(story: Named, { errno, reasons }: StoryWait): Clause[] {
  const clauses = reasons.map(({ life, text }) => ({
    name: life < 0 ? '' : `${story.life(life).name}:`,
    text: `${text} (${errno}).`,
  }));
  return clauses.length > 0 ? clauses : [{ name: '', text: `It fails: ${errno}.` }];
}

/** What a ready descriptor has. */
export type Arrival =
  | 'connection'
  | 'bytes'
  | 'end'
  | 'reset'
  | 'room'
  | 'connected'
  | 'urgent'
  | 'stop'
  | 'other';

/** The kind of a reason, by its sentence. */
export function arrivalOf({ text, set }: StoryReason): Arrival {
  if (/^a connection is waiting/.test(text)) return 'connection';
  if (/\bbytes? can be read/.test(text)) return 'bytes';
  if (/reset/.test(text)) return 'reset';
  if (/^the (peer has closed|end)|^its end/.test(text)) return 'end';
  if (/^it is connected/.test(text)) return 'connected';
  if (set === 'write') return 'room';
  if (set === 'except') return 'urgent';
  return /^the loop is/.test(text) ? 'stop' : 'other';
}

/** The number of bytes in a reason: `17 bytes can be read`. */
export function arrivedBytes({ text }: StoryReason): number {
  return Number(/(\d+) bytes?\b/.exec(text)?.[1] ?? 0);
}

function answerText(story: Named, reason: StoryReason): string {
  const { kind } = story.life(reason.life);
  const arrival = arrivalOf(reason);
  if (arrival === 'end') return kind === 'conn' ? 'its end. The client has closed' : 'its end';
  if (arrival === 'bytes')
    return reason.text.replace(/(\d+) (bytes?)/, (_, count) => bytesText(Number(count)));
  return reason.text;
}

function titleOf(story: Story, step: StoryStep): string {
  const wait = step.wait as StoryWait;
  if (wait.isUnfinished) return 'it still sleeps';
  if (wait.errno === 'EINTR') return 'a signal comes';
  if (wait.errno !== '') return `the wait fails: ${wait.errno}`;
  if (wait.result === 0 && wait.kind !== 'one') {
    return wait.timeout ? `nothing comes for ${shortDuration(wait.timeout)}` : 'nothing is ready';
  }
  const reasons = wait.reasons.filter(({ life }) => life >= 0);
  const titles = byArrival(story, step, reasons);
  if (titles.length > 2)
    return `${countText(new Set(reasons.map(({ life }) => life)).size)} descriptors are ready`;
  return titles.join(', ') || 'something is ready';
}

/** One clause for each kind of arrival. */
function byArrival(story: Story, step: StoryStep, reasons: StoryReason[]): string[] {
  const groups = new Map<Arrival, StoryReason[]>();
  for (const reason of reasons) {
    const arrival = arrivalOf(reason);
    groups.set(arrival, [...(groups.get(arrival) ?? []), reason]);
  }
  return [...groups].map(([arrival, group]) => groupTitle(story, step, arrival, group));
}

function groupTitle(story: Story, step: StoryStep, arrival: Arrival, group: StoryReason[]): string {
  const lives = [...new Set(group.map(({ life }) => life))];
  const isOne = lives.length === 1;
  const who = namesText(story, lives, 'clients');
  const s = isOne ? 's' : '';
  switch (arrival) {
    case 'connection':
      return connectTitle(story, step);
    case 'bytes':
      return isOne ? bytesTitle(story, step, group[0] as StoryReason) : `${who} send at once`;
    case 'end':
      return story.life(lives[0] ?? -1).kind === 'conn' ? `${who} leave${s}` : `${who} end${s}`;
    case 'reset':
      return `${who} reset${s} the connection`;
    case 'room':
      return `${who} can take more`;
    case 'connected':
      return `the connection to ${who} is made`;
    case 'urgent':
      return `urgent data from ${who}`;
    case 'stop':
      return 'Ctrl-C, the program is told to stop';
    default:
      return `${who} ${isOne ? 'is' : 'are'} ready`;
  }
}

function connectTitle(story: Story, { calls }: StoryStep): string {
  const accepted = calls
    .filter(({ name, errno }) => name === 'accept' && errno === '')
    .map(({ other }) => other);
  if (accepted.length === 0) return 'a connection is waiting';
  return `${namesText(story, accepted, 'clients')} connect${accepted.length === 1 ? 's' : ''}`;
}

function bytesTitle(story: Story, step: StoryStep, reason: StoryReason): string {
  const { name, kind, namedBy } = story.life(reason.life);
  const [first, end] = story.range(step.number);
  if (kind === 'stdin') {
    const line = step.calls.find(({ life }) => life === reason.life)?.text.trim();
    return line ? `“${line.length > 24 ? `${line.slice(0, 23)}…` : line}” is typed` : 'something is typed';
  }
  if (namedBy !== undefined && namedBy >= first && namedBy < end && !step.calls.some(isSaid))
    return `${name} says a name`;
  return `${name} sends ${bytesText(arrivedBytes(reason))}`;
}

/** `alice: hello`: a name with a message behind it. */
function isSaid({ name, text }: StoryCall): boolean {
  return /^rec|^read/.test(name) && /^[^\n]*(:| says)/.test(text);
}

/** A part of the work: calls of one kind on some descriptors. */
interface Part {
  verb: string;
  /** bytes, lines, or how many */
  amount: number;
  lives: number[];
}

function workText(story: Story, step: StoryStep): string {
  if (step.wait?.isUnfinished) return '';
  let parts = merged(story, step.calls);
  if (parts.length > MAX_PARTS) parts = summed(parts);
  const phrases = parts.map((part) => phrase(story, part));
  if (isIdle(step)) return `Nothing to do. ${nextText(story, step)}`;
  if (phrases.length === 0) return `It calls ${callsText(step)}. Then ${lowerFirst(nextText(story, step))}`;
  const text =
    phrases.length > 2 ? `${phrases.slice(0, -1).join(', ')}, and ${phrases.at(-1)}` : phrases.join(' and ');
  const says = step.number === 1 || hasEnded(step);
  return `It ${text}.${says ? ` Then ${lowerFirst(nextText(story, step))}` : ''}`;
}

const isEnd = ({ name }: StoryCall) => name === 'exited' || name === 'killed';

function hasEnded({ calls }: StoryStep): boolean {
  return calls.some(isEnd);
}

/** Whether a wait is followed by no call at all. */
export function isIdle({ calls }: StoryStep): boolean {
  return calls.every(isEnd);
}

/** What comes after the work. */
function nextText(story: Story, step: StoryStep): string {
  if (hasEnded(step)) return 'It ends.';
  if (step.number < story.length) return 'It asks again.';
  return story.data.isLive ? 'It goes on.' : 'The recording ends.';
}

/** Calls that have no phrase of their own: `fcntl and recv (EAGAIN)` */
function callsText({ calls }: StoryStep): string {
  const names = calls
    .filter((call) => !isEnd(call))
    .map(({ name, errno }) => `${name}${errno ? ` (${errno})` : ''}`);
  const different = [...new Set(names)];
  return different.length > MAX_NAMES ? `${countText(different.length)} functions` : listText(different);
}

/** Neighbours of one kind become one part: `sends 24 bytes to alice, bob and carol`. */
function merged(story: Story, calls: StoryCall[]): Part[] {
  const parts: Part[] = [];
  for (const call of calls) {
    const part = partOf(story, call);
    const last = parts.at(-1);
    if (!part) continue;
    const isSame = last?.verb === part.verb && (part.verb !== 'sends' || last.amount === part.amount);
    if (!last || !isSame) parts.push(part);
    else {
      last.lives.push(...part.lives);
      if (part.verb !== 'sends') last.amount += part.amount;
    }
  }
  return parts;
}

/** One part for each kind. */
function summed(parts: Part[]): Part[] {
  const byVerb = new Map<string, Part>();
  for (const { verb, amount, lives } of parts) {
    const part = byVerb.get(verb) ?? { verb, amount: 0, lives: [] };
    byVerb.set(verb, part);
    part.amount += verb === 'sends' ? amount * lives.length : amount;
    part.lives.push(...lives);
  }
  // The amounts of sends are now in all, and no more to each.
  return [...byVerb.values()].map((part) =>
    part.verb === 'sends' ? { ...part, verb: 'sends in all' } : part,
  );
}

function partOf(story: Story, { name, took, life, other, result, errno, text }: StoryCall): Part | null {
  if (errno !== '' && errno !== 'EINPROGRESS') return null;
  const on = (verb: string, amount = 1, lives = [life]): Part => ({ verb, amount, lives });
  if (name === 'accept') return on('accepts', 1, [other]);
  if (name === 'connect') return on('connects to');
  if (name === 'close') return on('closes');
  if (name === 'fork') return on('starts', 1, []);
  if (name === 'nanosleep') return on('sleeps', took, []);
  if (name === 'epoll_ctl' || name === 'kevent') return listPart(on, text, other);
  if (/^(recv|read)/.test(name)) return result === 0 ? on('reads the end of', 0) : on('reads', result);
  if (!/^(send|write)/.test(name)) return null;
  return story.life(life).kind === 'output' ? on('prints', lineCount(text), []) : on('sends', result);
}

function listPart(
  on: (verb: string, amount: number, lives: number[]) => Part,
  text: string,
  other: number,
): Part | null {
  if (/ADD/.test(text)) return on('puts on the list', 1, [other]);
  return /DEL/.test(text) ? on('takes off the list', 1, [other]) : null;
}

/** Python may write a line and its end by two calls: together they are one line. */
function lineCount(text: string): number {
  return text.split('\n').length - 1;
}

function phrase(story: Story, { verb, amount, lives }: Part): string {
  const who = namesText(story, lives, 'clients');
  switch (verb) {
    case 'accepts':
      return `accepts the ${lives.length === 1 ? 'connection' : 'connections'} from ${who}`;
    case 'reads':
      return `reads ${bytesText(amount)}${new Set(lives).size > 1 ? ` from ${who}` : ''}`;
    case 'sends':
      return `sends ${bytesText(amount)} to ${who}`;
    case 'sends in all':
      return `sends ${bytesText(amount)} in all to ${who}`;
    case 'sleeps':
      return `sleeps for ${shortDuration(amount)}`;
    case 'prints':
      return amount <= 1 ? 'prints a line' : `prints ${countText(amount)} lines`;
    case 'puts on the list':
      return `puts ${who} on the list`;
    case 'takes off the list':
      return `takes ${who} off the list`;
    case 'starts':
      return amount === 1 ? 'starts a process' : `starts ${amount} processes`;
    default:
      return `${verb} ${who}`;
  }
}

/** `27 waits in 18.6 s. Asleep 99.8 % of the time.` */
export function summary(story: Story): string {
  const waits = `${countText(story.length)} ${story.length === 1 ? 'wait' : 'waits'}`;
  if (story.data.isUntimed) return `${waits}. The log has no times: the order alone is known.`;
  return `${waits} in ${shortDuration(story.seconds)}. Asleep ${(100 * story.asleep).toFixed(1)}\u00a0% of the time.`;
}

/** `Wait 7: alice sends 17 bytes` */
export function heading(story: Story, number: number): string {
  if (number === 0) return 'Set-up: before the first wait';
  if (number === 1) return FIRST_TITLE;
  return `Wait ${countText(number)}: ${sentencesOf(story, story.step(number)).title}`;
}
