import { FD_CLR, FD_ISSET, FD_SET, FD_SETSIZE, FdSet } from '../fdset.js';
import { F_GETFD } from '../posix/call-constants.js';
import { errno } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import { putTimeval } from '../wait.js';
import { BaseSelector, EVENT_READ, EVENT_WRITE } from './base.js';

/**
 * On select(2): descriptors below FD_SETSIZE.
 *
 * @see man 2 select; Python's selectors.SelectSelector
 */
export class SelectSelector<Data = unknown> extends BaseSelector<Data> {
  protected readonly syscall = 'select';
  readonly #watchedForRead = new FdSet();
  readonly #watchedForWrite = new FdSet();
  #nfds = 0;
  /** The call overwrites what it is given: it gets copies. */
  readonly #readfds = new FdSet();
  readonly #writefds = new FdSet();
  readonly #timeval = new Float64Array(2);

  protected watch(fd: number, events: number): number {
    if (fd >= FD_SETSIZE) {
      throw new RangeError(
        `filedescriptor out of range in select(): ${fd} is not below FD_SETSIZE (${FD_SETSIZE}); ` +
          'a PollSelector or the DefaultSelector takes it',
      );
    }
    this.#nfds = Math.max(this.#nfds, fd + 1);
    return this.rewatch(fd, events);
  }

  protected rewatch(fd: number, events: number): number {
    (events & EVENT_READ ? FD_SET : FD_CLR)(fd, this.#watchedForRead);
    (events & EVENT_WRITE ? FD_SET : FD_CLR)(fd, this.#watchedForWrite);
    return 0;
  }

  protected unwatch(fd: number): void {
    this.rewatch(fd, 0);
    while (this.#nfds > 0 && !this.#isWatched(this.#nfds - 1)) this.#nfds -= 1;
  }

  #isWatched(fd: number): boolean {
    return FD_ISSET(fd, this.#watchedForRead) || FD_ISSET(fd, this.#watchedForWrite);
  }

  protected wait(timeout: number | null): number {
    // Linux overlooks closed descriptors beyond the process's table: see native/select.cc.
    if (this.#nfds > 64 && sys.fcntl(this.#nfds - 1, F_GETFD, 0) < 0) return -errno.EBADF;
    const readfds = this.#readfds.assign(this.#watchedForRead);
    const writefds = this.#writefds.assign(this.#watchedForWrite);
    if (timeout !== null) putTimeval(timeout, this.#timeval);
    const timeval = timeout === null ? null : this.#timeval;
    const result = sys.selectFdSets(this.#nfds, readfds.words, writefds.words, null, timeval);
    if (result <= 0) return result;

    let n = 0;
    for (const fd of readfds) {
      this.ready[n++] = fd;
      this.ready[n++] = FD_ISSET(fd, writefds) ? EVENT_READ | EVENT_WRITE : EVENT_READ;
    }
    for (const fd of writefds) {
      if (FD_ISSET(fd, readfds)) continue;
      this.ready[n++] = fd;
      this.ready[n++] = EVENT_WRITE;
    }
    return n / 2;
  }
}
