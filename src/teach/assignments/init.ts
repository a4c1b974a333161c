/** `posix-select init`: lays out an assignment, with a skeleton to fill in. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { print } from '../../loop/terminal.js';
import { OSError } from '../../posix/errors.js';
import type { Assignment, Skeleton } from '../grade/rubric.js';
import { UserError } from '../user-error.js';
import { SHIPPED } from './index.js';
import { LANGUAGES, type Language } from './names.js';

/** How the skeletons of a language are named, run and built. */
interface Kind {
  /** the file of a program */
  source: (program: string) => string;
  /** what starts it, once it is built */
  start: (program: string) => string;
  /** the two commands of the README */
  commands: (start: string, run: string, grade: string) => [run: string, grade: string];
  /** files that a build needs */
  layOut?: (directory: string, programs: string[], commands: [start: string, grade: string]) => void;
  /** what to do before all else */
  before?: string;
}

const dashed = (program: string) => program.replaceAll('_', '-');

const KINDS: Record<Language, Kind> = {
  python: {
    source: (program) => `${program}.py`,
    start: (program) => `python3 ${program}.py`,
    commands: (start, run, grade) => [`${start} ${run}`, `npx ${grade}`],
  },
  typescript: {
    source: (program) => `${dashed(program)}.ts`,
    start: (program) => `node ${dashed(program)}.js`,
    commands: (_, run) => [`npm start -- ${run}`, 'npm run grade'],
    layOut: layOutNode,
    before:
      'Once, before all else: `npm install` (and the path of the package, if you were given it as a file), then `npx tsc`.\n\n',
  },
  c: {
    source: (program) => `${program}.c`,
    start: (program) => `./${program}`,
    commands: (start, run, grade) => [`make && ${start} ${run}`, `make && npx ${grade}`],
    layOut: layOutMake,
  },
};

/**
 * What begins with a dot may be there already, as the `.git` of a repository that was just cloned.
 *
 * @param folder of the assignment, with its TASK.md and a folder of skeletons for each language
 * @throws UserError when the directory is not empty; OSError when it cannot be made or written
 */
export async function init(
  assignment: Assignment,
  folder: string,
  directory = assignment.name,
  language?: Language,
): Promise<number> {
  const { skeleton } = assignment;
  if (!skeleton)
    throw new UserError(`${assignment.name} names no skeleton in its checks.js: there is nothing to lay out`);
  const chosen = language ?? LANGUAGES.find((name) => existsSync(join(folder, name)));
  if (!chosen || !existsSync(join(folder, chosen)))
    throw new UserError(`${assignment.name} has no skeleton in ${language ?? 'any language'}`);
  try {
    mkdirSync(directory, { recursive: true });
    const work = readdirSync(directory).find((name) => !name.startsWith('.'));
    if (work !== undefined)
      throw new UserError(`${directory} is not empty (${work}): give a directory that is, or a new one`);
    layOut(assignment.name, skeleton, folder, directory, chosen);
  } catch (err) {
    const { code, errno, syscall = '', path = directory } = err as NodeJS.ErrnoException;
    if (errno === undefined) throw err;
    if (code === 'EEXIST') throw new UserError(`${directory} is a file: give a directory, or a new name`);
    throw new OSError(errno, syscall, path);
  }
  print(`${directory} is ready: begin with ${join(directory, 'README.md')}`);
  return 0;
}

function layOut(
  name: string,
  skeleton: Skeleton,
  folder: string,
  directory: string,
  language: Language,
): void {
  const { file, given, run, grade } = skeleton;
  const kind = KINDS[language];
  const [source, start] = [kind.source(file), kind.start(file)];
  copyFileSync(join(folder, language, source), join(directory, source));
  const task = readFileSync(join(folder, 'TASK.md'), 'utf8').replaceAll(
    '{given}',
    given ? kind.start(given) : '',
  );
  if (given) copyFileSync(join(folder, language, kind.source(given)), join(directory, kind.source(given)));
  const graded = `posix-select grade ${named(name, folder, directory)} -- ${start} ${grade}`.trim();
  const fences = kind.commands(start, run, graded).map((command) => `\`\`\`sh\n${command}\n\`\`\`\n`);
  const [runs = '', grades = ''] = fences;
  writeFileSync(
    join(directory, 'README.md'),
    `# ${name}\n\n${task}\n${kind.before ?? ''}Write it in \`${source}\`. Run it:\n\n${runs}\nGrade it:\n\n${grades}`,
  );
  kind.layOut?.(directory, given ? [file, given] : [file], [start, graded]);
}

/** How an assignment is named on a command line: one of the package's by its name, another one by its path from there. */
function named(name: string, folder: string, directory: string): string {
  if (dirname(folder) === SHIPPED) return name;
  const path = relative(directory, folder);
  return path.includes(sep) ? path : `.${sep}${path}`;
}

function layOutNode(directory: string, _: string[], [start, graded]: [string, string]): void {
  const { name, version } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  );
  writeJson(join(directory, 'package.json'), {
    private: true,
    type: 'module',
    scripts: { start: `tsc && ${start}`, grade: `tsc && ${graded}` },
    dependencies: { [name]: `^${version}` },
    devDependencies: { '@types/node': '^20.19.0', typescript: '^7.0.0' },
  });
  writeJson(join(directory, 'tsconfig.json'), {
    compilerOptions: {
      target: 'es2022',
      module: 'nodenext',
      types: ['node'],
      strict: true,
      skipLibCheck: true,
    },
  });
}

function layOutMake(directory: string, programs: string[]): void {
  const all = programs.join(' ');
  const rules = `CFLAGS = -Wall -Wextra -g\n\nall: ${all}\n\nclean:\n\trm -f ${all}\n\n.PHONY: all clean\n`;
  writeFileSync(join(directory, 'Makefile'), rules);
}

function writeJson(path: string, data: object): void {
  writeFileSync(path, `${JSON.stringify(data, null, 2)}\n`);
}
