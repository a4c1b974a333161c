import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from '../posix/call-constants.js';
import { EPOLLIN, EPOLLOUT } from '../posix/select-constants.js';
import { sys } from '../posix/sys.js';
import { millisecondsOf } from '../wait.js';
import { bitsOf, eventsOf, KernelSelector } from './base.js';

/**
 * On epoll(7), Linux's: any descriptors but regular files, at a cost that does not grow with their number.
 *
 * @see man 7 epoll; Python's selectors.EpollSelector
 */
export class EpollSelector<Data = unknown> extends KernelSelector<Data> {
  protected readonly syscall = 'epoll';

  constructor() {
    super(sys.epoll_create, 'epoll_create');
  }

  protected watch(fd: number, events: number): number {
    return sys.epoll_ctl(this.fileno(), EPOLL_CTL_ADD, fd, bitsOf(events, EPOLLIN, EPOLLOUT));
  }

  protected rewatch(fd: number, events: number): number {
    return sys.epoll_ctl(this.fileno(), EPOLL_CTL_MOD, fd, bitsOf(events, EPOLLIN, EPOLLOUT));
  }

  protected unwatch(fd: number): void {
    sys.epoll_ctl(this.fileno(), EPOLL_CTL_DEL, fd, 0);
  }

  protected wait(timeout: number | null): number {
    const count = sys.epoll_wait(this.fileno(), this.ready, millisecondsOf(timeout));
    for (let i = 1; i < 2 * count; i += 2)
      this.ready[i] = eventsOf(this.ready[i] as number, EPOLLIN, EPOLLOUT);
    return count;
  }
}
