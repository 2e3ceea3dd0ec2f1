import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { createServer } from 'vite'
import { root, runMain, say, SetupError } from '../scripts/run.mjs'
import { vulkanEnvironment } from '../scripts/vulkan.mjs'

const USAGE = `npm run bench -- [--only matvec,prefill,context,layers,model] [--rounds 7] [--rotate-mib 256]
                 [--variant NAME] [--autotune] [--page] [--check] [--vendor NAME] [--out FILE]
  JSON lines on standard output and in bench/results/. TOKENSCOPE_GPU=system measures this machine's GPU.
  --check ends with 1 when a bar of bench/bars.ts does not hold.`

/** @param {readonly string[]} args @returns {Record<string, string | true>} */
function parseArguments(args) {
  const options = {}
  for (let i = 0; i < args.length; i++) {
    const name = args[i].startsWith('--') ? args[i].slice(2) : null
    if (
      ![
        'only',
        'rounds',
        'rotate-mib',
        'variant',
        'autotune',
        'page',
        'check',
        'vendor',
        'out',
        'help',
      ].includes(name ?? '')
    )
      throw new SetupError(`${args[i]} is not an option of the bench.`, USAGE)
    const value = args[i + 1]
    if (value !== undefined && !value.startsWith('--')) i++
    options[name] = value !== undefined && !value.startsWith('--') ? value : true
  }
  return options
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // outside a checkout
  }
}

await runMain(async () => {
  const options = parseArguments(process.argv.slice(2))
  if (options.help) {
    say(USAGE)
    return 0
  }
  Object.assign(process.env, await vulkanEnvironment())
  const alive = setInterval(() => undefined, 1000) // pending GPU work alone does not keep Node running
  const server = await createServer({
    root,
    configFile: `${root}vite.config.ts`,
    server: { middlewareMode: true, hmr: false, watch: null },
    appType: 'custom',
    logLevel: 'warn',
  })
  try {
    const { runSuites, SUITE_NAMES, autotune, judge } = await server.ssrLoadModule('/bench/main.ts')
    const names = typeof options.only === 'string' ? options.only.split(',') : options.page ? [] : SUITE_NAMES
    const unknown = names.find((name) => !SUITE_NAMES.includes(name))
    if (unknown) throw new SetupError(`There is no suite "${unknown}".`, USAGE)
    const stamp = {
      date: new Date().toISOString().slice(0, 10),
      commit: commit(),
      cores: cpus().length,
      cpu: cpus()[0]?.model.trim(),
    }
    const out =
      typeof options.out === 'string'
        ? options.out
        : `${root}bench/results/${stamp.date}-${stamp.commit}.jsonl`
    mkdirSync(`${root}bench/results`, { recursive: true })
    const results = []
    const tell = (result) => {
      results.push(result)
      const line = JSON.stringify({ ...result, ...stamp }, (_, value) =>
        typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
      )
      say(line)
      appendFileSync(out, `${line}\n`)
    }
    const settings = {
      rounds: Number(options.rounds ?? 7),
      rotateBytes: Number(options['rotate-mib'] ?? 256) * 1024 * 1024,
      variant: typeof options.variant === 'string' ? options.variant : undefined,
      vendor: typeof options.vendor === 'string' ? options.vendor : undefined,
    }
    if (options.autotune) {
      const { kind, alone, workgroup } = await autotune(settings, tell)
      const path = `${root}src/gpu/variantTable.ts`
      const line = `  ${kind}: { alone: ${alone}, workgroup: ${workgroup} },`
      writeFileSync(path, readFileSync(path, 'utf8').replace(new RegExp(`^  ${kind}: .*$`, 'm'), line))
      say(`src/gpu/variantTable.ts now says${line}`)
    }
    if (!options.autotune) {
      const kind = await runSuites(names, settings, tell)
      for (const bar of judge(results, kind)) {
        say(JSON.stringify(bar))
        if (options.check && !bar.holds) process.exitCode = 1
      }
    }
    if (options.page) {
      const { runPage } = await import('./page.mjs')
      await runPage(tell)
    }
  } finally {
    await server.close()
    clearInterval(alive)
  }
})
