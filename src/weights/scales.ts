import { invariant } from '../errors.ts'
import type { Checkpoint, TensorInfo } from '../formats/tensors.ts'
import type { StagePart } from './stage.ts'

/** Gathers scales that lie beside their matrices, and writes the planes of each matrix once all of its are there. */
export class ScaleWriter {
  readonly #device: GPUDevice
  /** Matrices by the names of the tensors that belong to them. */
  readonly #owners = new Map<string, TensorInfo>()
  readonly #gathered = new Map<string, Map<string, Uint8Array>>()
  readonly #partsOf: (tensor: TensorInfo) => readonly StagePart[]

  /** `partsOf`: where a matrix's rows lie, none for one that is not wanted. */
  constructor(
    device: GPUDevice,
    { tensors }: Checkpoint,
    partsOf: (tensor: TensorInfo) => readonly StagePart[],
  ) {
    this.#device = device
    this.#partsOf = partsOf
    for (const tensor of tensors.values()) {
      for (const name of tensor.groups?.companions ?? []) this.#owners.set(name, tensor)
      if (tensor.groups?.companions.length === 0) this.#write(tensor, new Map())
    }
  }

  /** Takes a whole tensor where it is one of scales; says whether it is. */
  add(name: string, bytes: Uint8Array): boolean {
    const owner = this.#owners.get(name)
    if (!owner?.groups) return false
    const gathered = this.#gathered.get(owner.name) ?? new Map<string, Uint8Array>()
    gathered.set(name, bytes)
    this.#gathered.set(owner.name, gathered)
    if (gathered.size < owner.groups.companions.length) return true
    this.#gathered.delete(owner.name)
    this.#write(owner, gathered)
    return true
  }

  #write(tensor: TensorInfo, companions: ReadonlyMap<string, Uint8Array>): void {
    const parts = this.#partsOf(tensor)
    if (parts.length === 0 || !tensor.groups) return
    const words = tensor.groups.scales(companions) as Uint32Array<ArrayBuffer>
    for (const { target, row, rows, from } of parts) {
      const { rowGroups, words: at } = target.layout
      invariant((from + rows) * rowGroups <= words.length, `${tensor.name} has a scale for every group`)
      const offset = (at.scales + row * rowGroups) * 4
      this.#device.queue.writeBuffer(target.buffer, offset, words, from * rowGroups, rows * rowGroups)
    }
  }
}
