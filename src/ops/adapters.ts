import blendWgsl from '../../shaders/ops/blend.wgsl?raw'
import embedLoraWgsl from '../../shaders/ops/embed_lora.wgsl?raw'
import { kernel, type ProviderName } from '../gpu/providers.ts'
import { shapeOf, widthOf, type RowSet } from '../program/step.ts'
import { elementGrid, inputOf, read, write, type Op } from './op.ts'

export const ROWS_PROVIDERS: Record<RowSet, ProviderName> = {
  all: 'rows_all',
  logits: 'rows_logits',
  packed: 'rows_packed',
}

/** A replaced module beside the base's: y = base + s·(alt − base). */
export const blend: Op<'blend'> = {
  formula: () => 'y = base + s·(replacement − base)',
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'blend', text: blendWgsl }, [ROWS_PROVIDERS[step.rows]]),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
        ],
        params: { n, adapter: context.replacedBy(step.attrs.module, step.attrs.nth) },
        grid: [Math.ceil(n / context.variant.workgroup), shapeOf(step)[0] ?? 1, 1],
      },
    ]
  },
}

/** LoRA on the embedding: its A is a table by token. */
export const embedLora: Op<'embed_lora'> = {
  formula: () => 'y = E[token] + Σ s·(α/r)·B·A[token]',
  dispatches(step, context) {
    const n = widthOf(step)
    const { buffer, ranks, bWord, tableWord } = context.embedLora()
    return [
      {
        shader: kernel({ name: 'embed_lora', text: embedLoraWgsl }, []),
        bindings: [
          read(2, context.sampledTokens),
          read(3, inputOf(step, 0, context)),
          write(4, context.tensor(step.name)),
          read(5, buffer),
        ],
        params: { n, ranks, b: bWord, table: tableWord },
        grid: elementGrid(n, context),
      },
    ]
  },
}
