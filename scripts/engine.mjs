import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runMain, say, SetupError } from './run.mjs'

const USAGE =
  'Usage: npm run engine -- SERVER MODEL.gguf [--rpc HOST:PORT,…] [--lora FILE.gguf]… [--port N] [--parallel N] [--context N] [--origin URL]'
const DEFAULT_PORT = 8080
/** Requests answered at once: as many as a prediction has branches. */
const DEFAULT_PARALLEL = 8
/** Positions of each of them. */
const DEFAULT_CONTEXT = 2048

/** @param {string} name @param {string | undefined} value @param {number} otherwise */
function wholeNumber(name, value, otherwise) {
  if (value === undefined) return otherwise
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new SetupError(`--${name} got ${value}, expected a whole number from 1.`, USAGE)
}

/** @param {string | undefined} path @param {string} what */
function existing(path, what) {
  if (path === undefined) throw new SetupError(`${what} is missing.`, USAGE)
  if (existsSync(path)) return resolve(path)
  throw new SetupError(
    `${what} is not at ${path}.`,
    'Give its path; docs/larger-models.md says how to build a server.',
  )
}

/** @param {string} rpc */
function checkWorkers(rpc) {
  const wrong = rpc.split(',').find((worker) => !/^[^\s:,]+:\d+$/.test(worker))
  if (wrong !== undefined) throw new SetupError(`--rpc got ${wrong}, expected HOST:PORT.`, USAGE)
  return rpc
}

const OPTIONS = /** @type {const} */ ({
  rpc: { type: 'string' },
  lora: { type: 'string', multiple: true },
  port: { type: 'string' },
  parallel: { type: 'string' },
  context: { type: 'string' },
  origin: { type: 'string' },
})

/**
 * What to start, and with which arguments, from those of the command line.
 *
 * @param {readonly string[]} args
 * @returns {{ server: string, flags: string[], url: string }}
 */
export function engineCommand(args) {
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new SetupError(error.message, USAGE)
  }
  const { values, positionals } = parsed
  const server = existing(positionals[0], 'The server')
  const model = existing(positionals[1], 'The model')
  const port = wholeNumber('port', values.port, DEFAULT_PORT)
  const parallel = wholeNumber('parallel', values.parallel, DEFAULT_PARALLEL)
  const context = wholeNumber('context', values.context, DEFAULT_CONTEXT)
  const flags = ['--model', model, '--host', '127.0.0.1', '--port', String(port), '--jinja']
  flags.push('--parallel', String(parallel), '--ctx-size', String(parallel * context))
  // Only pages of this machine, or the one named, may ask.
  flags.push('--cors-origins', values.origin ?? 'localhost', '--no-cors-credentials')
  // A star would not cover the header of a key.
  flags.push('--cors-headers', 'authorization,content-type')
  for (const file of values.lora ?? []) flags.push('--lora', existing(file, 'The adapter'))
  if (values.rpc !== undefined) flags.push('--rpc', checkWorkers(values.rpc), '--n-gpu-layers', '99')
  return { server, flags, url: `http://127.0.0.1:${port}` }
}

/** Runs the server until it ends or is stopped. @returns {Promise<number>} its exit code */
function runServer({ server, flags, url }) {
  say(`${server} ${flags.join(' ')}\n`)
  say(`Connect to ${url} (Ctrl+C stops it)\n`)
  return new Promise((done, reject) => {
    const child = spawn(server, flags, { stdio: ['ignore', 'inherit', 'inherit'] })
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal))
    child.on('error', (error) => reject(new SetupError(`${server} does not start: ${error.message}`, USAGE)))
    child.on('close', (code) => done(code ?? 0))
  })
}

if (process.argv[1] === import.meta.filename) {
  await runMain(() => runServer(engineCommand(process.argv.slice(2))))
}
