/** Our programs in a terminal of their own. */
import { expect } from 'vitest';
import { CLI, until } from './process.js';
import { Python } from './python.js';

export const CTRL_C = '\x03';
export const CTRL_Z = '\x1a';
export const CTRL_D = '\x04';

/** One of our programs in a terminal whose keyboard is stdin, and whose screen is stdout. */
export class Terminal extends Python {
  constructor(program: string, args: (string | number)[], env: NodeJS.ProcessEnv = process.env) {
    super({ helpers: ['terminal'], env });
    const command = program === 'bash' ? [program] : [process.execPath, CLI, program];
    void this.run('show_in_terminal(args)', [...command, ...args.map(String)]);
  }

  /** Waits until the screen shows a text. */
  async shows(text: string): Promise<void> {
    await until(text, () => this.hasEnded || this.stdout.includes(text));
    expect(this.stdout).toContain(text);
  }

  /** Waits until the program has ended well and left the terminal as it was; returns what is on the screen. */
  async left(): Promise<string> {
    const exit = await this.exit;
    expect({ exit, stderr: this.stderr }).toEqual({ exit: 0, stderr: '' });
    return this.stdout.replaceAll('\r\n', '\n');
  }
}
