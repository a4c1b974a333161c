#!/usr/bin/env node
/** The command line: `posix-select <program> [args]`. */
import { readFileSync } from 'node:fs';
import { Option, program } from 'commander';
import { traceOption, withUsageErrors } from './options.js';
import { addPrograms } from './programs.js';
import { addTools } from './tools.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

withUsageErrors(program)
  .name('posix-select')
  .usage('[options] <program> [args]')
  .enablePositionalOptions()
  .helpCommand(false)
  .description(
    'Small network programs around the real select(2), its loop in plain sight on a worker thread.',
  )
  .version(version)
  .addOption(traceOption())
  .addOption(new Option('--trace-file <file>', 'shows them in a file instead').implies({ trace: 'strace' }))
  .option('--record <file>', 'writes a recording of them, with what is ready and why')
  .option('--step', 'waits for Enter before each wait, and says what it is for');

program.commandsGroup('programs:');
addPrograms(program);
program.commandsGroup('teaching:');
addTools(program);

await program.parseAsync(withTraceForm(process.argv.slice(2)), { from: 'user' });

/** `--trace` alone means strace: commander would else take the program's name for the form. */
function withTraceForm(args: string[]): string[] {
  const names = program.commands.map((command) => command.name());
  const at = args.findIndex((arg) => names.includes(arg));
  return args.map((arg, i) => (i < at && arg === '--trace' ? '--trace=strace' : arg));
}
