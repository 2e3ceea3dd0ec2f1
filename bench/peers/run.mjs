// node bench/peers/run.mjs: other engines beside ours; see README.md in this folder. JSON lines, like the bench.
import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../../scripts/chromium.mjs'
import { root, runMain, say, SetupError } from '../../scripts/run.mjs'
import { serve } from '../../scripts/serve.mjs'
import { vulkanEnvironment } from '../../scripts/vulkan.mjs'
import { IN_TAB, openInNode, openInTab, openLlamaCpp, weightsOf } from './engines.mjs'
import { preparePeers } from './prepare.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '16' },
    prompt: { type: 'string', default: '64' },
    only: {
      type: 'string',
      default:
        'ours-f32,ours-q4_0,onnx-webgpu,onnx-webgpu-plain,onnx-wasm,wllama-f32,wllama-q4_0,llama.cpp-f32,llama.cpp-q4_0',
    },
    /** Teacher-forced logits against this engine, before any time is taken; the empty word: none. */
    arbiter: { type: 'string', default: 'onnx-wasm' },
    forced: { type: 'string', default: '16' },
    vendor: { type: 'string' },
    out: { type: 'string' },
    commit: { type: 'string' },
  },
})
const rounds = Number(options.rounds)
const count = Number(options.tokens)
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
/** @returns {{ ids: number[], text: string }} */
const promptOf = (round) => {
  const found = JSON.parse(readFileSync(`${root}.cache/peers/prompts.json`, 'utf8'))[options.prompt]
  if (!found)
    throw new SetupError(
      `There is no prompt of ${options.prompt} tokens.`,
      'export.py makes some of 64 and 128.',
    )
  return found[round % found.length]
}
const stamp = {
  date: new Date().toISOString().slice(0, 10),
  commit: options.commit ?? commit(),
  cores: cpus().length,
  cpu: cpus()[0]?.model.trim(),
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // outside a checkout
  }
}

