/** `posix-select/grade`: the language of checks, for an assignment of one's own. `docs/checks.md` has an example. */
export type { Client } from './client.js';
export type { PrintOptions, ReceiveOptions } from './expect.js';
export type { Details, Finding } from './failure.js';
export {
  type Assignment,
  byTeacher,
  type Check,
  extra,
  type Line,
  line,
  note,
  type Part,
  part,
  type Skeleton,
} from './rubric.js';
export type { Run } from './run.js';
export {
  afterData,
  afterLeaving,
  forConnections as waitsInSelect,
  forData as waitsInSelectForData,
} from './select-checks.js';
export { endsOnCtrlC, survivesReset, waitsForNobody } from './server-checks.js';
