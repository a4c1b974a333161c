/** What the commands share: how one is added, and the options that several of them have. */

import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { MAX_PENDING_BYTES, MAX_PENDING_TOTAL_BYTES } from '../loop/outbox.js';
import { sys } from '../posix/sys.js';
import { SELECTORS } from '../selectors.js';
import { FORMS } from '../teach/recording/format.js';

/** Exit code of a bad command line. */
const USAGE_ERROR = 2;

/** Three years: a timeout that every system accepts. */
const MAX_SECONDS = 100_000_000;

export const PORT = [1, 65535] as const;
export const PORT_OR_FREE = [0, 65535] as const;

/** The command for a module of the user's own, as the help names it. */
export const MODULE = './module.mjs';

/** A word that is a module and no program's name. */
export const isModule = (word = '') => /\.[cm]?[jt]s$/.test(word);

/** Adds a subcommand. */
export function add(parent: Command, name: string, summary: string): Command {
  return withUsageErrors(parent.command(name).description(summary));
}

/**
 * A bad command line ends with the usage, a line that says what is wrong, and exit code 2. At once: process.exit()
 * would wait for the thread that main.ts has begun to start, and Node may crash there.
 */
export function withUsageErrors(command: Command): Command {
  return command
    .configureHelp({
      styleTitle: (title) => title.toLowerCase(),
      subcommandTerm: (sub) => `${sub.name()} ${sub.usage().replace('[options] ', '')}`,
      minWidthToWrap: 20,
    })
    .exitOverride(({ exitCode }) => sys._exit(exitCode === 0 ? 0 : USAGE_ERROR))
    .configureOutput({
      outputError: (text, write) => {
        const usage = command.createHelp().commandUsage(command);
        const hint = misplacedOption(command.name(), text);
        write(`usage: ${usage}\n${text.replace('unknown command', 'unknown program')}${hint}`);
      },
    });
}

/** The options of all programs stand before the program's name: an answer to one that stands behind it. */
function misplacedOption(name: string, error: string): string {
  const [, option] = /unknown option '(--(?:trace|trace-file|record|step))(?:=.*)?'/.exec(error) ?? [];
  return option ? `It stands before the program: posix-select ${option} … ${name} …\n` : '';
}

/** An argument that is one of a few names. */
export function oneOf(what: string, names: readonly string[]): Argument {
  return new Argument(`<${what}>`, 'which').choices(names).argParser((name) => {
    if (names.includes(name)) return name;
    throw new InvalidArgumentError(`There are ${names.join(', ')}.`);
  });
}

export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function seconds(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= 0 && number <= MAX_SECONDS) return number;
  throw new InvalidArgumentError(`It must be a number of seconds, at most ${MAX_SECONDS}.`);
}

export function positiveSeconds(text: string): number {
  const number = seconds(text);
  if (number > 0) return number;
  throw new InvalidArgumentError('It must be above 0.');
}

/** The port of the live page, 0 for a free one. */
export function liveOption(): Option {
  const meaning = 'shows them live, in a page on this machine; the port, if not a free one';
  const option = new Option('--live [port]', meaning).argParser(integer(...PORT_OR_FREE)).preset('0');
  option.flags = '--live[=port]';
  return option;
}

export function hostOption(): Option {
  return new Option('--host <host>', 'address to listen on').default('127.0.0.1');
}

export function framingOption(): Option {
  const meaning = 'what ends a message: nothing, as in the original, or a newline';
  return new Option('--framing <how>', meaning).choices(['none', 'line']).default('none');
}

export function maxPendingOption(): Option {
  return new Option('--max-pending <bytes>', 'output kept for a peer that does not read, at most')
    .argParser(integer(1, Number.MAX_SAFE_INTEGER))
    .default(MAX_PENDING_BYTES);
}

export function maxPendingTotalOption(): Option {
  return new Option('--max-pending-total <bytes>', 'output kept for all peers together, at most')
    .argParser(integer(1, Number.MAX_SAFE_INTEGER))
    .default(MAX_PENDING_TOTAL_BYTES);
}

export function selectorOption(): Option {
  return new Option('--selector <name>', 'how to wait').choices(Object.keys(SELECTORS)).default('default');
}

export function traceOption(): Option {
  const meaning = "shows the loop's system calls on stderr: as strace does (default), explained, or as JSON";
  const option = new Option('--trace [form]', meaning).choices(FORMS);
  option.flags = '--trace[=form]';
  return option;
}
