/**
 * Runs the commands of a page as its reader would, and compares what they print with what the page shows.
 *
 * In a block marked `console`, lines that begin with `$ ` are commands, what follows is what they print, both
 * streams together. `…` stands for anything, on a line of its own for any lines; two dots or more for any number of
 * dots. A number that the page lists in `<!-- differs: … -->` stands for another one, the same all through, in
 * commands as well.
 * A block `console server` stays running while the blocks `console client` after it run, and gets Ctrl-C where it
 * shows `^C`, or at the end of those; what it prints after that is not compared unless it shows `^C`.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { CLI, until } from './process.js';
import { freePort } from './zoo.js';

/** The ports that pages use. Each is replaced by a free one. */
const PORTS = /\b(3490|5555|12345|34911|65432)\b/g;

/** What a server says about how to reach it: when it comes between other lines is left to the threads. */
const HINT = /^listening on .*;.*\n {2}npx .*\n {2}nc .*\n/m;

interface Command {
  text: string;
  /** What it prints, up to Ctrl-C and after. */
  shown: string[];
}

interface Block {
  role: 'server' | 'client' | '';
  commands: Command[];
}

/** The environment of a reader who has installed the package: `posix-select` is on the path. */
export function installed(folder: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'posix-select'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
  chmodSync(join(bin, 'posix-select'), 0o755);
  return { ...process.env, PATH: `${bin}:${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: '1' };
}

export function blocks(page: string): Block[] {
  return [...page.matchAll(/^```console *(server|client|)\n(.*?)^```$/gms)].map(([, role, text]) => ({
    role: role as Block['role'],
    commands: text
      .split(/^\$ /m)
      .slice(1)
      .map((command) => {
        const [first, ...rest] = command.split(/(?<=\n)/);
        return { text: first.trim(), shown: rest.join('').split('^C\n') };
      }),
  }));
}

/** Runs all commands of a page in `folder`. */
export async function run(page: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const ports = new Map<string, number>();
  for (const [port] of page.matchAll(PORTS)) if (!ports.has(port)) ports.set(port, await freePort());
  const text = page.replace(PORTS, (port) => String(ports.get(port)));
  const differing = text.match(/<!-- differs: (.*) -->/)?.[1].split(' ') ?? [];
  const known = new Map<string, string>();

  /** Whether `output` is what the page shows, or begins with it; what differs is then known. */
  function agrees(output: string, shown: string, end: '' | '$'): boolean {
    const match = output.match(new RegExp(`^${pattern(shown, differing, known)}${end}`));
    if (!match) return false;
    for (const [name, value] of Object.entries(match.groups ?? {})) known.set(name.slice(1), value);
    return true;
  }
  const compare = (shell: Shell, shown: string) => {
    if (!agrees(shell.output, shown, '$')) expect(shell.output, shell.command).toBe(shown);
  };
  const finish = async ({ shell, shown }: { shell: Shell; shown: string[] }) => {
    const before = shown[0];
    const isDone = () => shell.ended || agrees(shell.output, before, '');
    await until(shell.command, isDone).catch(() => expect(shell.output, shell.command).toBe(before));
    shell.interrupt();
    await until(`Ctrl-C ends ${shell.command}`, () => shell.ended);
    if (shown.length > 1) compare(shell, shown.join(''));
    else if (!agrees(shell.output, before, '')) expect(shell.output, shell.command).toBe(before);
  };

  let server: { shell: Shell; shown: string[] } | undefined;
  for (const { role, commands } of blocks(text)) {
    if (server && role !== 'client') {
      await finish(server);
      server = undefined;
    }
    for (const [i, { text: command, shown }] of commands.entries()) {
      const shell = new Shell(
        command.replace(/\d+/g, (digits) => known.get(digits) ?? digits),
        folder,
        env,
      );
      if (role === 'server' && i === commands.length - 1) {
        server = { shell, shown };
        const first = shown[0].match(/^(?!…$).*\n/m)?.[0] ?? '';
        const isReady = () => shell.listens || agrees(shell.output, `…\n${first}`, '') || shell.ended;
        await until(`${command} shows ${first}`, isReady);
      } else {
        await until(`${command} ends`, () => shell.ended);
        compare(shell, shown.join(''));
      }
    }
  }
  if (server) await finish(server);
}

/** A regular expression of what a page shows. */
function pattern(shown: string, differing: string[], known: Map<string, string>): string {
  const named = new Set<string>();
  const number = (digits: string) => {
    if (!differing.includes(digits)) return digits;
    const value = known.get(digits);
    if (value) return value;
    if (named.has(digits)) return `\\k<n${digits}>`;
    named.add(digits);
    return `(?<n${digits}>\\d+)`;
  };
  return (
    shown
      .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      .replace(/(\\\.){2,}/g, '\\.*')
      // In a row of bits one dot stands for any number, too: a descriptor of Node's own may lie between two of ours.
      .replace(/(?<=\\\.\*(?:\\\.|1)*1)\\\.(?=1)/g, '\\.*')
      .replace(/\d+/g, number)
      .replace(/^…\n/gm, '(?:.*\\n)*?')
      .replaceAll('…', '.*')
  );
}

/** A command line in bash, as the process group that Ctrl-C is for. */
class Shell {
  output = '';
  /** It is a server of ours, and can be reached. */
  listens = false;
  ended = false;
  readonly #pid: number;

  constructor(
    readonly command: string,
    cwd: string,
    env: NodeJS.ProcessEnv,
  ) {
    const child = spawn('bash', ['-c', `exec 2>&1\n${command}`], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#pid = child.pid as number;
    child.stdout.setEncoding('utf8').on('data', (data) => {
      this.output += data;
      this.listens ||= HINT.test(this.output);
      this.output = this.output.replace(HINT, '');
    });
    child.once('close', () => {
      this.ended = true;
    });
    onTestFinished(() => this.#kill('SIGKILL'));
  }

  interrupt(): void {
    this.#kill('SIGINT');
  }

  #kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#pid, signal);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
    }
  }
}
