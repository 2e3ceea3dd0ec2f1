/** Steps of the sequential palette; `--seq-0` to `--seq-9` in tokens.css. */
export const LEVELS = 10

/** Bits at which the surprisal scale ends: one token in 1,024. */
export const SURPRISAL_END = 10

const level = (share: number) => Math.min(LEVELS - 1, Math.max(0, Math.floor(share * LEVELS)))

/** Palette step of a log-probability (natural), linear in the probability. */
export function probabilityLevel(logprob: number): number {
  return level(Math.exp(logprob))
}

/** Palette step of a log-probability (natural), linear in its surprisal of 0 to {@link SURPRISAL_END} bits. */
export function surprisalLevel(logprob: number): number {
  return level(-logprob / Math.LN2 / SURPRISAL_END)
}
