/** The command line: `posix-select <program> [args]`. It is run when it is imported. */
import { readFileSync } from 'node:fs';
import { Option, program } from 'commander';
import { FORMS } from '../teach/recording/format.js';
import { addModule } from './module.js';
import { isModule, liveOption, MODULE, traceOption, withUsageErrors } from './options.js';
import { addPrograms } from './programs.js';
import { addBench, addTools } from './tools.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

withUsageErrors(program)
  .name('posix-select')
  .usage('[options] <program> [args]')
  .enablePositionalOptions()
  .helpCommand(false)
  .description(
    'Small network programs around the real select(2), its loop in plain sight on a worker thread.',
  )
  .version(version, '-v, --version')
  .addOption(traceOption())
  .addOption(new Option('--trace-file <file>', 'shows them in a file instead').implies({ trace: 'strace' }))
  .option('--record <file>', 'writes a recording of them, with what is ready and why')
  .addOption(liveOption())
  .option('--live-host <host>', 'opens the live page to others than this machine', '127.0.0.1')
  .option('--step', 'waits for Enter before each wait, and says what it is for');

program.commandsGroup('programs:');
addPrograms(program);
addModule(program);
program.commandsGroup('teaching:');
addTools(program);
program.commandsGroup('measuring:');
addBench(program);

const args = withTraceForm(withHelpOption(process.argv.slice(2)));
refuseOptionsAlone();
await program.parseAsync(args, { from: 'user' });

/** Options without a program: commander would show the whole help, and not say what is missing. */
function refuseOptionsAlone(): void {
  const { operands, unknown } = program.parseOptions(args);
  if (args.length === 0 || operands.length > 0 || unknown.length > 0) return;
  const [option, ...rest] = process.argv.slice(2);
  const example = ['posix-select', option, ...rest, 'select-server'].join(' ');
  program.error(`error: ${option} needs a program after it: ${example}`);
}

/** `help srv` means `srv --help`, `-V` means `-v`. */
function withHelpOption(args: string[]): string[] {
  const [first, name] = args;
  if (first === '-V') return ['--version'];
  if (first !== 'help') return args;
  const isKnown = name === undefined || program.commands.some((command) => command.name() === name);
  return isKnown ? [...args.slice(1), '--help'] : args.slice(1);
}

/** `--trace` alone means strace, and `--trace explain` the form: commander would take any next word for it. */
function withTraceForm(args: string[]): string[] {
  const at = programAt(args);
  const isForm = (arg = '') => (FORMS as readonly string[]).includes(arg);
  return args.flatMap((arg, i) => {
    if (at >= 0 && i === at && isModule(arg)) return [MODULE, arg];
    if (i > at) return [arg];
    if (isForm(arg) && args[i - 1] === '--trace') return [];
    if (arg === '--live') return ['--live=0'];
    if (arg !== '--trace') return [arg];
    return [`--trace=${isForm(args[i + 1]) ? args[i + 1] : 'strace'}`];
  });
}

/** The place of the program's name, or of the module; -1 for none. */
function programAt(args: string[]): number {
  const names = program.commands.map((command) => command.name());
  const takesNext = (arg?: string) => program.options.some(({ long, required }) => required && long === arg);
  return args.findIndex((arg, i) => (names.includes(arg) || isModule(arg)) && !takesNext(args[i - 1]));
}
