// Answers the evidence's tasks through Tokenscope itself:
//   node evidence/engine.mjs MODEL_FOLDER TASKS.jsonl ANSWERS.jsonl
// Needs the built library (`npm run build`) and, in Node, the optional package `webgpu`.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { argv, stderr } from 'node:process'
import { loadModel } from '../../dist/lib/index.js'

const WINDOW = 512
const STRIDE = 256 // texts longer than the context are scored in windows that overlap by half

const [folder, tasksPath, answersPath] = argv.slice(2)

/** Ids behind the begin token, whether or not the tokenizer adds it by itself. */
async function encode(model, text) {
  return [0, ...(await model.encode(text, { addSpecialTokens: false, parseSpecial: true }))]
}

async function generate(model, task) {
  let text = ''
  const options = {
    maxTokens: task.maxTokens,
    temperature: task.temperature,
    seed: task.seed,
    stop: task.stop,
  }
  for await (const token of model.generate(await encode(model, task.prompt), options)) text += token.text
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

function argmax(row) {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i
  return best
}

async function logitRows(model, ids) {
  const { shape, data } = await model.logits(ids, { adapters: [] })
  const vocab = shape[1]
  return (at) => data.subarray(at * vocab, (at + 1) * vocab)
}

/** From the second copy's first token on, the next one is known. */
async function induction(model, task) {
  const row = await logitRows(model, task.ids)
  const half = (task.ids.length - 1) / 2
  let correct = 0
  let counted = 0
  for (let at = half + 1; at < task.ids.length - 1; at++, counted++) {
    if (argmax(row(at)) === task.ids[at + 1]) correct++
  }
  return { correct, counted }
}

async function bytes(model, task) {
  const ids = await encode(model, task.text)
  let nats = 0
  let scored = 1
  while (scored < ids.length) {
    const start = scored > 1 ? Math.max(0, Math.min(scored - STRIDE, ids.length - WINDOW)) : 0
    const window = ids.slice(start, start + WINDOW)
    const row = await logitRows(model, window)
    for (let at = scored; at < start + window.length; at++) {
      const logits = row(at - start - 1)
      nats += logSumExp(logits) - logits[ids[at]]
    }
    scored = start + window.length
  }
  return { nats, bytes: Buffer.byteLength(task.text), tokens: ids.length - 1 }
}

const answerers = {
  story: generate,
  sample: generate,
  question: generate,
  translate: generate,
  swap: generate,
  induction,
  bytes,
}

const model = await loadModel(folder, { contextLength: WINDOW })
stderr.write(`${model.info.backend}, ${model.info.variant.name}, ${model.info.weights}\n`)
writeFileSync(answersPath, '')
const tasks = readFileSync(tasksPath, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
for (const [index, task] of tasks.entries()) {
  const answer = await answerers[task.kind](model, task)
  appendFileSync(answersPath, JSON.stringify({ ...task, ...answer }) + '\n')
  if (index % 50 === 49) stderr.write(`${index + 1} of ${tasks.length}\n`)
}
await model.dispose()
