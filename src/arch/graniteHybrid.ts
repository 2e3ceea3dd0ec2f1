import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { parseGranite, recordGranite } from './granite.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { parseRope } from './rope.ts'

function requireDense(config: ConfigReader): void {
  const experts = config.number('num_local_experts', 8)
  if (experts !== 0) throw config.fail('num_local_experts', '0', 'unsupported')
  const field = config.get('layer_types') === undefined ? 'layers_block_type' : 'layer_types'
  const types = config.get(field)
  const attends = (type: unknown): boolean => type === 'attention' || type === 'full_attention'
  if (!Array.isArray(types) || !types.every(attends))
    throw config.fail(field, 'attention for every layer', 'unsupported')
}

/** Granite 4 whose layers all attend and hold no experts: one shared MLP, positions only where the config says so. */
export const graniteHybrid = architecture({
  tensors: LLAMA_TENSORS,
  parse(config) {
    requireDense(config)
    const turns = config.get('position_embedding_type') === 'rope'
    const spec = parseGranite(config, {
      intermediate: { field: 'shared_intermediate_size', fallback: 1024 },
      rope: (headDim, trained) => {
        const table = turns ? parseRope(config, headDim, trained) : null
        return () => table
      },
    })
    const bias = { ...spec.bias, mlp: false }
    return { ...spec, bias, fusedMlp: { fused: 'shared_mlp.input_linear', down: 'shared_mlp.output_linear' } }
  },
  record: recordGranite,
})
