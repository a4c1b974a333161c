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

const FIELDS: Record<string, string> = {
  ...{ sys: '{}', mayBlock: 'false', makesFd: 'false', address: 'null', data: 'null' },
  ...{ zero: 'null', sentence: 'null', errors: '{}', learn: 'null', changes: 'null' },
};

test('a row for each field, without it: the compiler names the field', () => {
  const rowWithout = (field: string) => {
    const { [field]: _, ...rest } = FIELDS;
    const fields = Object.entries(rest).map(([name, value]) => `${name}: ${value}`);
    return `without_${field}: { ${fields.join(', ')} },`;
  };
  const rows = Object.keys(FIELDS).map(rowWithout).join(' ');
  const errors = errorsWith(ROWS, (text) => text.replace('const ROWS = {', `const ROWS = { ${rows}`));
  const missing = new Set(errors.flatMap((error) => /Property '(\w+)' is missing/.exec(error)?.[1] ?? []));
  expect([...missing].toSorted()).toEqual(Object.keys(FIELDS).toSorted());
});
