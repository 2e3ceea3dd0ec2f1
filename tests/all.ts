/**
 * True under `npm run test:all`, which runs every variant and every long case. `npm test`, what a change must pass, runs the main ones:
 * every kernel, every step and every view is in them, not every pair of what they can be combined with.
 */
export const ALL = process.env['TOKENSCOPE_ALL'] === '1'

/** The cases of this run: the main ones, and under `npm run test:all` those that only vary them. */
export function casesOf<Case>({ main, more }: { main: readonly Case[]; more: readonly Case[] }): Case[] {
  return ALL ? [...main, ...more] : [...main]
}
