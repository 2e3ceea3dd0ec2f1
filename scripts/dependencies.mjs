import { existsSync, readFileSync } from 'node:fs'
import { root, run, say, SetupError } from './run.mjs'

const OLDEST_NODE = [20, 19]

/** @param {string} path @returns {Record<string, { version?: string, optional?: boolean }>} */
function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages ?? {}
}

/**
 * True when node_modules holds what the lockfile names. Versions are compared, not dates: a checkout touches dates.
 * Optional packages of other systems may be absent.
 */
function isInstalled() {
  const wantedPath = `${root}package-lock.json`
  const installedPath = `${root}node_modules/.package-lock.json`
  if (!existsSync(installedPath)) return false
  if (!existsSync(wantedPath)) return true
  const installed = readPackages(installedPath)
  return Object.entries(readPackages(wantedPath)).every(([path, { version, optional }]) => {
    if (path === '') return true
    const found = installed[path]
    return found ? found.version === version : optional === true
  })
}

/** Installs the packages of the lockfile when they are missing or differ from it. */
export async function installDependencies() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: ${OLDEST_NODE.join('.')} or newer is needed.`,
      'Install the current long-term-support release of Node and run the command again.',
    )
  }
  if (isInstalled()) return
  const command = existsSync(`${root}package-lock.json`) ? 'ci' : 'install'
  say(`Installing packages (npm ${command}), about a minute …`)
  const code = await runNpm([command, '--include=dev', '--no-progress'])
  if (code !== 0) {
    throw new SetupError(
      `npm ${command} ended with code ${code}.`,
      'Check the network and the lines above, then run the command again.',
    )
  }
}

/** @param {readonly string[]} args */
function runNpm(args) {
  const cli = process.env.npm_execpath
  if (cli?.endsWith('.js')) return run(process.execPath, [cli, ...args])
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args)
}
