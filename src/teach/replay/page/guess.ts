/** Predict: the answer is hidden until the student has said what will be ready. */
import type { StoryWait } from '../../story/story.js';
import { byId } from './svg.js';

export class Guess {
  isOn = false;
  /** What the student has clicked, as `life:set`. */
  readonly picks = new Set<string>();
  #isChecked = false;
  #right = 0;
  #checked = 0;

  /** Whether the answer of this wait is hidden. */
  get isHidden(): boolean {
    return this.isOn && !this.#isChecked;
  }

  turn(isOn: boolean): void {
    this.isOn = isOn;
    this.begin();
  }

  /** Another wait: nothing is guessed yet. */
  begin(): void {
    this.picks.clear();
    this.#isChecked = false;
  }

  toggle(key: string): void {
    if (!this.picks.delete(key)) this.picks.add(key);
  }

  check(wait: StoryWait | null): void {
    const reasons = (wait?.reasons ?? []).filter(({ life, set }) => life >= 0 && set);
    const ready = new Set(reasons.map(({ life, set }) => `${life}:${set}`));
    const isRight = this.picks.size === ready.size && [...this.picks].every((key) => ready.has(key));
    this.#isChecked = true;
    this.#checked++;
    if (isRight) this.#right++;
    byId('verdict').textContent = isRight ? 'Right.' : 'Not quite.';
  }

  draw(): void {
    byId('predict').setAttribute('aria-pressed', String(this.isOn));
    byId('check').hidden = !this.isHidden;
    byId('score').textContent =
      this.isOn && this.#checked > 0 ? `${this.#right} of ${this.#checked} right` : '';
    if (!this.#isChecked) byId('verdict').textContent = '';
    document.body.classList.toggle('predicting', this.isHidden);
  }
}
