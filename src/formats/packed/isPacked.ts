import type { JsonValue } from '../strictJson.ts'
import type { Checkpoint } from '../tensors.ts'

/** Where a configuration says how its weights are packed. */
export const FIELD = 'quantization_config'

/** Whether a checkpoint is packed, by its configuration or its tensors. */
export function isPacked(config: JsonValue, { tensors }: Checkpoint): boolean {
  const stated = typeof config === 'object' && config !== null && (config as Record<string, unknown>)[FIELD]
  if (stated !== undefined && stated !== null && stated !== false) return true
  for (const { name, dtype } of tensors.values())
    if (dtype.startsWith('F8_') || name.endsWith('.qweight')) return true
  return false
}
