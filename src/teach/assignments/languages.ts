/** The languages that there are skeletons in: the first that an assignment has is laid out if none is asked for. */
export const LANGUAGES = ['typescript', 'python', 'c'] as const;

export type Language = (typeof LANGUAGES)[number];
