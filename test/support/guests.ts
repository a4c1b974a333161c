/** What select-server shows, by client; and two clients that must not notice what others do. */
import { expect } from 'vitest';
import { type Process, until } from './process.js';
import { Python } from './python.js';

export type Server = Process & { port: number };

/** What stdout says of each client, by its address: `connected`, `5 bytes: b'hello'`, `disconnected`. */
export function byClient(server: Process): Map<string, string[]> {
  const shown = new Map<string, string[]>();
  for (const line of server.lines) {
    const [, address, event] = line.match(/^(\('.+?\)):? (.*)$/) ?? [];
    if (address === undefined || event === undefined) continue;
    if (!shown.has(address)) shown.set(address, []);
    shown.get(address)?.push(event);
  }
  return shown;
}

/** All that a client's events say it has sent: ASCII without quotes; each count of bytes must be right. */
export function said(events: string[] = []): string {
  let all = '';
  for (const event of events) {
    const [, bytes, text] = event.match(/^(\d+) bytes: b'(.*)'$/) ?? [];
    if (text === undefined) continue;
    expect(Number(bytes)).toBe(text.length);
    all += text;
  }
  return all;
}

/** How often a line that ends so has been shown. */
export function count(server: Process, end: 'connected' | 'disconnected'): number {
  return server.stdout.split(`: ${end}\n`).length - 1;
}

/** Two Python clients: all that they say must be shown, byte for byte, and in time. */
export class Guests {
  readonly #python = new Python();
  readonly #server: Server;
  #addresses: string[] = [];
  #all: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async of(server: Server): Promise<Guests> {
    const guests = new Guests(server);
    guests.#addresses = await guests.#python.run(
      `
      guests = [connect(args) for _ in range(2)]
      said = [b'', b'']
      lock = threading.Lock()

      def say(text):
          with lock:
              for i, guest in enumerate(guests):
                  guest.sendall(text)
                  said[i] += text

      def talk():
          n = 0
          while not enough.wait(0.005):
              say(b'%d,' % n)
              n += 1

      result = names(guests)
      `,
      server.port,
    );
    return guests;
  }

  /** Both send something. */
  async speak(text: string): Promise<void> {
    const step = 'say(args.encode()); result = [text.decode() for text in said]';
    this.#all = await this.#python.run<string[]>(step, text);
  }

  /** The server shows all that they have sent, at most so many milliseconds later. */
  async areHeard(ms?: number): Promise<void> {
    const heard = () => this.#heard().every((text, i) => text.startsWith(this.#all[i] as string));
    await until('the guests are heard', heard, ms).catch((err) => {
      const ends = (texts: string[]) => texts.map((text) => `… ${text.slice(-60)}`);
      expect(ends(this.#heard()), err.message).toEqual(ends(this.#all));
      throw err;
    });
  }

  async say(text: string, ms?: number): Promise<void> {
    await this.speak(text);
    await this.areHeard(ms);
  }

  /** They talk before, all through, and after it. */
  async during<T>(event: () => Promise<T>): Promise<T> {
    await this.say('before,');
    await this.#python.run(
      'enough = threading.Event(); talker = threading.Thread(target=talk, daemon=True); talker.start()',
    );
    const result = await event();
    await this.#python.run('enough.set(); talker.join()');
    await this.say('after.');
    expect(this.#heard()).toEqual(this.#all);
    return result;
  }

  #heard(): string[] {
    const events = byClient(this.#server);
    return this.#addresses.map((address) => said(events.get(address)));
  }
}
