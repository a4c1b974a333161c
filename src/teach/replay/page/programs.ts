/** The programs of a page: which one is shown, and the address that leads to a wait: `#7`, of the second one `#2.7`. */
import type { PageData } from '../../story/programs.js';
import { Story } from '../../story/story.js';
import { Diagram } from './diagram.js';
import { Page } from './player.js';
import { byId, html } from './svg.js';

export class Programs {
  readonly #stories: Story[];
  readonly #page: Page;
  readonly #diagram: Diagram | undefined;
  readonly #select = byId<HTMLSelectElement>('which');
  #program: number;

  /** @param first the wait that it opens on, where the address names none */
  constructor({ programs, messages }: PageData, first = 1) {
    this.#stories = programs.map((data) => new Story(data));
    const { program, number } = this.#fromHash() ?? { program: 0, number: first };
    this.#program = program;
    this.#page = new Page(this.#story, number, (number) => this.#shown(number));
    window.addEventListener('hashchange', () => {
      const place = this.#fromHash();
      if (place) this.#open(place.program, place.number);
    });
    if (programs.length < 2) return;
    this.#diagram = new Diagram(this.#stories, messages, (program, number) => this.#open(program, number));
    this.#diagram.show(program, number);
    this.#addSelect();
  }

  /** The recording has grown, which has one program. */
  grow(story: Story): void {
    this.#stories[0] = story;
    this.#page.grow(story);
  }

  get #story(): Story {
    return this.#stories[this.#program] as Story;
  }

  #addSelect(): void {
    byId('program').hidden = true;
    this.#select.hidden = false;
    this.#select.append(...this.#stories.map(({ data }, i) => html('option', { value: i }, data.program)));
    this.#select.value = String(this.#program);
    this.#select.addEventListener('change', () => this.#open(Number(this.#select.value), 1));
  }

  #open(program: number, number: number): void {
    const isOther = program !== this.#program;
    this.#program = program;
    this.#select.value = String(program);
    if (isOther) this.#page.choose(this.#story, number);
    else this.#page.go(number);
  }

  #shown(number: number): void {
    const program = this.#program === 0 ? '' : `${this.#program + 1}.`;
    history.replaceState(null, '', `#${program}${number}`);
    this.#diagram?.show(this.#program, number);
  }

  #fromHash(): { program: number; number: number } | undefined {
    const [, program = '1', wait] = /^#(?:(\d+)\.)?(\d+)$/.exec(location.hash) ?? [];
    const story = this.#stories[Number(program) - 1];
    const number = Number(wait);
    if (!story || !(number >= story.first && number <= story.length)) return undefined;
    return { program: Number(program) - 1, number };
  }
}
