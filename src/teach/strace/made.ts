/** A call as the arguments in strace(1)'s output say it. */
import type { OtherCall, Sets } from '../recording/format.js';

/** The fields of a call that its arguments fill; the importer adds number, thread and times. */
export type Made = Omit<OtherCall, 'n' | 'at' | 'took'> & Partial<SelectFields>;

interface SelectFields extends Sets {
  nfds: number;
  left: number;
}
