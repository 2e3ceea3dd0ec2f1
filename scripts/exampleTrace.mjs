// Writes public/traces/tales-3m.tokenscope, the saved run that a page without WebGPU offers to open:
//   npm run build && node scripts/exampleTrace.mjs
// Needs the optional package `webgpu` and a GPU; VK_DRIVER_FILES names a software driver where there is none.
import { mkdirSync, writeFileSync } from 'node:fs'
import { loadModel, openTrace } from '../dist/lib/index.js'
import { root, runMain, say, SetupError } from './run.mjs'

const MODEL = 'tales-3m'
const PROMPT = 'Once upon a time there was a'
const SETTINGS = { temperature: 0.7, topK: 40, seed: 11, maxTokens: 12 }
const KEEP = ['embed', 'layers.*.resid', 'layers.*.attn.probs']
/** Bytes: a visitor waits for it. */
const LIMIT = 150_000

await runMain(async () => {
  const model = await loadModel(MODEL)
  try {
    const prompt = await model.encode(PROMPT)
    const tokens = []
    for await (const token of model.generate(prompt, { ...SETTINGS, topLogprobs: 8 })) tokens.push(token)
    const file = await model.saveTrace([...prompt, ...tokens.map(({ id }) => id)], {
      tokens,
      promptLength: prompt.length,
      settings: SETTINGS,
      probes: KEEP,
    })
    const { texts } = await openTrace(file)
    if (file.length > LIMIT)
      throw new SetupError(`The example has ${file.length} bytes.`, 'Keep less, or write a shorter text.')
    mkdirSync(`${root}public/traces`, { recursive: true })
    writeFileSync(`${root}public/traces/${MODEL}.tokenscope`, file)
    say(`${file.length} bytes: ${texts.join('')}`)
  } finally {
    await model.dispose()
  }
})
