// Makes what peers/run.mjs needs: the engines, the library as it is built, and the checkpoint in their formats.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { root, say, SetupError } from '../../scripts/run.mjs'

const CHECKPOINT = 'public/models/tales-3m'
const EXPORTS = '.cache/peers'

/** @param {string} command @param {readonly string[]} args @param {string} hint */
function step(command, args, hint) {
  say(`${command} ${args.join(' ')}`)
  try {
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  } catch (cause) {
    throw new SetupError(`"${command} ${args.join(' ')}" failed: ${cause.message.split('\n')[0]}`, hint)
  }
}

/** The library is built every time, the rest only where it is missing. */
export function preparePeers() {
  const peers = 'bench/peers'
  if (!existsSync(`${root}${peers}/node_modules`))
    step('npm', ['install', '--prefix', peers], 'The engines come from the npm registry.')
  const lib = [
    'vite',
    'build',
    '--config',
    'vite.lib.config.ts',
    '--outDir',
    `${EXPORTS}/lib`,
    '--logLevel',
    'warn',
  ]
  step('npx', lib, 'Run npm install first.')
  if (existsSync(`${root}${EXPORTS}/prompts.json`)) return
  const python = process.env.PYTHON ?? 'python3'
  step(
    python,
    [`${peers}/export.py`, CHECKPOINT, EXPORTS],
    `Its packages: ${python} -m pip install -r ${peers}/requirements.txt. PYTHON names another interpreter.`,
  )
}
