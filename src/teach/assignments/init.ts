/** `posix-select init`: lays out an assignment, with a skeleton to fill in. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { print } from '../../loop/terminal.js';
import { OSError } from '../../posix/errors.js';
import type { Assignment } from '../grade/rubric.js';
import { UserError } from '../user-error.js';

export type Language = 'typescript' | 'python';

/** Shipped as they are: not compiled. */
const FOLDER = fileURLToPath(new URL('../../../src/teach/assignments', import.meta.url));

/**
 * What begins with a dot may be there already, as the `.git` of a repository that was just cloned.
 *
 * @throws UserError when the directory is not empty; OSError when it cannot be made or written
 */
export async function init(
  assignment: Assignment,
  directory = assignment.name,
  language: Language,
): Promise<number> {
  try {
    mkdirSync(directory, { recursive: true });
    const work = readdirSync(directory).find((name) => !name.startsWith('.'));
    if (work !== undefined)
      throw new UserError(`${directory} is not empty (${work}): give a directory that is, or a new one`);
    layOut(assignment, directory, language);
  } catch (err) {
    const { code, path = directory } = err as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UserError(`${directory} is a file: give a directory, or a new name`);
    throw OSError.from(err, path);
  }
  print(`${directory} is ready: begin with ${join(directory, 'README.md')}`);
  return 0;
}

function layOut({ name: assignment, skeleton }: Assignment, directory: string, language: Language): void {
  const { file, given, run, grade } = skeleton;
  const isPython = language === 'python';
  const sourceOf = (file: string) => (isPython ? `${file}.py` : `${file.replaceAll('_', '-')}.ts`);
  const commandOf = (file: string) =>
    isPython ? `python3 ${sourceOf(file)}` : `node ${sourceOf(file).replace('.ts', '.js')}`;
  const [source, program] = [sourceOf(file), commandOf(file)];
  const graded = `posix-select grade ${assignment} -- ${program} ${grade}`.trim();
  const from = join(FOLDER, assignment);
  for (const name of [source, sourceOf(given)])
    copyFileSync(join(from, language, name), join(directory, name));

  const before = isPython
    ? ''
    : 'Once, before all else: `npm install` (and the path of the package, if you were given it as a file), then `npx tsc`.\n\n';
  const commands = isPython
    ? [`${program} ${run}`, `npx ${graded}`]
    : [`npm start -- ${run}`, 'npm run grade'];
  const task = readFileSync(join(from, 'TASK.md'), 'utf8').replaceAll('{given}', commandOf(given));
  const [runs, grades] = commands.map((command) => `\`\`\`sh\n${command}\n\`\`\`\n`);
  const readme = `# ${assignment}\n\n${task}\n${before}Write it in \`${source}\`. Run it:\n\n${runs}\nGrade it:\n\n${grades}`;
  writeFileSync(join(directory, 'README.md'), readme);
  if (isPython) return;

  const { name, version } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  );
  writeJson(join(directory, 'package.json'), {
    private: true,
    type: 'module',
    scripts: { start: `tsc && ${program}`, grade: `tsc && ${graded}` },
    dependencies: { [name]: `^${version}` },
    devDependencies: { '@types/node': '^20.19.0', typescript: '^6.0.0' },
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

function writeJson(path: string, data: object): void {
  writeFileSync(path, `${JSON.stringify(data, null, 2)}\n`);
}
