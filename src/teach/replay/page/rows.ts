/** The rows of the picture: a descriptor each, in the same place through the whole run; of many, most in one row. */
import { ADDRESS, type Life, type Story, type StoryStep } from '../../story/story.js';

/** Descriptors that have a row each; with more, only some are unfolded. */
const MAX_ROWS = 9;

/** Clients that are unfolded beside the listener where there are many. */
const MAX_UNFOLDED = 2;

export interface PictureRow {
  /** the descriptors in it: one, or many that share the row */
  lives: number[];
  name: string;
  /** a word below the name */
  role: string;
  /** the name in full */
  title: string;
  fd: string;
  state: 'open' | 'not yet' | 'gone';
  isMany: boolean;
}

const ORDER = { listener: 0, conn: 1, other: 2, stdin: 3, output: 4, stop: 5 } as const;

const ROLES: Partial<Record<Life['kind'], string>> = {
  listener: 'new clients',
  stdin: 'the keyboard',
  stop: 'ours, for Ctrl-C',
};

/** The descriptors that are in a set at some time, in the order of the rows. */
export function waitedFor(story: Story): number[] {
  const lives = new Set(story.data.sets.flat());
  const { lives: all } = story.data;
  const rank = (life: number) => ORDER[all[life]?.kind ?? 'other'];
  return [...lives].sort((a, b) => rank(a) - rank(b) || a - b);
}

export function rowsOf(story: Story, step: StoryStep, lives: number[]): PictureRow[] {
  if (lives.length <= MAX_ROWS) return lives.map((life) => oneRow(story, step, life));
  const active = activeLives(step).filter((life) => lives.includes(life));
  const isAlone = (life: number) => !['conn', 'other'].includes(story.life(life).kind);
  const unfolded = new Set(active.filter((life) => !isAlone(life)).slice(0, MAX_UNFOLDED));
  const rest = lives.filter((life) => !isAlone(life) && !unfolded.has(life));
  const open = rest.filter((life) => story.state(life, step.number) === 'open');
  const shown = lives
    .filter((life) => isAlone(life) || unfolded.has(life))
    .map((life) => oneRow(story, step, life));
  const at =
    shown.findLastIndex((row) =>
      ['listener', 'conn', 'other'].includes(story.life(row.lives[0] ?? -1).kind),
    ) + 1;
  shown.splice(at, 0, manyRow(open));
  return shown;
}

/** The descriptors of a step, those that were ready first. */
function activeLives({ wait, calls }: StoryStep): number[] {
  const ready = wait?.reasons.map(({ life }) => life) ?? [];
  return [...new Set([...ready, ...calls.flatMap(({ life, other }) => [other, life])])].filter(
    (life) => life >= 0,
  );
}

function oneRow(story: Story, step: StoryStep, life: number): PictureRow {
  const { name, address, fd, kind } = story.life(life);
  const state = story.state(life, step.number);
  const role = ROLES[kind] ?? hostOf(address ?? name);
  return { lives: [life], name, role, title: address ?? name, fd: String(fd), state, isMany: false };
}

/** The host of a peer on another machine. */
function hostOf(address: string): string {
  const host = ADDRESS.exec(address)?.[1] ?? '';
  return /^127\.|^\[(::1|::ffff:127\..*)\]$/.test(host) ? '' : host;
}

function manyRow(lives: number[]): PictureRow {
  const name = `${lives.length} more`;
  return { lives, name, role: 'descriptors', title: name, fd: '', state: 'open', isMany: true };
}
