#!/usr/bin/env node
/** The command line: `posix-select <program> [args]`. Each program runs its loop on a worker thread. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, program } from 'commander';
import { OSError } from './posix/errors.js';
import type { Address } from './posix/sys.js';
import { untilEnd } from './worker/process.js';
import { runInWorker } from './worker/run.js';

/** Exit code of a bad command line. */
const USAGE = 2;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

refusing(program)
  .name('posix-select')
  .usage('<program> [args]')
  .commandsGroup('programs:')
  .helpCommand(false)
  .description(
    'Small network programs around the real select(2), its loop in plain sight on a worker thread.',
  )
  .version(version);

add('select-server', 'prints who connects, what they send, and who leaves')
  .argument('[port]', 'port to listen on, 0 for a free one', integer(0, 65535), 3490)
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .action((port: number, { host }: { host: string }) =>
    run('select-server', { host, port }, (host, port) => [
      `npx posix-select select-client alice ${host} ${port}`,
      `nc ${host} ${port}`,
    ]),
  );

add('select-client', 'sends random letters to select-server, every few seconds')
  .argument('<prefix>', 'goes before each message, to tell the clients apart')
  .argument('<host>', 'host that the server runs on')
  .argument('<port>', 'port that the server listens on', integer(1, 65535))
  .option('--count <n>', 'ends after so many messages', integer(1, Number.MAX_SAFE_INTEGER))
  .option('--interval <seconds>', 'pause between two messages (default: 1 to 5 at random)', seconds)
  .action((prefix: string, host: string, port: number, options: { count?: number; interval?: number }) =>
    run('select-client', { prefix, host, port, ...options }),
  );

await program.parseAsync();

function add(name: string, summary: string): Command {
  return refusing(program.command(name).description(summary));
}

/** A bad command line ends with the usage, a line that says what is wrong, and exit code 2. */
function refusing(command: Command): Command {
  return command
    .configureHelp({ styleTitle: (title) => title.toLowerCase() })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
    .configureOutput({
      outputError: (text, write) => {
        const usage = command.createHelp().commandUsage(command);
        write(`usage: ${usage}\n${text.replace('unknown command', 'unknown program')}`);
      },
    });
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function seconds(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= 0 && number < Infinity) return number;
  throw new InvalidArgumentError('It must be a number of seconds.');
}

/** Runs a program to its end. A system call that fails is one line, without a stack trace, and exit code 1. */
async function run(
  name: string,
  args: object,
  howToTalk?: (host: string, port: number) => string[],
): Promise<void> {
  const loop = runInWorker(new URL(`programs/${name}.js`, import.meta.url), { args });
  if (howToTalk) loop.address.then((address) => hint(address, howToTalk)).catch(() => {});
  try {
    process.exitCode = await untilEnd(loop);
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
    process.stderr.write(`${err.message}\n`);
    process.exitCode = 1;
  }
}

/** Says on stderr where a server listens and how to reach it from another terminal. */
function hint([host, port]: Address, howToTalk: (host: string, port: number) => string[]): void {
  const shown = String(host).includes(':') ? `[${host}]` : host;
  const reachable = ['0.0.0.0', '::', '127.0.0.1'].includes(String(host)) ? 'localhost' : String(host);
  const ways = howToTalk(reachable, Number(port)).map((command) => `\n  ${command}`);
  process.stderr.write(`listening on ${shown}:${port}; talk to it from another terminal:${ways.join('')}\n`);
}
