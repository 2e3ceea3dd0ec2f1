import { TokenscopeError } from '../errors.ts'
import type { AdapterTensor } from './adapterTensors.ts'

/** The adapter's own name inside a tensor's: `….lora_A.default.weight`, `….modules_to_save.default.weight`. */
const NAMED =
  /^(?<before>.*)\.(?:(?<factor>lora_(?:A|B|embedding_A|embedding_B|magnitude_vector))|modules_to_save)\.(?<name>[^.]+)(?<after>\.weight|\.bias|)$/
/** The base's own copy, which a plain state dict keeps beside what is saved of a module. */
const ORIGINAL = /\.original_module\./

/** A factor's plain name ends so; what would be an adapter's name is part of it. */
const isPlain = (factor: string | undefined, name: string, after: string): boolean =>
  factor !== undefined && after === '' && name === 'weight'

/**
 * Tensors as PEFT's own `save_pretrained` names them, where a plain `state_dict` was saved, whose names hold the adapter's.
 * @returns the same tensors, and what to say of it.
 * @throws `unsupported` where several adapters lie in one file.
 */
export function withoutAdapterName(
  tensors: ReadonlyMap<string, AdapterTensor>,
  file: string,
): { tensors: ReadonlyMap<string, AdapterTensor>; remarks: string[] } {
  const names = new Set<string>()
  const plain = new Map<string, AdapterTensor>()
  for (const [key, tensor] of tensors) {
    const { before: prefix = '', factor, name = '', after: suffix = '' } = NAMED.exec(key)?.groups ?? {}
    if (prefix === '' || isPlain(factor, name, suffix)) {
      if (!ORIGINAL.test(key)) plain.set(key, tensor)
      continue
    }
    names.add(name)
    plain.set(factor === undefined ? `${prefix}${suffix}` : `${prefix}.${factor}${suffix}`, tensor)
  }
  const [name] = names
  if (name === undefined) return { tensors, remarks: [] }
  if (names.size === 1)
    return {
      tensors: plain,
      remarks: [`The tensor names hold the adapter’s own name “${name}”, which was left out of them.`],
    }
  const list = [...names].join(', ')
  throw new TokenscopeError('unsupported', `${file} holds several adapters: ${list}.`, {
    hint: 'Save each of them with save_pretrained, which writes one adapter per folder.',
    details: { file, field: 'tensors', got: [...names], expected: 'one adapter' },
  })
}
