/** The teaching tools as commands. */
import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ASSIGNMENTS, load } from '../teach/assignments/index.js';
import { add, integer, oneOf, PORT, positiveSeconds } from './options.js';
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
      const isPid = command.length === 1 && /^\d+$/.test(pid) && process.argv.at(-2) !== '--';
      await runTool(program, () => (isPid ? observe(Number(pid)) : observeCommand(command)));
    });
}

function addInit(program: Command): void {
  add(program, 'init', 'lays out an assignment, with a skeleton to fill in')
    .addArgument(oneOf('assignment', ASSIGNMENTS))
    .argument(
      '[dir]',
      'an empty directory, a fresh clone, or one to be made (default: named as the assignment)',
    )
    .addOption(
      new Option('--language <name>', 'of the skeleton')
        .choices(['typescript', 'python'])
        .default('typescript'),
    )
    .action(async (assignment, directory, { language }) => {
      const { init } = await import('../teach/assignments/init.js');
      await runTool(program, async () => init(await load(assignment), directory, language));
    });
}

function addGrade(program: Command): void {
  add(program, 'grade', "scores a student's program, in any language, by the assignment's rubric")
    .usage('<assignment> [options] -- <command ... {port} ...>')
    .addArgument(oneOf('assignment', ASSIGNMENTS))
    .argument('<command...>', 'what starts it; {port} in it is the port it is to listen on')
    .addOption(new Option('--json <form>', 'result as JSON').choices(['gradescope', 'github', 'check50']))
    .option('--port <port>', 'the port, instead of a free one', integer(...PORT))
    .option('--timeout <seconds>', 'for each answer', positiveSeconds, 2)
    .action(async (name, command: string[], options, self) => {
      const quoted = quotedCommand(command);
      if (quoted) self.error(`error: the command is in quotes. Without them: … -- ${quoted}`);
      const { gradeCommand, rightCommand } = await import('../teach/grade/grade.js');
      const assignment = await load(name);
      const right = rightCommand(assignment, command, options.port);
      if (right) self.error(`error: the command has no {port}. It should be like: ${right}`);
      await runTool(program, () => gradeCommand(assignment, command, options));
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

/** A whole command given as one word, as for a shell: it would be taken for the name of a file. */
function quotedCommand([first = '', ...rest]: string[]): string | undefined {
  return rest.length === 0 && first.includes(' ') && !existsSync(first) ? first : undefined;
}
