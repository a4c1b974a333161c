/** Where a submission runs: apart from the grader by bubblewrap, as another user, or not apart at all. */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, resolve, sep } from 'node:path';
import { cwd, env, geteuid, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { whyProcIsBlind } from '../observe/proc.js';
import { NotGraded } from './failure.js';

export interface Isolation {
  /** in a PID namespace of its own, which ends with its first process */
  hasNamespace: boolean;
  /** the user that it runs as, when it is another one */
  user?: string;
  /** why the submission is not apart from the grader; undefined when it is */
  warning?: string;
  /** files in the submission's folder that it may only read */
  readOnly: string[];
}

export const NOT_ISOLATED: Isolation = { hasNamespace: false, readOnly: [] };

const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

/** For what the tests and others keep their files in: a submission has one of its own. */
const TMP = '/tmp';

/**
 * Its exit code goes to descriptor 3; then it stays, for what has been put into the background, until that is closed.
 * What the shell itself has to say of a crash is not the submission's.
 */
const FIRST_PROCESS = 'exec 4>&2 2>/dev/null; "$@" 2>&4 3>&- 4>&-; echo $? >&3; exec 4>&-; read _ <&3';

/**
 * The best that there is here.
 *
 * @param user to run submissions as; only root can
 * @throws NotGraded when that user cannot be had
 */
export function findIsolation(user?: string): Isolation {
  if (user !== undefined) {
    if (spawnSync('setpriv', [...asUser(user), 'true']).status !== 0)
      throw new NotGraded(
        `--user ${user}: no program can be run as that user: is there one, and are you root?`,
      );
  }
  const found = { user, readOnly: [] };
  if (platform === 'linux' && !whyProcIsBlind()) {
    const [command = '', ...args] = inNamespace({ ...found, hasNamespace: true }, ['true']);
    if (spawnSync(command, args, { stdio: ['ignore', 'ignore', 'ignore', 'ignore'] }).status === 0)
      return { ...found, hasNamespace: true };
  }
  if (user !== undefined) return { ...found, hasNamespace: false };
  const remedy =
    platform !== 'linux'
      ? ''
      : existsSync('/usr/bin/bwrap')
        ? ': bubblewrap is not allowed to make a namespace here; --user NAME, as root, runs them as another user'
        : ': the package bubblewrap would keep them apart from the grader';
  return {
    hasNamespace: false,
    readOnly: [],
    warning: `not isolated: grade only programs that you trust${remedy}`,
  };
}

/** The command that starts a submission where it is to run. */
export function isolated(isolation: Isolation, command: string[]): string[] {
  if (isolation.hasNamespace) return inNamespace(isolation, ['sh', '-c', FIRST_PROCESS, 'sh', ...command]);
  return isolation.user === undefined ? command : ['setpriv', ...asUser(isolation.user), ...command];
}

/** The arguments of setpriv(1). */
function asUser(user: string): string[] {
  const group = spawnSync('id', ['-g', user], { encoding: 'utf8' }).stdout?.trim() ?? '';
  return [`--reuid=${user}`, `--regid=${group}`, '--init-groups', '--no-new-privs'];
}

/** A read-only file system but for the submission's folder, a private /tmp, no other processes; the loopback is shared. */
function inNamespace({ user, readOnly }: Isolation, command: string[]): string[] {
  const folder = cwd();
  const isInTmp = (path: string) => path.startsWith(TMP + sep) && existsSync(path);
  const commands = (env.PATH ?? '').split(delimiter).map(installationOf);
  const needed = [PACKAGE, ...commands, ...command.map((arg) => folderOf(arg))];
  // In /tmp only what the program is made of is seen: modules may be in the folders above its own.
  const top = isInTmp(folder) ? [folder.split(sep).slice(0, 3).join(sep)] : [];
  const shown = [...new Set([...top, ...needed.filter(isInTmp)])].toSorted();
  const own = [PACKAGE, ...readOnly].filter((path) => isWithin(path, folder));
  const readOnlyBinds = (paths: string[]) => paths.flatMap((path) => ['--ro-bind', path, path]);
  return [
    ...(user === undefined ? [] : ['setpriv', ...asUser(user)]),
    ...['bwrap', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
    ...(folder === TMP ? [] : ['--tmpfs', TMP]),
    ...readOnlyBinds(shown),
    ...(folder === '/' ? [] : ['--bind', folder, folder]),
    ...readOnlyBinds(own),
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--as-pid-1', '--die-with-parent'],
    ...(geteuid?.() === 0 && user === undefined ? ['--cap-drop', 'ALL'] : []),
    ...['--chdir', folder, '--', ...command],
  ];
}

const isWithin = (path: string, folder: string) => path === folder || path.startsWith(folder + sep);

/** Where a folder of commands belongs to: beside bin/, a virtual environment has what its python3 needs. */
function installationOf(folder: string): string {
  const above = dirname(folder);
  return basename(folder) === 'bin' && above !== TMP ? above : folder;
}

/** The folder of a file that is named in a command, wherever links lead; the file itself where that would be all of /tmp. */
function folderOf(arg: string): string {
  try {
    const path = realpathSync(resolve(arg));
    return statSync(path).isDirectory() || dirname(path) === TMP ? path : dirname(path);
  } catch {
    return '';
  }
}

/** Names of variables that hold secrets, or that say where a result is kept. */
const SECRET =
  /TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE|^(GITHUB|ACTIONS|RUNNER|GRADESCOPE|AWS|AZURE|GOOGLE|NPM|SSH|GPG|DBUS|XDG)_|^npm_|^NODE_(OPTIONS|V8_COVERAGE|CHANNEL_FD)$|^LD_/i;

/** The environment without what is not the submission's. */
export function scrubbed(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !SECRET.test(name)));
}
