import type { Dialect } from './dialect.ts'
import { UNOFFERED_REASONS } from './refusals.ts'
import { FEATURES, type Capabilities, type Capability, type Feature } from './types.ts'

/** True when all hold, else the first reason that does not. */
function all(...capabilities: readonly Capability[]): Capability {
  return capabilities.find((capability) => capability !== true) ?? true
}

/** True when any holds, else the last reason. */
function any(...capabilities: readonly Capability[]): Capability {
  return capabilities.includes(true) ? true : (capabilities.at(-1) ?? true)
}

/** What the methods of a model need of a dialect's features. */
export function capabilitiesOf({ features, adapters }: Dialect): Capabilities {
  const { encode, decode, applyChatTemplate, score } = features
  const branches = all(features['prompt-ids'], features['token-ids'], features.logprobs)
  const named = Object.fromEntries(FEATURES.map((feature) => [feature, features[feature]]))
  return {
    ...UNOFFERED_REASONS,
    ...(named as Record<Feature, Capability>),
    encode,
    decode,
    tokenTexts: decode,
    applyChatTemplate,
    generate: any(features['prompt-chat'], features['prompt-text']),
    score,
    tokenLogits: all(features['token-ids'], features.logprobs),
    fork: branches,
    expand: branches,
    listAdapters: true,
    setAdapterScale: adapters.length > 0 ? true : features['adapter-scales'],
  }
}