function tell(result) {
  const line = JSON.stringify({ ...result, load: loadavg()[0], ...stamp }, (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  )
  say(line)
  if (options.out) appendFileSync(options.out, `${line}\n`)
}

async function openAll(browser, url) {
  const engines = []
  for (const name of options.only.split(',')) {
    try {
      if (name in IN_TAB)
        engines.push(
          await openInTab(browser, url, name, (error) =>
            tell({ name: 'peer.error', engine: name, error: error.message }),
          ),
        )
      else if (name.startsWith('llama.cpp-')) engines.push(await openLlamaCpp(root, name))
      else if (name.startsWith('node-')) engines.push(await openInNode(root, name, options.vendor))
      else throw new SetupError(`There is no engine "${name}".`, 'See bench/peers/README.md.')
    } catch (error) {
      if (error instanceof SetupError) throw error
      tell({ name: 'peer.error', engine: name, error: String(error).slice(0, 300) })
    }
  }
  return engines
}

/** Distance between two engines' logits at the same ids, and the first place where their greedy choice differs. */
function compareLogits(ours, theirs) {
  const order = (row) => row.map((value, id) => ({ value, id })).toSorted((a, b) => b.value - a.value)
  let worst = 0
  let at = -1
  theirs.forEach((row, i) => {
    worst = Math.max(worst, ...row.map((value, id) => Math.abs(value - ours[i][id])))
    if (at < 0 && order(row)[0].id !== order(ours[i])[0].id) at = i
  })
  if (at < 0) return { maxDifference: worst, differsAt: null }
  const [first, second] = order(ours[at])
  const own = order(theirs[at])[0].id
  return {
    maxDifference: worst,
    differsAt: at,
    arbiterChooses: first.id,
    engineChooses: own,
    margin: first.value - second.value,
    arbiterLogitOfItsChoice: ours[at][own],
  }
}

/** The same ids through every engine that gives logits; the prompt once as a whole, and once token by token. */
async function checkLogits(engines) {
  const arbiter = engines.find(({ name }) => name === options.arbiter)
  if (!arbiter?.forced) return
  const { ids: prompt, text } = promptOf(1)
  const { ids } = await arbiter.answer(prompt, Number(options.forced), text)
  const expected = await arbiter.forced(prompt, ids, false)
  for (const { name, about, forced } of engines) {
    if (!forced || name === arbiter.name) continue
    for (const one of name.startsWith('onnx-webgpu') ? [false, true] : [false]) {
      const compared = compareLogits(expected, await forced(prompt, ids, one))
      tell({
        name: 'peer.logits',
        engine: name,
        about,
        arbiter: arbiter.name,
        promptTokens: prompt.length,
        forced: ids.length,
        promptFed: one ? 'token by token' : 'whole',
        value: compared.maxDifference,
        unit: 'logits',
        ...compared,
      })
    }
  }
}

/** The engine whose ids and rates another is measured against: ours, with the same weights, in the same kind of process. */
function referenceOf(name, engines) {
  const weights = weightsOf(name)
  const names = name.startsWith('llama.cpp-') ? [`node-${weights}`, `ours-${weights}`] : [`ours-${weights}`]
  return names.find((each) => engines.some((engine) => engine.name === each)) ?? null
}

/** Where an engine's ids first differ from those it is compared with, round by round; null: not compared. */
function compareIds(own, theirs) {
  if (theirs === null || own.some(({ ids }) => ids === null)) return { sameIds: null }
  const differs = own.map(({ ids }, i) => ids.findIndex((id, n) => id !== theirs[i].ids[n]))
  const firstDifferent = differs.filter((at) => at >= 0)
  return {
    sameIds: firstDifferent.length === 0,
    roundsWithSameIds: differs.length - firstDifferent.length,
    ...(firstDifferent.length > 0 ? { firstDifferent } : {}),
  }
}

function tellRates(engines, runs) {
  for (const { name, about } of engines) {
    const own = runs.get(name)
    const reference = referenceOf(name, engines)
    const theirs = reference === null || reference === name ? null : runs.get(reference)
    const ids = compareIds(own, theirs)
    for (const what of ['prefill', 'decode']) {
      const values = own.map((run) => run[what])
      const best = Math.max(...values)
      const times = theirs && {
        comparedWith: reference,
        oursTimes: median(theirs.map((run, i) => run[what] / values[i])),
        oursTimesBest: Math.max(...theirs.map((run) => run[what])) / best,
      }
      tell({
        name: `peer.${what}`,
        engine: name,
        value: median(values),
        unit: 'tok/s',
        best,
        spread: [Math.min(...values), best],
        rounds,
        promptTokens: Number(options.prompt),
        newTokens: count,
        about,
        weights: weightsOf(name),
        ...ids,
        ...times,
      })
    }
  }
}

/** Every engine's answers, round by round in turn. */
async function answerInTurn(engines) {
  const runs = new Map(engines.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    const { ids, text } = promptOf(round)
    for (const { name, answer } of engines) {
      const run = await answer(ids, count, text)
      if (round > 0) runs.get(name).push(run) // the first warms up
    }
  }
  return runs
}

await runMain(async () => {
  preparePeers()
  Object.assign(process.env, await vulkanEnvironment())
  const alive = setInterval(() => undefined, 1000) // pending GPU work alone does not keep Node running
  const tabs = options.only.split(',').some((name) => name in IN_TAB)
  const server = await serve(root)
  const browser = tabs
    ? await chromium.launch({ executablePath: await findChromium(), args: [...CHROMIUM_FLAGS] })
    : null
  try {
    const engines = await openAll(browser, server.url)
    await checkLogits(engines)
    if (rounds > 0) tellRates(engines, await answerInTurn(engines))
    for (const { close } of engines) await close()
  } finally {
    await browser?.close()
    await server.close()
    clearInterval(alive)
  }
  return 0
})
