import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { loadModelFrom } from '../../src/engine/load.ts'
import { inspectSourceFrom } from '../../src/engine/inspectSource.ts'
import { testDevice } from './device.ts'

const MODELS = pathToFileURL(resolve(import.meta.dirname, '../../public/models.json'))

/** Beside weights, cache, activations and logits there are small things: parameters, batches, tables of rotations. */
const SMALL_BYTES = 4 * 1024 ** 2

test.each(['auto', 'q8_0'] as const)('what is told before loading is what is taken: %s', async (weights) => {
  const { fit } = await inspectSourceFrom('tales-3m', { weights, limits: {} }, MODELS)
  const model = await loadModelFrom('tales-3m', { weights, device: (await testDevice()).device }, MODELS)
  const { gpuBytes } = model.info
  await model.dispose()
  expect(Math.abs(gpuBytes - fit.gpuBytes)).toBeLessThan(gpuBytes * 0.05 + SMALL_BYTES)
})
