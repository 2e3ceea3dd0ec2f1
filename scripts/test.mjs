import { existsSync, readFileSync, rmSync } from 'node:fs'
import { requireChromium } from './chromium.mjs'
import { installDependencies } from './dependencies.mjs'
import { root, runMain, runTool, say } from './run.mjs'
import { buildIfStale } from './site.mjs'
import { vulkanEnvironment } from './vulkan.mjs'

const SUMMARY = `${root}.cache/test-summary.json`
const UNNAMED_SHOWN = 10

/** @param {readonly string[]} args of `npm test --` @returns {(project: string) => boolean} whether a project will run */
function projectFilter(args) {
  const wanted = args.flatMap((arg, index) =>
    arg.startsWith('--project=') ? [arg.slice(10)] : arg === '--project' ? [args[index + 1]] : [],
  )
  return (project) =>
    wanted.length === 0 || wanted.includes(project) || wanted.some((name) => /[*!]/.test(name ?? ''))
}

/** Prints each reason for skipping once, which tests needed a second try, then the closing line. */
function tell({ passed, failed, skipped, skips, retried }) {
  for (const reason of new Set(skips.map((skip) => skip.reason))) {
    const names = skips.filter((skip) => skip.reason === reason).map((skip) => skip.name)
    if (reason) say(`skipped (${names.length}): ${reason}`)
    else {
      const more = names.length > UNNAMED_SHOWN ? ` and ${names.length - UNNAMED_SHOWN} more` : ''
      say(`skipped without a reason (${names.length}): ${names.slice(0, UNNAMED_SHOWN).join('; ')}${more}`)
    }
  }
  if (retried.length > 0) say(`tried twice (${retried.length}): ${retried.join('; ')}`)
  say(`${passed} passed, ${failed} failed, ${skipped} skipped`)
}

await runMain(async () => {
  const given = process.argv.slice(2)
  const args = given.filter((arg) => arg !== '--all')
  const runs = projectFilter(args)
  await installDependencies()
  const env = given.includes('--all') ? { TOKENSCOPE_ALL: '1' } : {}
  if (runs('e2e')) env.CHROMIUM_PATH = await requireChromium()
  if (runs('e2e') || runs('gpu')) Object.assign(env, await vulkanEnvironment())
  if (runs('e2e')) await buildIfStale()
  rmSync(SUMMARY, { force: true })
  const code = await runTool('vitest/vitest.mjs', ['run', ...args], {
    env: { ...env, TOKENSCOPE_SUMMARY: SUMMARY },
  })
  if (!existsSync(SUMMARY)) return code || 1 // vitest itself did not get to the end and has said why
  const summary = JSON.parse(readFileSync(SUMMARY, 'utf8'))
  say('')
  tell(summary)
  return code || (summary.failed > 0 ? 1 : 0)
})
