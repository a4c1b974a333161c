/** What is said of an error that a module of the user's own threw: where in it, and what. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { OSError } from '../posix/errors.js';

/** Errors of a call that the program itself has got wrong. Others are of its surroundings: a port, a peer, a file. */
const MISTAKES = new Set([
  ...['EBADF', 'ENOTSOCK', 'EINVAL', 'ENOTCONN', 'EISCONN', 'EDESTADDRREQ', 'EOPNOTSUPP', 'ENOPROTOOPT'],
  ...['EAGAIN', 'EALREADY', 'EINPROGRESS', 'EMSGSIZE', 'EPROTOTYPE', 'EAFNOSUPPORT'],
]);

/** Our own code, which a stack leads through. */
const PACKAGE = fileURLToPath(new URL('../', import.meta.url));

/** `    at main (file:///home/alice/server.mjs:21:22)` */
const FRAME = /^ +at (?:(.*) \()?(?:async )?((?:file:\/\/)?\/.*?)(:\d+:\d+)\)?$/gm;

/** The first line of a syntax error's stack. */
const SYNTAX = /^((?:file:\/\/)?\/.*?)(:\d+)\n(.*?)\n\n/s;

/**
 * The error in a line, and its stack without our frames and Node's.
 *
 * @param file the module, as it was given
 * @param args what its `main` was given
 */
export function failureText(err: unknown, file: string, args: object): string {
  if (!(err instanceof Error)) return `${file} threw ${inspect(err)}`;
  const frames = framesOf(err);
  const [first] = frames;
  if (err instanceof OSError) {
    return first && MISTAKES.has(err.code) ? `${first.place}: ${err.message}` : err.message;
  }
  const { code, cause } = err as NodeJS.ErrnoException;
  const what = `${err.name}${code ? ` [${code}]` : ''}: ${err.message}`;
  const [, path, line, source] = SYNTAX.exec(err.stack ?? '') ?? [];
  if (path) return `${shown(path)}${line}: ${what.replace(` (${path}${line})`, '')}\n${source}`.trimEnd();
  if (!first) return err.message.includes(file.replace(/^\.\//, '/')) ? err.message : `${file}: ${what}`;
  return [
    `${first.place}: ${what}`,
    ...(frames.length > 1 ? frames.map(({ name, place }) => `    at ${name} (${place})`) : []),
    ...(cause === undefined ? [] : [`caused by ${inspect(cause)}`]),
    ...(err instanceof TypeError ? [givenTo(file, args)] : []),
  ].join('\n');
}

/** A wrong type often means that a value was not given. */
function givenTo(file: string, args: object): string {
  const words = Object.entries(args).map(([name, value]) => `${name}=${value}`);
  const more = 'port' in args ? 'name=value' : 'port=3490';
  return `main was given ${inspect(args)}; to give it more: ${[file, ...words, more].join(' ')}`;
}

function framesOf({ stack = '' }: Error): { name: string; place: string }[] {
  return [...stack.matchAll(FRAME)]
    .map(([, name = 'the module', path = '', place = '']) => ({ name, path: pathOf(path), place }))
    .filter(({ path }) => !path.startsWith(PACKAGE))
    .map(({ name, path, place }) => ({ name, place: `${shown(path)}${place}` }));
}

const pathOf = (path: string) => (path.startsWith('file:') ? fileURLToPath(path) : path);

/** From the current folder, where it is in it. */
function shown(path: string): string {
  const near = relative(process.cwd(), pathOf(path));
  return near.startsWith('..') ? pathOf(path) : `./${near}`;
}
