/** The table of system calls: what is forgotten in it does not compile. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(`../../src/${name}`, import.meta.url));
const ROWS = path('teach/trace/syscalls.ts');
const SYS = path('posix/sys.ts');

/** Parsed once: the sources are the same in each program. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** What the compiler says of the table where a file has another text. */
function errorsWith(file: string, change: (text: string) => string): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile;
  host.getSourceFile = (name, ...rest) => {
    if (name === file) return ts.createSourceFile(name, change(ts.sys.readFile(name) ?? ''), rest[0]);
    if (!parsed.has(name)) parsed.set(name, getSourceFile.call(host, name, ...rest));
    return parsed.get(name);
  };
  const program = ts.createProgram([ROWS], options, host);
  return program
    .getSemanticDiagnostics(program.getSourceFile(ROWS))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

beforeAll(() => {
  expect(errorsWith(ROWS, (text) => text)).toEqual([]);
});

test('a system call of Sys that has no row: the compiler names it', () => {
  const errors = errorsWith(SYS, (text) =>
    text.replace('  shutdown(', '  sockatmark(fd: number): Result;\n  shutdown('),
  );
  expect(errors.join('\n')).toContain('no row for sys.sockatmark');
});

test.each([
  'mayBlock',
  'makesFd',
  'address',
  'data',
  'zero',
  'sentence',
  'errors',
  'learn',
  'changes',
  'sys',
])('a row without %s', (field) => {
  const row: Record<string, string> = {
    ...{ sys: '{}', mayBlock: 'false', makesFd: 'false', address: 'null', data: 'null' },
    ...{ zero: 'null', sentence: 'null', errors: '{}', learn: 'null', changes: 'null' },
  };
  const { [field]: _, ...rest } = row;
  const fields = Object.entries(rest).map(([name, value]) => `${name}: ${value}`);
  const errors = errorsWith(ROWS, (text) =>
    text.replace('const ROWS = {', `const ROWS = { sockatmark: { ${fields.join(', ')} },`),
  );
  expect(errors.join('\n')).toContain(`Property '${field}' is missing`);
});
