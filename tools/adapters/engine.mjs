// Answers the adapters' items through Tokenscope itself:
//   node adapters/engine.mjs LIBRARY MODEL_FOLDER ADAPTER_FOLDER|- ITEMS.jsonl ANSWERS.jsonl
// LIBRARY is the built one (`npm run build` writes dist/lib/index.js); in Node it needs the optional package `webgpu`.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { argv, stderr } from 'node:process'
import { pathToFileURL } from 'node:url'

const END = 0 // begins every text

const [library, folder, adapter, itemsPath, answersPath] = argv.slice(2)
const { loadModel } = await import(pathToFileURL(resolve(library)).href)

async function generate(model, item, adapters) {
  const ids = [END, ...(await model.encode(item.prompt, { addSpecialTokens: false, parseSpecial: true }))]
  const { maxTokens, temperature, seed } = item
  let text = ''
  for await (const token of model.generate(ids, { maxTokens, temperature, seed, adapters }))
    text += token.text
  return { text }
}

/** Natural log of the sum of exponentials of one row of logits. */
function logSumExp(row) {
  let largest = -Infinity
  for (const value of row) largest = Math.max(largest, value)
  let sum = 0
  for (const value of row) sum += Math.exp(value - largest)
  return largest + Math.log(sum)
}

/** Nats over the targets from `start` on. */
async function loss(model, item, adapters) {
  const { shape, data } = await model.logits(item.ids.slice(0, -1), { adapters })
  let nats = 0
  for (let at = item.start; at + 1 < item.ids.length; at++) {
    const row = data.subarray(at * shape[1], (at + 1) * shape[1])
    nats += logSumExp(row) - row[item.ids[at + 1]]
  }
  return { nats, tokens: item.ids.length - 1 - item.start }
}

const answerers = { exact: generate, typed: generate, story: generate, sample: generate, loss }

const model = await loadModel(resolve(folder))
const adapters = []
if (adapter !== '-') adapters.push({ id: (await model.addAdapter(resolve(adapter))).id, scale: 1 })
stderr.write(`${model.info.backend}, ${model.info.variant.name}, ${adapter}\n`)
writeFileSync(answersPath, '')
const lines = readFileSync(itemsPath, 'utf8').trim().split('\n')
for (const [index, line] of lines.entries()) {
  const item = JSON.parse(line)
  const answer = await answerers[item.kind](model, item, adapters)
  appendFileSync(answersPath, JSON.stringify({ ...item, ...answer }) + '\n')
  if (index % 50 === 49) stderr.write(`${index + 1} of ${lines.length}\n`)
}
await model.dispose()
