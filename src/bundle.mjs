/**
 * Puts what a program's start loads into few files: Node takes about a millisecond for each module, twice, on the
 * main thread and on the worker. Each module of the core stays to be imported by its name, from one file with all of
 * them, so that there is one of each. The same holds for the modules of a room.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';

/** The folders of what most parts of the package import, and the worker does. */
const CORE = ['.', 'posix', 'loop', 'selectors'];
/** Rooms of the teaching tools that a tool loads as a whole, each in one file of its own. */
const ROOMS = ['teach/grade', 'teach/observe'];
/** Loads other rooms, and only where it is asked for. */
const ALONE = ['teach/grade/evidence.ts'];
/** What is imported by its name, or run. */
const ENTRIES = [...CORE, 'programs', 'worker', ...ROOMS];
const COMMAND = ['cli/main.ts', 'cli/command.ts'];

/**
 * Writes dist/core/core.js, and anew what imports it: the core's modules, the programs and the command.
 *
 * @param root the package's folder
 * @param sources paths from there, as of src/posix/sys.ts
 */
export async function bundle(root, sources) {
  const src = join(root, 'src');
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = sources
    .filter((file) => /^src\/.*(?<!\.d)\.ts$/.test(file))
    .map((file) => relative('src', file));
  const isCore = (name) => CORE.includes(dirname(name)) && name !== 'index.ts';
  const isEntry = (name) => ENTRIES.includes(dirname(name)) || COMMAND.includes(name);
  const entries = names.filter((name) => isEntry(name) && !ALONE.includes(name));

  /** Where an import leads: to a source that is put together with others, or to a file that stays by itself. */
  const resolveId = (name, importer) => {
    if (importer === undefined) return null;
    const own = exports[name.replace(/^posix-select/, '.')]?.import.default;
    if (!own && !name.startsWith('.')) return { id: name, external: true };
    const path = own ? own.replace('./dist', src) : join(dirname(importer), name);
    const source = path.replace(/\.js$/, '.ts');
    const isIn = entries.includes(relative(src, source)) || dirname(source) === join(src, 'cli');
    if (isIn && existsSync(source)) return source;
    // What has imports in it stands one folder deep, as its source does; and a room two.
    const isInRoom = ROOMS.includes(dirname(relative(src, importer)));
    return { id: join(isInRoom ? '../..' : '..', relative(src, path)), external: true };
  };

  const build = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name.replace(/\.ts$/, ''), join(src, name)])),
    platform: 'node',
    treeshake: { moduleSideEffects: false },
    preserveEntrySignatures: 'allow-extension',
    plugins: [{ name: 'own', resolveId }],
  });
  const { output } = await build.write({
    dir: join(root, 'dist'),
    entryFileNames: '[name].js',
    chunkFileNames: ({ name }) => (ROOMS.includes(dirname(name)) ? '[name].js' : 'core/[name].js'),
    sourcemap: true,
    minifyInternalExports: false,
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { name: 'core', test: (id) => isCore(relative(src, id)) },
        ...ROOMS.map((room) => ({ name: `${room}/room`, test: (id) => dirname(relative(src, id)) === room })),
      ],
    },
  });
  await build.close();
  // What the command has in it needs no file of its own.
  for (const id of output.find(({ fileName }) => fileName === 'cli/command.js').moduleIds) {
    const compiled = join(root, 'dist', relative(src, id).replace(/\.ts$/, ''));
    if (COMMAND.includes(relative(src, id)) || !id.startsWith(src)) continue;
    for (const ending of ['.js', '.js.map']) rmSync(compiled + ending, { force: true });
  }
}
