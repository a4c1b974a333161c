/** What starts a program of teach/zoo/: for the tests, and for zoo.mjs, which runs without TypeScript. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @type {Map<string, string[]>} */
const built = new Map();

/**
 * @param {string} folder where it is built, once
 * @param {string} name its path in the zoo; of a `32.c` a 32-bit program without a C library is made
 * @returns {string[]}
 */
export function zooCommand(folder, name) {
  const known = built.get(`${folder} ${name}`) ?? build(folder, name);
  built.set(`${folder} ${name}`, known);
  return known;
}

const BARE_32_BIT = ['-m32', '-O1', '-fno-stack-protector', '-fno-pie', '-no-pie', '-nostdlib', '-static'];

/**
 * @param {string} folder
 * @param {string} name
 * @returns {string[]}
 */
function build(folder, name) {
  const file = fileURLToPath(new URL(`../teach/zoo/${name}`, import.meta.url));
  const target = join(folder, name.replaceAll('/', '_').replace(/\.\w+$/, ''));
  switch (extname(name)) {
    case '.py':
      return ['python3', '-B', file];
    case '.pl':
      return ['perl', file];
    case '.js':
      return [process.execPath, file];
    case '.c':
      execFileSync('cc', [...(/32\.c$/.test(name) ? BARE_32_BIT : ['-pthread']), '-w', '-o', target, file]);
      return [target];
    case '.java':
      execFileSync('javac', ['-d', folder, file]);
      return ['java', '-XX:TieredStopAtLevel=1', '-cp', folder, basename(name, '.java')];
    default: {
      // Only here: with the compiler in its memory a process takes milliseconds longer to start each other one.
      const typescript = createRequire(import.meta.url)('typescript');
      const { ModuleKind, ScriptTarget } = typescript;
      const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
      const { outputText } = typescript.transpileModule(readFileSync(file, 'utf8'), { compilerOptions });
      writeFileSync(`${target}.js`, outputText);
      return [process.execPath, `${target}.js`];
    }
  }
}
