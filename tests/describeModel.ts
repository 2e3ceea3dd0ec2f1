import { ARCHITECTURES, findArchitecture } from '../src/arch/index.ts'
import type { ModelDescription } from '../src/arch/spec.ts'
import { invariant } from '../src/errors.ts'
import { ConfigReader } from '../src/formats/configReader.ts'
import type { TensorInfo } from '../src/formats/tensors.ts'

/** The types of model there are. */
export const MODEL_TYPES: readonly string[] = Object.keys(ARCHITECTURES)

const loaded = new Map(
  await Promise.all(Object.values(ARCHITECTURES).map(async (load) => [load, await load()] as const)),
)

/** `describeModel` of `src/arch` at once: every architecture is read already. */
export function describeModel(
  config: unknown,
  tensors: ReadonlyMap<string, TensorInfo>,
  file = 'config.json',
): ModelDescription {
  const reader = new ConfigReader(config, file)
  const architecture = loaded.get(findArchitecture(reader))
  invariant(architecture, 'an architecture that is not in the list')
  return architecture.open(reader, tensors)
}
