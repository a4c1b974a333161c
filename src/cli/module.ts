/** A program of the user's own: a module that exports a `main`, as `runInWorker` runs it. */
import { accessSync, constants, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../teach/user-error.js';
import { isModule, MODULE, withUsageErrors } from './options.js';
import { runModule, sayListening } from './run.js';

/** Whether a command is a module, which nothing but Node can run: a file that is executable is a command of its own. */
export function isPlainModule(file = ''): boolean {
  if (!isModule(file) || !existsSync(file)) return false;
  try {
    accessSync(file, constants.X_OK);
    return false;
  } catch {
    return true;
  }
}

export function addModule(program: Command): void {
  withUsageErrors(program.command(MODULE))
    .description('a program of your own: a module that exports a main')
    .usage('[name=value ...]')
    .argument('<module>')
    .argument('[values...]')
    .action(async (file: string, words: string[], _, self: Command) => {
      const args = valuesOf(file, words, self);
      const pathOf = () => {
        if (!existsSync(file)) throw new UserError(`${file}: no such file`);
        refuseTypeScript(file);
        return resolve(file);
      };
      // An address of AF_UNIX is a path, and talked to otherwise.
      await runModule(program, pathOf, args, {
        file,
        onListening: (address) => Array.isArray(address) && sayListening(address),
      });
    });
}

/** Where Node runs no TypeScript. @see https://nodejs.org/api/process.html#processfeaturestypescript */
function refuseTypeScript(file: string): void {
  const { typescript } = process.features as { typescript?: string | false };
  const [extension = '', kind = ''] = /\.([cm]?)ts$/.exec(file) ?? [];
  if (!extension || typescript) return;
  throw new UserError(
    `${file}: Node ${process.version} runs no TypeScript, Node 22.18 and newer does; here compile it, and give the .${kind}js file`,
  );
}

/** `port=3490 host=localhost` as what `main` gets: `{ port: 3490, host: 'localhost' }`. */
function valuesOf(file: string, words: string[], self: Command): Record<string, string | number> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name, value = ''] = /^(\w+)=(.*)$/s.exec(word) ?? [];
      if (name === undefined) {
        const missing = /^\d+$/.test(word) ? 'port' : 'name';
        self.error(`error: '${word}' is no name=value. It should be like: ${file} ${missing}=${word}`);
      }
      return [name, /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value];
    }),
  );
}
