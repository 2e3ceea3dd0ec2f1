import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { installDependencies } from './dependencies.mjs'
import { runMain, say, SetupError } from './run.mjs'
import { serve } from './serve.mjs'
import { buildIfStale, dist } from './site.mjs'

const DEFAULT_PORT = 4173

function readOptions() {
  const usage = 'Usage: npm start -- [--port N] [--no-open]'
  try {
    const { values } = parseArgs({ options: { port: { type: 'string' }, 'no-open': { type: 'boolean' } } })
    const port = values.port === undefined ? null : Number(values.port)
    if (port !== null && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
      throw new SetupError(`--port got ${values.port}, expected a whole number from 0 to 65535.`, usage)
    }
    return { port, open: values['no-open'] !== true }
  } catch (error) {
    throw error instanceof SetupError ? error : new SetupError(error.message, usage)
  }
}

/** Serves on the asked port, or without one on the first free port from the default on. */
async function serveOn(asked) {
  for (let port = asked ?? DEFAULT_PORT; ; port++) {
    try {
      return await serve(dist, { port })
    } catch (error) {
      if (error.code !== 'EADDRINUSE')
        throw new SetupError(
          `Cannot serve on port ${port}: ${error.message}`,
          'Pass another port: npm start -- --port N',
        )
      if (asked !== null || port >= DEFAULT_PORT + 20) {
        throw new SetupError(`Port ${port} is in use.`, 'Pass another port: npm start -- --port N')
      }
    }
  }
}

/** Opens the page where there is a person to see it: not in CI, not on a machine without a display. */
function openPage(url) {
  const { platform, env } = process
  const [command, args] =
    platform === 'darwin'
      ? ['open', [url]]
      : platform === 'win32'
        ? ['cmd', ['/c', 'start', '', url]]
        : ['xdg-open', [url]]
  const hasDisplay = platform === 'darwin' || platform === 'win32' || env.DISPLAY || env.WAYLAND_DISPLAY
  if (env.CI || !hasDisplay) return
  const child = spawn(command, args, { stdio: 'ignore', detached: true })
  child.on('error', () => say('No browser could be opened here: open the address above yourself.'))
  child.unref()
}

await runMain(async () => {
  const { port, open } = readOptions()
  await installDependencies()
  await buildIfStale()
  const { url, close } = await serveOn(port)
  say(`\nTokenscope is at ${url}  (Ctrl+C stops it)`)
  if (open) openPage(url)
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => void close().then(() => process.exit(0)))
})
