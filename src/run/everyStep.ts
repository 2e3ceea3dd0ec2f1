/** Patterns that observe all steps. */
export const EVERY_STEP = ['*', '*.*', '*.*.*', '*.*.*.*', '*.*.*.*.*'] as const
