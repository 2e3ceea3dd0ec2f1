import type { ModelDescription } from '../arch/spec.ts'
import { TokenscopeError } from '../errors.ts'
import { readGgufAdapter } from '../formats/gguf/adapter.ts'
import { ggufArchitecture } from '../formats/gguf/modelTypes.ts'
import { writeGgufAdapter } from '../formats/gguf/writeAdapter.ts'
import type { FileSource } from '../formats/tensors.ts'
import { combinedPairs, type ScaledAdapter } from './combine.ts'
import { parseAdapterConfig } from './config.ts'
import type { LoadAdapterOptions } from './load.ts'
import { parseAdapter } from './parse.ts'
import type { ParsedAdapter } from './types.ts'

/** Head of the file that an adapter is exported to. */
const FILE = 'adapter.gguf'

function architectureOf({ modelType }: ModelDescription): string {
  const architecture = ggufArchitecture(modelType)
  if (architecture !== null) return architecture
  throw new TokenscopeError('unsupported', `No GGUF adapter is known for models of type ${modelType}.`, {
    hint: "Use PEFT's files: adapter_config.json and adapter_model.safetensors.",
    details: { field: 'model_type', got: modelType },
  })
}

/**
 * Reads a LoRA in GGUF for a model.
 * @throws `bad-file`, `unsupported` (another kind of adapter, one made for another architecture), `network`, `aborted`.
 */
export async function loadGgufAdapter(
  source: FileSource,
  file: string,
  model: ModelDescription,
  { name = file, baseNames = [], signal }: LoadAdapterOptions,
): Promise<ParsedAdapter> {
  const expected = architectureOf(model)
  const { architecture, tensors, config, remarks } = await readGgufAdapter(source, file, model, signal)
  if (architecture !== expected)
    throw new TokenscopeError(
      'unsupported',
      `${file}: general.architecture is "${architecture}", expected "${expected}", the loaded model's.`,
      {
        hint: 'The adapter was made for another model; load that one.',
        details: { file, field: 'general.architecture', got: architecture, expected },
      },
    )
  const written = parseAdapterConfig(new TextEncoder().encode(JSON.stringify(config)))
  const parsed = await parseAdapter(written, tensors, model, { name, baseNames, file })
  const { report } = parsed
  return { ...parsed, report: { ...report, warnings: [...report.warnings, ...remarks] } }
}

/**
 * Scaled adapters as one LoRA file that llama.cpp loads. One adapter at scale 1 keeps its A, its B and its alpha.
 * @throws `unsupported` for what is more than plain low-rank updates, or a model whose files have no names for it; `bad-argument`
 * where every scale is 0.
 */
export function exportGguf(
  parts: readonly ScaledAdapter[],
  model: ModelDescription,
  dtype: 'F32' | 'F16',
): Map<string, Uint8Array> {
  const architecture = architectureOf(model)
  const pairs = combinedPairs(parts).map(({ source, ...pair }) => ({ module: source, ...pair }))
  const name = parts.map(({ adapter }) => adapter.name).join(' + ')
  const { headDim } = model
  return new Map([[FILE, writeGgufAdapter(pairs, { architecture, headDim, name, dtype })]])
}
