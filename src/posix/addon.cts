/**
 * Loads the addon: the one that was built here, or the prebuilt one for this platform. CommonJS, because bundlers
 * that copy addons (@vercel/nft) know the call below in this form alone.
 */
import fs = require('node:fs');
import path = require('node:path');

/** The package's folder. */
const root = path.join(__dirname, '../..');

/** What was built here. node-gyp-build would find it too, but its search is half of the addon's start. */
const built = path.join(root, 'build/Release/posix_select.node');

const PREBUILT = 'linux on x64 and arm64 (glibc 2.28 and newer, or musl), macOS on x64 and arm64';

function load(): object {
  try {
    if (fs.existsSync(built) && !process.env.PREBUILDS_ONLY) return require(built);
    const nodeGypBuild = require('node-gyp-build');
    return nodeGypBuild(path.join(__dirname, '../..'));
  } catch (err) {
    const other = otherLibc();
    if (other !== undefined) return other;
    throw explained(err as Error);
  }
}

/** node-gyp-build knows musl by Alpine's files alone: on another system that uses it, the other prebuilt one fits. */
function otherLibc(): object | undefined {
  const folder = path.join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  if (process.platform !== 'linux' || !fs.existsSync(folder)) return undefined;
  for (const name of fs.readdirSync(folder)) {
    try {
      return require(path.join(folder, name));
    } catch {}
  }
  return undefined;
}

function explained(cause: Error): Error {
  const reason = reasonFor(cause.message);
  const command = `node ${path.join(root, 'native/compile.mjs')}`;
  const error = new Error(
    `posix-select: ${reason}\nPrebuilt are ${PREBUILT}.\nTo compile it here, with a C++ compiler:\n\n  ${command}\n`,
  );
  error.stack = `${error.name}: ${error.message}`; // whoever reads it can do nothing about where it was thrown
  return error;
}

function reasonFor(message: string): string {
  const where = `${process.platform} ${process.arch}`;
  if (process.platform === 'win32')
    return 'Windows has no select(2) for descriptors; in WSL, the Linux that Windows carries, this package runs';
  if (message.startsWith('No native build was found'))
    return `there is no addon for ${where} in this package`;
  const [, needed] = /version `(\S+)' not found/.exec(message) ?? [];
  if (needed) return `the addon needs a newer C library than this system has (${needed}): ${message}`;
  if (/permission|allow-ffi/i.test(message))
    return `Deno loads an addon only with --allow-ffi (and --allow-read, --allow-env, --allow-sys): ${message}`;
  return `the addon does not load on this ${where}: ${message}`;
}

export = load();
