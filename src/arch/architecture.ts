import type { ConfigReader } from '../formats/configReader.ts'
import type { TensorInfo } from '../formats/tensors.ts'
import { ownMask } from '../program/mask.ts'
import { listParams, type Program, type ProgramSize } from '../program/step.ts'
import { ModelRecorder } from './recorder.ts'
import type { ModelDescription, ModelSpec } from './spec.ts'
import { TensorTable, type TensorPlaces } from './tensorTable.ts'

/** One family of models: how a config becomes numbers, and its forward pass. */
export interface Family<S extends ModelSpec> {
  /** Where its tensors are, and which of them hold no parameters. */
  readonly tensors: TensorPlaces & { readonly buffers?: RegExp }
  /** @throws `unsupported` for what is known but not built, `bad-file` for what contradicts itself; both name the field. */
  parse(config: ConfigReader): S
  /** Records the forward pass. Tensors are claimed as they are named: one that is missing or has another shape throws `bad-file`. */
  record(p: ModelRecorder, spec: S): void
}

export interface Architecture {
  open(config: ConfigReader, tensors: ReadonlyMap<string, TensorInfo>): ModelDescription
}

const HEAD_ABSENT = 'The checkpoint has no head of its own; the embedding is used as the head.'

/** Rows that a forward is recorded for to learn which parameters it reads. */
const ANY_SIZE: ProgramSize = { rows: 1, logitRows: 1, positions: 1 }

/** Buffers that old checkpoints stored beside the parameters: rotary tables and causal masks. */
const BUFFERS = /\.rotary_emb\.inv_freq$|(^|\.)(attn|attention)\.(bias|masked_bias)$/

export function architecture<S extends ModelSpec>(family: Family<S>): Architecture {
  return {
    open(config, tensors) {
      const spec = family.parse(config)
      const { buffers = BUFFERS, ...places } = family.tensors
      const table = new TensorTable(tensors, places)
      const record = (size: ProgramSize): Program => {
        const recorder = new ModelRecorder(size, table, spec.tied)
        family.record(recorder, spec)
        return recorder.finish()
      }
      const recorded = record(ANY_SIZE)
      const isAny = (size: ProgramSize): boolean =>
        size.rows === 1 && size.logitRows === 1 && size.positions === 1
      const params = listParams(recorded)
      const warnings = [...spec.warnings]
      if (table.isLmHeadUnsaid(spec.tied)) warnings.push(HEAD_ABSENT)
      const summary = table.summary(buffers, warnings)
      const [embed, lmHead] = ['embed', 'logits'].map((name) => params.find((param) => param.name === name))
      const tiedLmHead = !lmHead || lmHead.tensor === embed?.tensor
      return {
        ...spec,
        ...summary,
        tiedLmHead,
        warnings,
        mask: ownMask(recorded),
        params,
        // Most questions to a program are asked of this one.
        record: (size) => (isAny(size) ? recorded : record(size)),
      }
    },
  }
}
