/** The selectors that this platform has: the suites run on each of them. */
import { sys } from '../../dist/posix/sys.js';
import * as selectors from '../../dist/selectors.js';

const { DefaultSelector, SELECTORS } = selectors;
const isHere = (name: string) =>
  (name !== 'epoll' || sys.epoll_create !== undefined) && (name !== 'kqueue' || sys.kqueue !== undefined);

/** By class name, the default one first. */
export const HERE: [name: string, Selector: typeof DefaultSelector][] = Object.entries(SELECTORS)
  .filter(([name]) => isHere(name))
  .map(([name, Selector]) => [name === 'default' ? 'DefaultSelector' : Selector.name, Selector]);

/** The same without the default, which is one of them. */
export const EACH = HERE.slice(1);
