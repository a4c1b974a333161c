/** The teaching tools as commands. */
import type { Command } from 'commander';
import { addGrade, addInit } from './assignments.js';
import { add, integer } from './options.js';
import { addRecord, addTrace } from './record.js';
import { runTool } from './run-tool.js';

export function addTools(program: Command): void {
  addObserve(program);
  addInit(program);
  addGrade(program);
  addRecord(program);
  addTrace(program);
  addReplay(program);
  addLessons(program);
}

function addObserve(program: Command): void {
  add(program, 'observe', 'shows live what any program is blocked in (Linux)')
    .usage('<pid> | -- <command ...>')
    .argument('<pid or command...>', 'a process that runs, or a command to run')
    .action(async (command: string[]) => {
      const { observe, observeCommand } = await import('../teach/observe/observe.js');
      const [pid = ''] = command;
      const mayBePid = command.length === 1 && process.argv.at(-2) !== '--';
      const isPid = mayBePid && /^\d+$/.test(pid);
      const otherReading = mayBePid ? `, and a process is given by its number: pgrep -f ${pid}` : '';
      await runTool(program, () => (isPid ? observe(Number(pid)) : observeCommand(command, otherReading)));
    });
}

function addReplay(program: Command): void {
  add(program, 'replay', 'plays a recording step by step, in the terminal or as a page')
    .argument('<recording>', 'a file that record has written, or output of strace')
    .option('--html <file>', 'writes it as a page for any browser, which needs no network')
    .option('--notes <file>', "words of a teacher's for the page: `7: text` stands beside wait 7")
    .option('--thread <tid>', 'of several processes and threads, the one to play', integer(1, 2 ** 22))
    .action(async (file, options) => {
      const { replay } = await import('../teach/replay/replay.js');
      await runTool(program, () => replay(file, options));
    });
}

function addLessons(program: Command): void {
  add(program, 'lessons', 'lists the lessons, or shows one in the terminal')
    .argument('[number]', 'which: 1 to 9, or teachers')
    .action(async (name?: string) => {
      const { showLessons } = await import('../teach/lessons/lessons.js');
      await runTool(program, () => showLessons(name));
    });
}

export function addBench(program: Command): void {
  add(program, 'bench', 'measures echo servers on select(2) beside one on libuv (node:net)')
    .option('--trials <n>', 'how often each is measured: medians are shown', integer(1, 100), 3)
    .option('--trial-ms <ms>', 'how long each time, milliseconds', integer(10, 60_000), 500)
    .option('--svg <file>', 'writes a chart, too')
    .action(async (options) => {
      const { compare } = await import('../compare/compare.js');
      await runTool(program, () => compare(options));
    });
}
