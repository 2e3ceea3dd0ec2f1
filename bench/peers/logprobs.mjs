// node bench/peers/logprobs.mjs FILE.gguf --server URL [--tokens 24]: the library in Node beside llama.cpp's server over the same file.
// The server writes greedily; the library is given the same ids. JSON lines, like the bench.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { root, runMain, say, SetupError } from '../../scripts/run.mjs'
import { vulkanEnvironment } from '../../scripts/vulkan.mjs'

const USAGE = 'node bench/peers/logprobs.mjs FILE.gguf --server URL [--prompts FILE.json] [--tokens 24]'
const TOP = 20
/** Where the two differ by more, which token is the first says nothing. */
const MARGIN = 0.02
/** Of a token that counts in what is written. */
const PROBABLE = Math.log(0.01)

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: 'http://127.0.0.1:8080' },
    /** `{ prompts: [{ ids }] }`; default: the lines below, encoded by the file's own tokenizer. */
    prompts: { type: 'string' },
    tokens: { type: 'string', default: '24' },
  },
})

const TEXTS = [
  'Once upon a time',
  'The capital of France is',
  'def fibonacci(n):\n',
  'Water boils at',
  'Dear Sir or Madam,',
  '1, 1, 2, 3, 5, 8,',
]

/** The tokens that the server writes behind ids, each with its most probable ones. */
async function written(ids) {
  const response = await fetch(new URL('/completion', options.server), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      prompt: ids,
      n_predict: Number(options.tokens),
      n_probs: TOP,
      temperature: 0,
      cache_prompt: false,
      ignore_eos: true,
    }),
  })
  if (!response.ok) throw new SetupError(`${options.server} answers ${response.status}.`, USAGE)
  const { completion_probabilities: steps } = await response.json()
  return steps
}

function logSoftmax(row) {
  const most = row.reduce((a, b) => Math.max(a, b))
  const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0)
  return (id) => row[id] - most - Math.log(sum)
}

async function compare(model, ids, tally) {
  const steps = await written(ids)
  const forced = [...ids, ...steps.map(({ id }) => id)]
  const { shape, data } = await model.logits(forced.slice(0, -1))
  for (const [i, { top_logprobs: top }] of steps.entries()) {
    const at = ids.length - 1 + i
    const row = data.subarray(at * shape[1], (at + 1) * shape[1])
    const logprob = logSoftmax(row)
    const best = row.indexOf(row.reduce((a, b) => Math.max(a, b)))
    const margin = top[0].logprob - top[1].logprob
    tally.tokens += 1
    if (best !== top[0].id) tally.others.push(margin)
    for (const { id, logprob: theirs } of top) {
      const difference = Math.abs(logprob(id) - theirs)
      tally.differences.push(difference)
      if (theirs >= PROBABLE) tally.probable = Math.max(tally.probable, difference)
    }
  }
}

await runMain(async () => {
  const [file] = positionals
  if (file === undefined) throw new SetupError('Which file?', USAGE)
  Object.assign(process.env, await vulkanEnvironment())
  const { loadModel } = await import(`${root}dist/lib/index.js`)
  const model = await loadModel(file, { contextLength: 512 })
  const prompts = options.prompts
    ? JSON.parse(readFileSync(options.prompts, 'utf8')).prompts.map(({ ids }) => ids)
    : await Promise.all(TEXTS.map((text) => model.encode(text)))
  const tally = { tokens: 0, others: [], differences: [], probable: 0 }
  for (const ids of prompts) await compare(model, ids, tally)
  const { tokens, others, differences, probable } = tally
  const emit = (name, value, unit) =>
    say(JSON.stringify({ name: `peer.${name}`, value, unit, file: basename(file), tokens }))
  emit('greedy-agreement', 1 - others.length / tokens, 'of tokens')
  emit('greedy-differs-beyond-margin', others.filter((margin) => margin > MARGIN).length, 'tokens')
  emit('largest-margin-of-a-difference', Math.max(0, ...others), 'nats')
  emit('top20-difference-mean', differences.reduce((a, b) => a + b, 0) / differences.length, 'nats')
  emit('top20-difference-largest', Math.max(...differences), 'nats')
  emit('probable-difference-largest', probable, 'nats, tokens of 1 % and more')
  await model.dispose()
  return 0
})
