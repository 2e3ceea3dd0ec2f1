import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeModel } from '../../src/arch/index.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import type { FuseOptions } from '../../src/program/fuse.ts'
import type { Program, ProgramSize } from '../../src/program/step.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'

const MODELS = join(import.meta.dirname, '../fixtures/models')

/** A tiny checkpoint for each model type, by the folder in tests/fixtures/models; only its config and tensor table are read. */
export const MODEL_TYPES: Readonly<Record<string, string>> = {
  llama: 'llama',
  mistral: 'mistral-window',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
  gpt2: 'gpt2',
  gemma2: 'gemma2',
  gemma3_text: 'gemma3',
}

/** So few layers show all there is; the fixtures have more. */
const TWO_LAYERS = { num_hidden_layers: 2, n_layer: 2 }

/** A model of tests/fixtures/models cut to two layers, its config changed. */
export async function describeFixture(
  folder: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<ModelDescription> {
  const at = join(MODELS, folder)
  if (!existsSync(at)) throw new Error(`tests/fixtures/models has no ${folder}`)
  const { tensors } = await openCheckpoint(nodeFolderSource(at))
  const config = parseStrictJson(readFileSync(join(at, 'config.json')), 'config.json')
  return describeModel({ ...(config as object), ...TWO_LAYERS, ...changes }, tensors)
}

/** Every model type with its model. */
export const PROGRAM_MODELS = await Promise.all(
  Object.entries(MODEL_TYPES).map(async ([modelType, folder]) => ({
    modelType,
    model: await describeFixture(folder),
  })),
)

export const FUSE: FuseOptions = { observed: [], isSingleBuffer: () => true, foldRows: 8 }

/** The forward for so many rows, all of whose logits are wanted up to eight. */
export function recordRows(model: ModelDescription, rows: number, more: Partial<ProgramSize> = {}): Program {
  return model.record({ rows, logitRows: Math.min(rows, 8), positions: 64, ...more })
}
