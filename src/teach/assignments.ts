/** The assignments that can be begun and graded. */
export const ASSIGNMENTS = ['select-server'] as const;
