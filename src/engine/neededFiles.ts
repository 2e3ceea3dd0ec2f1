import { INDEX_FILE } from '../formats/safetensorsIndex.ts'
import { partNames } from '../formats/gguf/split.ts'
import type { Checkpoint } from '../formats/tensors.ts'

/** Small files that say what a model is: configuration, tokenizer, templates, licence. */
const BESIDE = /^(additional_chat_templates\/)?[^/]+\.(json|txt|jinja|model)$|^(LICENSE|NOTICE)[^/]*$/i
/** What belongs to exports of other kinds. */
const FOREIGN = /\.index\.json$|^(onnx|openvino|quantize(?!_config\.json$))|_dataset|imatrix/i
const MAX_BESIDE_BYTES = 64 * 1024 * 1024

interface Listed {
  readonly name: string
  readonly bytes: number | null
}

/** Names of the files that loading reads: those of the weights, and the small ones beside them. */
export function neededFiles(listing: readonly Listed[], weights: readonly string[]): string[] {
  const beside = listing.filter(
    ({ name, bytes }) => BESIDE.test(name) && !FOREIGN.test(name) && (bytes ?? 0) <= MAX_BESIDE_BYTES,
  )
  const sharded = weights.length > 1 && listing.some(({ name }) => name === INDEX_FILE) ? [INDEX_FILE] : []
  return [...new Set([...weights, ...sharded, ...beside.map(({ name }) => name)])]
}

/** Files that hold the tensors of a checkpoint. */
export function weightFiles({ tensors }: Checkpoint): string[] {
  return [...new Set([...tensors.values()].map(({ file }) => file))]
}

/** A GGUF model is one file or all of its parts. */
export const ggufFiles = (file: string): string[] => partNames(file)
