/**
 * Descriptors that an object owns (a Socket, a selector) and nobody has closed: they are closed when nobody can reach
 * the object any more, as Python does, and when the thread ends, which the process outlives. Each is named in a warning,
 * but where `worker.terminate()` ends the thread: that runs no JavaScript any more, and the addon closes them.
 */
import { isMainThread, threadId } from 'node:worker_threads';
import { sys } from './sys.js';

type Describe = (fd: number) => string;

/** An object's hold on a descriptor. */
interface Hold {
  fd: number;
  describe: Describe;
}

/** Those of this thread, by descriptor. */
const open = new Map<number, Hold>();

/** What becomes of the warnings about a thread that ends: its event loop will not turn again to emit them. */
let report = (warnings: string[]): void => {
  const text = warnings.map((warning) => `(thread ${threadId}) ResourceWarning: ${warning}\n`).join('');
  if (!process.execArgv.includes('--no-warnings')) sys.write(2, Buffer.from(text));
};

/** Has the warnings of this thread's end go elsewhere than to stderr. */
export function reportUnclosed(to: (warnings: string[]) => void): void {
  report = to;
}

const registry = new FinalizationRegistry((hold: Hold) => {
  const { fd, describe } = hold;
  // Closed behind the object's back, the descriptor may have come to another object since.
  if (open.get(fd) !== hold) return;
  warnUnclosed(`unclosed ${describe(fd)}`);
  close(fd);
});

export function warnUnclosed(warning: string): void {
  process.emitWarning(warning, 'ResourceWarning');
}

function close(fd: number): void {
  forget(fd);
  sys.close(fd);
}

function forget(fd: number): void {
  open.delete(fd);
  if (!isMainThread) sys.closeAtEnd(fd, 0);
}

/** From now on the object owns the descriptor. */
export function own(object: object, fd: number, describe: Describe): void {
  const hold = { fd, describe };
  open.set(fd, hold);
  if (!isMainThread) sys.closeAtEnd(fd, 1);
  registry.register(object, hold, object);
}

/** The descriptor is closed, or given away. */
export function disown(object: object, fd: number): void {
  forget(fd);
  registry.unregister(object);
}

/** The descriptor that an object has made for itself, and that nobody else closes. */
export class OwnFd {
  readonly #owner: object;
  #fd: number;

  /** @param kind of the object, as warnings name it: `select.epoll` */
  constructor(owner: object, fd: number, kind: string) {
    this.#owner = owner;
    this.#fd = fd;
    own(owner, fd, (fd) => `<${kind} fd=${fd}>`);
  }

  /** The descriptor; -1 once it is closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Closing again does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    disown(this.#owner, this.#fd);
    sys.close(this.#fd);
    this.#fd = -1;
  }
}

if (!isMainThread) {
  process.on('exit', () => {
    if (open.size === 0) return;
    report(
      [...open.values()].map(({ fd, describe }) => `unclosed at the end of the thread: ${describe(fd)}`),
    );
    for (const fd of open.keys()) close(fd);
  });
}
