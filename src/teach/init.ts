/** `posix-select init`: lays out an assignment, with a skeleton to fill in. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OSError } from '../posix/errors.js';
import { print } from '../terminal.js';
import type { ASSIGNMENTS } from './assignments.js';
import { Refusal } from './refusal.js';

export type Language = 'typescript' | 'python';

interface Skeleton {
  /** what is to be written, and the program at the other end, which is given: in Python, without `.py` */
  file: string;
  given: string;
  /** arguments when the student runs it, and when it is graded */
  run: string;
  grade: string;
}

const SKELETONS: Record<(typeof ASSIGNMENTS)[number], Skeleton> = {
  'select-server': { file: 'select_server', given: 'select_client', run: '3490', grade: '{port}' },
  'talk-server': { file: 'talk_server', given: 'talk_client', run: '-v', grade: '' },
  srv: { file: 'srv', given: 'cli', run: '127.0.0.1 34911', grade: '127.0.0.1 {port}' },
  chatclient: { file: 'chatclient', given: 'chatserver', run: 'localhost 5555', grade: 'localhost {port}' },
  multiconn: {
    file: 'multiconn_server',
    given: 'multiconn_client',
    run: '127.0.0.1 65432',
    grade: '127.0.0.1 {port}',
  },
};

/** Shipped as they are: not compiled. */
const FOLDER = fileURLToPath(new URL('../../src/teach/skeletons', import.meta.url));

/**
 * What begins with a dot may be there already, as the `.git` of a repository that was just cloned.
 *
 * @throws Refusal when the directory is not empty; OSError when it cannot be made or written
 */
export async function init(assignment: string, directory = assignment, language: Language): Promise<number> {
  try {
    mkdirSync(directory, { recursive: true });
    const work = readdirSync(directory).find((name) => !name.startsWith('.'));
    if (work !== undefined)
      throw new Refusal(`${directory} is not empty (${work}): give a directory that is, or a new one`);
    layOut(assignment as keyof typeof SKELETONS, directory, language);
  } catch (err) {
    const { code, errno, syscall = '', path = directory } = err as NodeJS.ErrnoException;
    if (errno === undefined) throw err;
    if (code === 'EEXIST') throw new Refusal(`${directory} is a file: give a directory, or a new name`);
    throw new OSError(errno, syscall, path);
  }
  print(`${directory} is ready: begin with ${join(directory, 'README.md')}`);
  return 0;
}

function layOut(assignment: keyof typeof SKELETONS, directory: string, language: Language): void {
  const { file, given, run, grade } = SKELETONS[assignment];
  const isPython = language === 'python';
  const sourceOf = (file: string) => (isPython ? `${file}.py` : `${file.replaceAll('_', '-')}.ts`);
  const commandOf = (file: string) =>
    isPython ? `python3 ${sourceOf(file)}` : `node ${sourceOf(file).replace('.ts', '.js')}`;
  const [source, program] = [sourceOf(file), commandOf(file)];
  const graded = `posix-select grade ${assignment} -- ${program} ${grade}`.trim();
  const from = join(FOLDER, assignment);
  for (const name of [source, sourceOf(given)]) copyFileSync(join(from, name), join(directory, name));

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

  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
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
