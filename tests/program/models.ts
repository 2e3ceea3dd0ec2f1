import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeModel } from '../describeModel.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import type { FuseOptions } from '../../src/program/fuse.ts'
import type { Program, ProgramSize } from '../../src/program/step.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'

const MODELS = join(import.meta.dirname, '../fixtures/models')

/**
 * Folders of tests/fixtures/models whose forward passes differ: one for each model type at least. Only their configs and tensor tables
 * are read.
 */
const FOLDERS = [
  'bert',
  'cohere2',
  'distilbert',
  'exaone4',
  'exaone4-window',
  'falcon',
  'falcon-multi-query',
  'falcon-serial',
  'gemma2',
  'gemma3',
  'glm4',
  'gpt-oss',
  'gpt-neox',
  'gpt-neox-serial',
  'gpt2',
  'granite',
  'granitemoe',
  'granitemoehybrid',
  'granitemoehybrid-nope',
  'hyperclovax',
  'llama',
  'ministral3',
  'mistral-window',
  'mixtral',
  'modernbert',
  'olmo2',
  'olmo3',
  'olmoe',
  'olmoe-clip',
  'opt',
  'opt-post-norm',
  'phi',
  'phi-qk-norm',
  'phi3',
  'qwen2',
  'qwen2-moe',
  'qwen3',
  'qwen3-moe',
  'roberta',
  'smollm3',
  'stablelm',
  'stablelm-parallel',
  'starcoder2',
]

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

/** Every forward pass that differs, under the name of its fixture. */
export const PROGRAM_MODELS = await Promise.all(
  FOLDERS.map(async (name) => ({ name, model: await describeFixture(name) })),
)

export const FUSE: FuseOptions = { observed: [], isSingleBuffer: () => true, foldRows: 8 }

/** The forward for so many rows, all of whose logits are wanted up to eight. */
export function recordRows(model: ModelDescription, rows: number, more: Partial<ProgramSize> = {}): Program {
  return model.record({ rows, logitRows: Math.min(rows, 8), positions: 64, ...more })
}
