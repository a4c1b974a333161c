/** The lives of descriptors: a number may be another descriptor's once it is closed. */
import { ADDRESS, type Life, type LifeKind } from './story.js';

export class Lives {
  readonly #lives: Life[];
  /** The lives that are open, by descriptor. */
  readonly #open = new Map<number, number>();

  /** @param lives gets the lives; the others name one by its place among them */
  constructor(lives: Life[]) {
    this.#lives = lives;
  }

  clear(): void {
    this.#lives.length = 0;
    this.#open.clear();
  }

  /** One that is open where the story begins in the midst of a run. */
  seed(fd: number, name: string): void {
    const life = this.#lives[this.#add(fd, name, -1)] as Life;
    if (life.kind === 'other') life.kind = 'conn';
  }

  /** The life of a descriptor; one that nothing has opened was open before. */
  of(fd: number): number {
    return this.#open.get(fd) ?? this.#add(fd, `fd ${fd}`, -1);
  }

  /** @param at the place of the call that opens it */
  opened(fd: number, call: string, at: number): number {
    this.closed(fd, at);
    const place = this.#add(fd, `fd ${fd}`, at);
    if (call === 'accept') (this.#lives[place] as Life).kind = 'conn';
    return place;
  }

  /** @param at how many calls there are with the one that closes it */
  closed(fd: number, at: number): void {
    const life = this.#lives[this.#open.get(fd) ?? -1];
    if (life) life.to = at - 1;
    this.#open.delete(fd);
  }

  /**
   * A descriptor has a name, or another one.
   *
   * @param at the place of the call that gives it
   */
  named(fd: number, name: string, call: string, at: number): void {
    const place = this.#open.get(fd);
    if (place === undefined) this.#add(fd, name, at);
    else this.#rename(this.#lives[place] as Life, name, call, at);
  }

  #rename(life: Life, name: string, call: string, at: number): void {
    if (renamed(life, name, call)) life.namedBy ??= Math.max(at, 0) - (call === 'close' ? 1 : 0);
  }

  #add(fd: number, name: string, from: number): number {
    const place = this.#lives.push({ fd, name, kind: kindOf(fd, name), from, to: null }) - 1;
    this.#open.set(fd, place);
    return place;
  }
}

/** @returns whether it is a name that a user has chosen: what has it stays a connection */
export function renamed(life: Pick<Life, 'fd' | 'name' | 'kind'>, name: string, call: string): boolean {
  if (life.name === name) return false;
  const isUsers = life.kind === 'conn' && call !== 'accept' && call !== 'connect' && !ADDRESS.test(name);
  life.name = name;
  if (!isUsers) life.kind = kindOf(life.fd, name);
  return isUsers;
}

export function kindOf(fd: number, name: string): LifeKind {
  if (name === 'listener' || name === 'stop') return name;
  if (fd === 0) return 'stdin';
  if (fd === 1 || fd === 2) return 'output';
  return name === 'server' || name === 'client' || ADDRESS.test(name) ? 'conn' : 'other';
}
