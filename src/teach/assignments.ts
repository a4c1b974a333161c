/** The assignments that can be begun and graded. */
export const ASSIGNMENTS = ['select-server', 'talk-server', 'srv', 'chatclient', 'multiconn'] as const;
