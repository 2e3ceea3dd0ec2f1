import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const TOOLS = fileURLToPath(new URL('../../tools', import.meta.url))

/** The interpreter to use: `TOKENSCOPE_PYTHON`, else `python3`. */
const PYTHON = process.env['TOKENSCOPE_PYTHON'] ?? 'python3'

/** Null when Python can import every module, else the reason to skip. */
export function missingPython(modules: readonly string[]): string | null {
  const probe = spawnSync(PYTHON, [
    '-c',
    ['import sys', ...modules.map((name) => `import ${name}`)].join('\n'),
  ])
  if (probe.error) return `skipped: needs ${PYTHON}`
  return probe.status === 0
    ? null
    : `skipped: needs Python with ${modules.join(', ')} (tools/requirements.txt)`
}

/** Runs `python -m …` inside tools/ and returns what it printed; throws with its stderr when it fails. */
export function python(...args: string[]): string {
  return execFileSync(PYTHON, ['-m', ...args], {
    cwd: TOOLS,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
