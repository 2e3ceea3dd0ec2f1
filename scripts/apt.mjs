import { existsSync } from 'node:fs'
import { run, say } from './run.mjs'

/** True as root on Debian, Ubuntu and their like. */
export function canUseApt() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

let updated = false

/**
 * Installs packages without asking questions.
 * @param {readonly string[]} packages
 * @param {readonly string[]} [options] of apt-get install, e.g. `-t suite`
 * @returns {Promise<boolean>} whether apt-get ended well
 */
export async function aptInstall(packages, options = []) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  if (!updated) {
    // One index that cannot be fetched (a third party's) must not stop the others from being used.
    const code = await run('apt-get', ['update', '-qq'], { env })
    if (code !== 0) say('Some package indexes could not be fetched; going on with the rest.')
    updated = true
  }
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...options, ...packages]
  return (await run('apt-get', args, { env })) === 0
}
