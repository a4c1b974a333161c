/** Plays a story in its own time, faster or slower; no wait is too short to be seen. */
import type { Story } from '../../story/story.js';
import { byId } from './svg.js';

/** Milliseconds for which a wait is shown at the recording's own speed. */
const [MIN_STEP_MS, MAX_STEP_MS] = [800, 6000];

/** Milliseconds of a wait whose log has no times. */
const UNTIMED_STEP_MS = 1000;

export class Clock {
  readonly #speed = byId<HTMLSelectElement>('speed');
  readonly #next: () => boolean;
  #timer: number | undefined;

  /** @param next shows the next wait; false when there is none after it */
  constructor(next: () => boolean) {
    this.#next = next;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** Shows a wait for its time, and then the next. */
  start(story: Story, number: number): void {
    clearTimeout(this.#timer);
    const own = (story.at(number + 1) - story.at(number)) * 1000;
    const ms = Math.min(Math.max(story.data.isUntimed ? UNTIMED_STEP_MS : own, MIN_STEP_MS), MAX_STEP_MS);
    this.#timer = setTimeout(() => {
      if (this.#next()) this.start(story, number + 1);
      else this.stop();
    }, ms / Number(this.#speed.value));
    this.#draw();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#draw();
  }

  #draw(): void {
    byId('play').textContent = this.isRunning ? 'Pause' : 'Play';
    byId('title').setAttribute('aria-live', this.isRunning ? 'off' : 'polite');
  }
}
