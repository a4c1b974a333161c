/** `record` and `trace`: the system calls of any program; of our own from within, of others by strace(1). */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import type { Ended, Target } from '../teach/record/strace-process.js';
import { FORMS } from '../teach/recording/format.js';
import { startLive } from './live.js';
import { isPlainModule } from './module.js';
import { add, integer, liveOption } from './options.js';
import { runTool } from './run-tool.js';

const GIBIBYTE = 2 ** 30;

export function addRecord(program: Command): void {
  add(program, 'record', 'records the system calls of any program, in any language (Linux, strace)')
    .usage('[options] -- <command ...> | -p <pid>')
    .passThroughOptions()
    .argument('[command...]', 'the command, or one of the programs above')
    .option('-o, --output <file>', 'the recording', 'run.jsonl')
    .option('--html <file>', 'writes it as a page as well')
    .addOption(liveOption())
    .option('--live-host <host>', 'opens the live page to others than this machine', '127.0.0.1')
    .option('-p, --pid <pid...>', 'records processes that run already', pids)
    .addOption(
      new Option('--max-size <bytes>', 'the recording ends there, and the program goes on')
        .argParser(integer(1, Number.MAX_SAFE_INTEGER))
        .default(GIBIBYTE),
    )
    .action(async (command: string[], { pid, html, live, liveHost, ...options }, self: Command) => {
      const target = targetOf(command, pid, self);
      await runTool(program, async () => {
        const { record } = await import('../teach/record/record.js');
        const own = ownProgram(program, target);
        const page = live === undefined ? null : await startLive(options.output, liveHost, live);
        const ended = own
          ? await runOwn(['--record', options.output, ...own])
          : await record(target, { ...options, isLive: page !== null });
        await page?.end();
        if (html !== undefined) {
          const { replay } = await import('../teach/replay/replay.js');
          await replay(options.output, { html });
        }
        return exitCode(ended);
      });
    });
}

export function addTrace(program: Command): void {
  add(program, 'trace', 'shows the system calls of any program on stderr (Linux, strace)')
    .usage('[options] -- <command ...> | -p <pid>')
    .passThroughOptions()
    .argument('[command...]', 'the command, or one of the programs above')
    .addOption(new Option('--form <form>', 'how a call is shown').choices(FORMS).default('strace'))
    .option('-p, --pid <pid...>', 'shows those of processes that run already', pids)
    .action(async (command: string[], { pid, form }, self: Command) => {
      const target = targetOf(command, pid, self);
      await runTool(program, async () => {
        const { trace } = await import('../teach/record/record.js');
        const own = ownProgram(program, target);
        return exitCode(own ? await runOwn([`--trace=${form}`, ...own]) : await trace(target, form));
      });
    });
}

function pids(text: string, before: number[] = []): number[] {
  return [...before, integer(1, 2 ** 22)(text)];
}

function targetOf(command: string[], pid: number[] | undefined, self: Command): Target {
  if (pid && command.length > 0) self.error('error: a command or -p <pid>, not both');
  if (pid) return { pids: pid };
  if (command.length === 0) self.error("error: missing argument 'command'");
  return { command };
}

/** The command, where it is one of our programs or a module: it is recorded from within, without strace. */
function ownProgram(program: Command, target: Target): string[] | undefined {
  if (!('command' in target)) return undefined;
  if (isPlainModule(target.command[0])) return target.command;
  const own = program.commands.filter((command) => command.helpGroup() === 'programs:');
  return own.some((command) => command.name() === target.command[0]) ? target.command : undefined;
}

/** Runs this command line anew. Signals reach it as they reach us, or are passed on. */
async function runOwn(args: string[]): Promise<Ended> {
  const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  // Before the child runs: a signal may come as soon as anybody sees what it does.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const child = spawn(process.execPath, [main, ...args], { stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}

/** The exit code of the command; where a signal has killed it, the same signal ends this process. */
function exitCode({ code, signal }: Ended): number {
  if (signal === null) return code ?? 0;
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return 128 + constants.signals[signal];
}
