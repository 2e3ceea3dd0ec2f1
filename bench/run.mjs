import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { createServer } from 'vite'
import { root, runMain, say, SetupError } from '../scripts/run.mjs'
import { vulkanEnvironment } from '../scripts/vulkan.mjs'

const USAGE = `npm run bench -- [--only SUITES] [--rounds 7] [--rotate-mib 256] [--shapes NAMES] [--formats NAMES]
                 [--variant NAME] [--autotune [--print]] [--page] [--peers] [--check] [--vendor NAME] [--out FILE] [--commit NAME]
  Suites: dispatch, matvec, prefill, context, steps, layers, adapters, formats, decode, loading, load, model, views, train, sets. Names are separated by commas.
  JSON lines on standard output and in bench/results/. TOKENSCOPE_GPU=system measures this machine's GPU.
  --autotune writes src/gpu/variantTable.ts, with --print it only says what it would write.
  --peers runs the library beside llama.cpp, on Vulkan where it loads, after the suites (see bench/peers/README.md).
  --check ends with 1 when a bar of bench/bars.ts does not hold.`
const OPTIONS =
  'only rounds rotate-mib shapes formats variant autotune print page peers check vendor out commit help'.split(
    ' ',
  )

/** @param {readonly string[]} args @returns {Record<string, string | true>} */
function parseArguments(args) {
  const options = {}
  for (let i = 0; i < args.length; i++) {
    const name = args[i].startsWith('--') ? args[i].slice(2) : null
    if (!OPTIONS.includes(name ?? ''))
      throw new SetupError(`${args[i]} is not an option of the bench.`, USAGE)
    const value = args[i + 1]
    if (value !== undefined && !value.startsWith('--')) i++
    options[name] = value !== undefined && !value.startsWith('--') ? value : true
  }
  return options
}

/** @param {string | true | undefined} list */
const namesOf = (list) => (typeof list === 'string' ? list.split(',') : undefined)

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // outside a checkout
  }
}

/** The library in Node beside llama.cpp, on the same weights and in one process; on Vulkan only where a GPU is asked for. */
function runPeers(out, { commit }, vendor) {
  const formats = ['f16', 'q4_0']
  const device = process.env.TOKENSCOPE_GPU === 'system' ? 'llama.cpp-vulkan' : 'llama.cpp'
  const only = formats.flatMap((format) => [`node-${format}`, `${device}-${format}`]).join(',')
  const args = [
    '--only',
    only,
    '--arbiter',
    '',
    '--tokens',
    '64',
    '--prompt',
    '128',
    '--out',
    out,
    '--commit',
    commit,
  ]
  const more = typeof vendor === 'string' ? ['--vendor', vendor] : []
  execFileSync(process.execPath, [`${root}bench/peers/run.mjs`, ...args, ...more], { stdio: 'inherit' })
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
    const { runSuites, SUITE_NAMES, autotune, checkBars } = await server.ssrLoadModule('/bench/main.ts')
    const names = namesOf(options.only) ?? (options.page ? [] : SUITE_NAMES)
    const unknown = names.find((name) => !SUITE_NAMES.includes(name))
    if (unknown) throw new SetupError(`There is no suite "${unknown}".`, USAGE)
    const stamp = {
      date: new Date().toISOString().slice(0, 10),
      commit: typeof options.commit === 'string' ? options.commit : commit(),
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
      const line = JSON.stringify({ ...result, load: loadavg()[0], ...stamp }, (_, value) =>
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
      shapes: namesOf(options.shapes),
      formats: namesOf(options.formats),
    }
    if (options.autotune) {
      const { kind, threadPerOutput, workgroup } = await autotune(settings, tell)
      const path = `${root}src/gpu/variantTable.ts`
      const line = `  ${kind}: { threadPerOutput: ${threadPerOutput}, workgroup: ${workgroup} },`
      const text = readFileSync(path, 'utf8')
      const wanted = text.replace(new RegExp(`^  ${kind}: .*$`, 'm'), line)
      if (!options.print) writeFileSync(path, wanted)
      say(
        `${text === wanted ? 'As in the table' : options.print ? 'The table would say' : 'The table now says'}:${line}`,
      )
    }
    const kind = options.autotune ? null : await runSuites(names, settings, tell)
    if (options.page) {
      const { runPage } = await import('./page.mjs')
      await runPage(tell)
    }
    for (const bar of kind === null ? [] : checkBars(results, kind)) {
      say(JSON.stringify(bar))
      if (options.check && !bar.holds) process.exitCode = 1
    }
    if (options.peers) runPeers(out, stamp, options.vendor)
  } finally {
    await server.close()
    clearInterval(alive)
  }
})
