/** Follow: the descriptor whose waits are gone through. */
import type { Story } from '../../story/story.js';
import { byId, html } from './svg.js';

/** Descriptors that can be chosen. */
const MAX_FOLLOWED = 500;

export class Follow {
  readonly #select = byId<HTMLSelectElement>('follow');

  /** @param changed is called when another descriptor is chosen */
  constructor(changed: () => void) {
    this.#select.addEventListener('change', changed);
  }

  /** Another program has other descriptors. */
  clear(): void {
    for (const option of this.#select.querySelectorAll('option:not([value=""])')) option.remove();
  }

  /** Adds the descriptors that are not yet in the list. */
  add(story: Story, lives: number[]): void {
    const isNew = (life: number) => !this.#select.querySelector(`option[value="${life}"]`);
    for (const life of lives.slice(0, MAX_FOLLOWED).filter(isNew)) {
      const { name, fd } = story.life(life);
      this.#select.append(html('option', { value: life }, `${fd} ${name}`));
    }
  }

  /** The next wait on the chosen descriptor, or the one before. */
  next(story: Story, number: number, direction: 1 | -1): number | undefined {
    const { value } = this.#select;
    const step = value === '' ? undefined : story.next(Number(value), number, direction);
    return step === 0 ? undefined : step;
  }
}
