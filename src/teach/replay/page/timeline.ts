/** Time downwards: what is sent and received stands in its order, with more room where much time lies between. */

import type { Message } from '../../story/programs.js';
import { shortDuration } from '../../story/sentences.js';
import type { Story } from '../../story/story.js';

/** Pixels from one event to the next, and what a pause adds. */
export const PITCH = 25;
const PAUSE = 26;

/** Seconds between two events that are a pause. */
const PAUSE_S = 0.02;

/** Above the first event, and below the last. */
const MARGIN = 34;

/** A call that takes so long has slept in the kernel. */
const SLEPT_S = 0.001;

export interface Arrow {
  message: Message;
  /** Seconds and pixels of its two ends. */
  fromAt: number;
  toAt: number;
  fromY: number;
  toY: number;
}

/** A time that is written on the left. */
export interface TimeMark {
  y: number;
  text: string;
}

export class Timeline {
  readonly arrows: Arrow[];
  readonly marks: TimeMark[] = [];
  readonly height: number;
  /** The events, in their order. */
  readonly #times: number[] = [];
  readonly #ys: number[] = [];
  readonly #beginsAt: number;

  constructor(stories: Story[], messages: Message[]) {
    this.#beginsAt = Math.min(...stories.map(({ beginsAt }) => beginsAt));
    const sent = (program: number, call: number) => stories[program]?.call(call).at ?? 0;
    const taken = (program: number, call: number) => {
      const { at = 0, took = 0 } = stories[program]?.call(call) ?? {};
      return at + took;
    };
    const arrows = messages.map((message): Arrow => {
      const [, from, fromCall, to, toCall] = message;
      const fromAt = sent(from, fromCall);
      return { message, fromAt, toAt: Math.max(taken(to, toCall), fromAt + 1e-6), fromY: 0, toY: 0 };
    });
    arrows.sort((a, b) => a.fromAt - b.fromAt);
    const ys = this.#place(arrows);
    this.arrows = arrows.map((arrow) => {
      const [, from, fromCall, to, toCall] = arrow.message;
      return { ...arrow, fromY: ys.get(`${from} ${fromCall}`) ?? 0, toY: ys.get(`${to} ${toCall}`) ?? 0 };
    });
    this.height = (this.#ys.at(-1) ?? 0) + MARGIN;
  }

  /** Each event has a row: the call of one program, even where it has sent to many. */
  #place(arrows: Arrow[]): Map<string, number> {
    const events = new Map<string, number>();
    for (const { message, fromAt, toAt } of arrows) {
      const [, from, fromCall, to, toCall] = message;
      events.set(`${from} ${fromCall}`, fromAt);
      const known = events.get(`${to} ${toCall}`) ?? 0;
      events.set(`${to} ${toCall}`, Math.max(known, toAt));
    }
    const ys = new Map<string, number>();
    let y = MARGIN - PITCH;
    let last = Number.NEGATIVE_INFINITY;
    for (const [key, at] of [...events].sort(([, a], [, b]) => a - b)) {
      const isPause = at - last > PAUSE_S;
      y += PITCH + (isPause && last > 0 ? PAUSE : 0);
      if (isPause) this.marks.push({ y, text: shortDuration(at - this.#beginsAt) });
      ys.set(key, y);
      this.#times.push(at);
      this.#ys.push(y);
      last = at;
    }
    return ys;
  }

  /** Where a time stands: between two events in proportion. */
  yAt(seconds: number): number {
    return between(this.#times, this.#ys, seconds, 0, this.height);
  }

  /** The time at a place. */
  timeAt(y: number): number {
    return between(this.#ys, this.#times, y, this.#beginsAt, this.#times.at(-1) ?? 0);
  }
}

/** The value for a key that lies between known ones; below the first and above the last, the bounds. */
function between(keys: number[], values: number[], key: number, low: number, high: number): number {
  let [first, end] = [0, keys.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if ((keys[middle] ?? 0) <= key) first = middle + 1;
    else end = middle;
  }
  if (first === 0) return low;
  const [a = 0, b] = [keys[first - 1], keys[first]];
  const [from = 0, to = high] = [values[first - 1], values[first]];
  if (b === undefined) return key > a ? to : from;
  return from + ((to - from) * (key - a)) / (b - a);
}

/** When a program sleeps in the kernel: in its waits, and in any call that takes long. */
export function sleepsOf(story: Story): [from: number, to: number][] {
  const sleeps: [number, number][] = [];
  for (let i = 0; i < story.calls; i++) {
    const { at, took, name } = story.call(i);
    if (took >= SLEPT_S || (took > 0 && name === 'nanosleep')) sleeps.push([at, at + took]);
  }
  return sleeps;
}
