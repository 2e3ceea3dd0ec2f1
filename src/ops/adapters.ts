import blendWgsl from '../../shaders/ops/blend.wgsl?raw'
import embedLoraWgsl from '../../shaders/ops/embed_lora.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel, type ProviderName } from '../gpu/providers.ts'
import type { RowSet } from '../program/program.ts'
import { read, write, type Op } from './op.ts'

const ROWS: Record<RowSet, ProviderName> = { all: 'rows_all', logits: 'rows_logits', packed: 'rows_packed' }

/** A replaced module beside the base's: y = base + s·(alt − base). */
export const blend: Op = {
  formula: () => 'y = base + s·(replacement − base)',
  dispatches(step, context) {
    const [base, alt] = step.inputs
    const n = step.shape.at(-1)
    invariant(base !== undefined && alt !== undefined && n !== undefined, `${step.name} blends two tensors`)
    return [
      {
        shader: kernel({ name: 'blend', text: blendWgsl }, [ROWS[step.rows]]),
        bindings: [
          read(2, context.tensor(base)),
          read(3, context.tensor(alt)),
          write(4, context.tensor(step.name)),
        ],
        params: [n, context.replacedBy(step.name)],
        grid: [Math.ceil(n / context.variant.workgroup), step.shape[0] ?? 1, 1],
      },
    ]
  },
}

/** LoRA on the embedding: its A is a table by token. */
export const embedLora: Op = {
  formula: () => 'y = E[token] + Σ s·(α/r)·B·A[token]',
  dispatches(step, context) {
    const [base] = step.inputs
    const n = step.shape.at(-1)
    invariant(base !== undefined && n !== undefined, `${step.name} has an input`)
    const { buffer, ranks, bWord, tableWord } = context.embedLora()
    return [
      {
        shader: kernel({ name: 'embed_lora', text: embedLoraWgsl }, []),
        bindings: [
          read(2, context.drawn),
          read(3, context.tensor(base)),
          write(4, context.tensor(step.name)),
          read(5, buffer),
        ],
        params: [n, ranks, bWord, tableWord],
        grid: [Math.ceil(n / context.variant.workgroup), context.program.rows, 1],
      },
    ]
  },
}
