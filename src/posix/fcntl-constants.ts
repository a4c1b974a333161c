// Written from native/constants.cc: see test/core/constants.test.ts.
import { sys } from './sys.js';

export const F_GETFD = sys.constants.F_GETFD as number;
export const F_GETFL = sys.constants.F_GETFL as number;
export const F_SETFL = sys.constants.F_SETFL as number;
export const O_APPEND = sys.constants.O_APPEND as number;
export const O_NONBLOCK = sys.constants.O_NONBLOCK as number;
