#!/usr/bin/env node
/**
 * Writes the API reference from the docstrings, a page for each entry of package.json's "exports".
 *
 *     node src/docs.mjs [FOLDER]    into docs/api, or into FOLDER
 *
 * It fails when something that the package exports has no docstring.
 */
import { readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Comment, Converter, ReflectionKind } from 'typedoc';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const out = process.argv[2] ?? join(ROOT, 'docs/api');
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The sources of the entries, but for the grader's: docs/checks.md is about that one. */
const entryPoints = Object.entries(exports).flatMap(([name, { import: module }]) =>
  module && name !== './grade'
    ? [join(ROOT, module.types.replace('dist/', 'src/').replace('.d.ts', '.ts'))]
    : [],
);

const CONSTANTS =
  "POSIX's constants, with this platform's numbers; `man 7 socket`, `man 7 ip` and `man 7 tcp` explain them:";

/** What an entry is for: the first line of its source. */
function summaryOf(name) {
  const source = entryPoints.find((path) => path.endsWith(`/${name}.ts`));
  return readFileSync(source, 'utf8').match(/^\/\*\* (.*) \*\/$/m)[1];
}

/** Those of a class that it has from another, and those that the language calls by itself, are not listed. */
function isListed(member) {
  return !member.inheritedFrom && !member.name.startsWith('[') && !member.overwrites?.name.endsWith('.name');
}

function arrange({ project }) {
  for (const member of project.getReflectionsByKind(ReflectionKind.ClassMember))
    if (!isListed(member)) project.removeReflection(member);

  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const name = basename(module.name);
    module.name = name.replace('index', 'posix-select');
    module.comment = new Comment([{ kind: 'text', text: summaryOf(name) }]);
    const constants = (module.children ?? []).filter(
      (child) =>
        child.kind === ReflectionKind.Variable && !child.hasComment() && /^[A-Z\d_]+$/.test(child.name),
    );
    if (constants.length === 0) continue;
    const names = constants.map(({ name }) => `\`${name}\``).join(', ');
    module.comment.summary.push({ kind: 'text', text: `\n\n${CONSTANTS} ${names}.` });
    for (const constant of constants) project.removeReflection(constant);
  }
}

const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  tsconfig: join(ROOT, 'tsconfig.json'),
  entryPoints,
  skipErrorChecking: true, // the build has done that
  outputs: [{ name: 'markdown', path: out }],
  readme: 'none',
  router: 'module',
  logLevel: 'Warn',
  excludePrivate: true,
  excludeProtected: true,
  excludeInternal: true,
  validation: { notDocumented: true, notExported: false, invalidLink: true },
  // Parts of a type that its own docstring explains.
  intentionallyNotDocumented: [
    ...['address', 'fd'].map((name) => `posix-select.Subject.__type.${name}`),
    ...['module', 'options'].map((name) => `posix-select.RunOptions.before.__type.${name}`),
    ...['default', 'select', 'poll', 'epoll', 'kqueue'].map((name) => `selectors.SELECTORS.__type.${name}`),
    ...['conn', 'fileno'].map((name) => `outbox.Peer.__type.${name}`),
    'posix-select.Waitable.__type.fileno',
    'selectors.DefaultSelector.__type',
  ],
  entryFileName: 'README',
  pageTitleTemplates: {
    index: 'The API',
    module: ({ name }) => (name === 'posix-select' ? name : `posix-select/${name}`),
  },
  hideBreadcrumbs: true,
  hidePageHeader: true,
  disableSources: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  propertiesFormat: 'table',
  indexFormat: 'table',
  sort: ['source-order'],
});
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, arrange);
const project = await app.convert();
app.validate(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) {
  process.exitCode = 1;
} else {
  rmSync(out, { recursive: true, force: true });
  await app.generateOutputs(project);
}
