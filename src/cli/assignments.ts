/** The commands that begin and grade an assignment. */
import { existsSync } from 'node:fs';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { ASSIGNMENTS, isAssignment, LANGUAGES } from '../teach/assignments/names.js';
import { add, integer, PORT, positiveSeconds } from './options.js';
import { runTool } from './run-tool.js';

export function addInit(program: Command): void {
  add(program, 'init', 'lays out an assignment, with a skeleton to fill in')
    .addArgument(assignmentArgument())
    .argument(
      '[dir]',
      'an empty directory, a fresh clone, or one to be made (default: named as the assignment)',
    )
    .addOption(
      new Option('--language <name>', 'of the skeleton (default: the first that there is)').choices(
        LANGUAGES,
      ),
    )
    .action(async (name, directory, { language }) => {
      const { load } = await import('../teach/assignments/index.js');
      const { init } = await import('../teach/assignments/init.js');
      await runTool(program, async () => {
        const { assignment, folder } = await load(name);
        return init(assignment, folder, directory, language);
      });
    });
}

export function addGrade(program: Command): void {
  add(program, 'grade', "scores a student's program, in any language, by the assignment's rubric")
    .usage('<assignment> [options] -- <command ... {port} ...>')
    .addArgument(assignmentArgument())
    .argument('[command...]', 'what starts it; {port} in it is the port it is to listen on')
    .addOption(new Option('--json <form>', 'result as JSON').choices(['gradescope', 'github', 'check50']))
    .option('--output <file>', 'writes the result there: "no result" until all is graded')
    .option('--report <file>', 'writes the report as text there, too')
    .option(
      '--page <file>',
      'writes the report there as a page, with a recording of each line that lost points',
    )
    .option('--only <line>', 'grades one line of the rubric, by its number', integer(1, 99))
    .option('--class <folder>', 'grades each folder in it, and keeps a report in each')
    .option('--csv <file>', 'with --class: the marks, as a table')
    .option('--jobs <n>', 'with --class: how many at a time (default: by the processors)', integer(1, 64))
    .option('--points <file>', "a teacher's own points, as YAML: a line's title or number, and its points")
    .option('--user <name>', 'runs the program as this user (as root)')
    .option('--port <port>', 'the port, instead of a free one', integer(...PORT))
    .option('--timeout <seconds>', 'for each answer, while nothing moves', positiveSeconds, 2)
    .action(async (name, command: string[], options, self) => {
      if (command.length === 0) self.error("error: missing required argument 'command'");
      const quoted = quotedCommand(command);
      if (quoted) self.error(`error: the command is in quotes. Without them: … -- ${quoted}`);
      const { load } = await import('../teach/assignments/index.js');
      const { gradeCommand, rightCommand } = await import('../teach/grade/grade.js');
      const { gradeClass } = await import('../teach/grade/class.js');
      await runTool(program, async () => {
        const { assignment } = await load(name);
        const right = rightCommand(assignment, command, options.port);
        if (right) self.error(`error: the command has no {port}. It should be like: ${right}`);
        return options.class
          ? gradeClass(name, command, options)
          : gradeCommand(assignment, command, options);
      });
      process.exit(); // whatever the checks of a teacher have left: a timer, a server
    })
    .addHelpText('after', '\nAn assignment of your own: docs/checks.md. A class: docs/teachers.md.');
}

/** One of the package's assignments, or the path of a folder with a teacher's own. */
function assignmentArgument(): Argument {
  return new Argument('<assignment>', 'which; a path is a folder of your own').argParser((name) => {
    if (isAssignment(name)) return name;
    throw new InvalidArgumentError(`There are ${ASSIGNMENTS.join(', ')}; a folder of yours is ./its-name.`);
  });
}

/** A whole command given as one word, as for a shell: it would be taken for the name of a file. */
function quotedCommand([first = '', ...rest]: string[]): string | undefined {
  return rest.length === 0 && first.includes(' ') && !existsSync(first) ? first : undefined;
}
