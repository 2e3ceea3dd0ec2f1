import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The repository's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** A step that could not be done, with what the reader should do about it. */
export class SetupError extends Error {
  /**
   * @param {string} message what failed
   * @param {string} hint what to do
   */
  constructor(message, hint) {
    super(message)
    this.hint = hint
  }
}

/** @param {string} line one plain line of progress */
export function say(line) {
  process.stdout.write(`${line}\n`)
}

/**
 * Runs a command in the repository root with its output shown.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, quiet?: boolean }} [options] quiet drops the command's output
 * @returns {Promise<number>} its exit code; 127 when it cannot be started
 */
export function run(command, args, { env = {}, quiet = false } = {}) {
  return new Promise((done) => {
    const stdio = quiet ? 'ignore' : ['ignore', 'inherit', 'inherit']
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio })
    child.on('error', () => done(127))
    child.on('close', (code) => done(code ?? 1))
  })
}

/**
 * Runs a tool installed in node_modules by its JavaScript entry, so it works without a shell on every system.
 * @param {string} entry path inside node_modules, e.g. `vite/bin/vite.js`
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, quiet?: boolean }} [options]
 */
export function runTool(entry, args, options) {
  return run(process.execPath, [`${root}node_modules/${entry}`, ...args], options)
}

/**
 * Runs a script's main function; a SetupError is told in two lines, anything else keeps its stack.
 * @param {() => Promise<number | void>} main resolves to the exit code; nothing means "keep running or end well"
 */
export async function runMain(main) {
  try {
    const code = await main()
    if (typeof code === 'number') process.exitCode = code
  } catch (error) {
    process.exitCode = 1
    if (error instanceof SetupError) process.stderr.write(`\n${error.message}\n→ ${error.hint}\n`)
    else throw error
  }
}
