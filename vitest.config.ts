import { defineConfig } from 'vitest/config'
import { transformers } from './vite.transformers.ts'

const MINUTE = 60_000

/** Two files at a time: neither a compiling driver nor a page is worth more than a core. */
const PAIRED = { pool: 'forks', maxWorkers: 2 } as const

/** Pages beyond the main ones run under `npm run test:all`, and where the folder is named. */
const WITH_MORE =
  process.env['TOKENSCOPE_ALL'] === '1' || process.argv.some((arg) => arg.includes('tests/e2e/more'))

/** A poll waits for a state however busy the machine is; what never comes ends here. */
const POLL = { timeout: MINUTE }

/** Where `npm test` wants the counts; absent when vitest is run by itself. */
const summary = process.env['TOKENSCOPE_SUMMARY']
const reporters: (string | [string, Record<string, unknown>])[] = ['default']
if (summary) reporters.push(['./scripts/summary.mjs', { file: summary }])

export default defineConfig({
  plugins: [transformers()],
  test: {
    reporters,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/**/*.test.{ts,tsx}'],
          exclude: ['tests/gpu/**', 'tests/e2e/**'],
          testTimeout: 2 * MINUTE,
          expect: { poll: POLL },
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'gpu',
          include: ['tests/gpu/**/*.test.ts'],
          setupFiles: ['tests/setup.gpu.ts'],
          ...PAIRED,
          // The files of a process share its device, and what that has compiled.
          isolate: false,
          testTimeout: 5 * MINUTE,
          hookTimeout: 5 * MINUTE,
          expect: { poll: POLL },
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/*.test.ts', ...(WITH_MORE ? ['tests/e2e/more/*.test.ts'] : [])],
          setupFiles: ['tests/setup.e2e.ts'],
          ...PAIRED,
          testTimeout: 5 * MINUTE,
          hookTimeout: 5 * MINUTE,
          expect: { poll: POLL },
          // A page has timers, workers and a driver of its own. What needs a second try is named at the end of `npm test`.
          retry: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
