import { invariant } from '../errors.ts'
import type { Variant } from '../api/model.ts'
import { compileModule, composeWgsl, type ShaderSource } from './shader.ts'

/** `slot`: a uniform whose offset is said with the group. */
export type BindingKind = 'uniform' | 'slot' | 'read' | 'write'

const BUFFERS: Record<BindingKind, GPUBufferBindingLayout> = {
  uniform: { type: 'uniform' },
  slot: { type: 'uniform', hasDynamicOffset: true },
  read: { type: 'read-only-storage' },
  write: { type: 'storage' },
}

/** Binding numbers with their kinds, in ascending order: what a bind group layout is made from. */
export type LayoutKey = readonly (readonly [at: number, kind: BindingKind])[]

export interface CompiledKernel {
  pipeline: GPUComputePipeline
  layout: GPUBindGroupLayout
}

type Kernels = Map<string, Promise<CompiledKernel>>

/** Kernels that a device keeps for models to come, those used last: more than a model with all its views has. */
const MAX_KEPT = 256
/** What was compiled for a device, whichever model it was for: the next one begins with it. */
const kept = new WeakMap<GPUDevice, { kernels: Kernels; layouts: Map<string, GPUBindGroupLayout> }>()

/** A number for every text of a file that kernels were made of. */
const texts = new Map<string, number>()

/** What a source is composed of, in few characters: a forward asks for the same kernels again in every layer. */
function partsOf({ files, consts }: ShaderSource): string {
  const ids = files.map(({ text }) => {
    const id = texts.get(text) ?? texts.size
    texts.set(text, id)
    return id
  })
  return `${ids.join()} ${Object.entries(consts).join()}`
}

/** Compiled kernels by composed source, shared by every program of a model; compiled asynchronously, each once a device. */
export class PipelineCache {
  private readonly kernels: Kernels = new Map()
  /** The same by the parts of their sources. */
  private readonly byParts: Kernels = new Map()
  /** Kernels that were not there yet. */
  compiled = 0
  readonly device: GPUDevice
  readonly variant: Variant

  constructor(device: GPUDevice, variant: Variant) {
    this.device = device
    this.variant = variant
  }

  /** The composed WGSL of every kernel in use. */
  get sources(): readonly string[] {
    return [...this.kernels.keys()]
  }

  layout(key: LayoutKey): GPUBindGroupLayout {
    const name = key.map(([at, kind]) => `${at}:${kind}`).join(' ')
    const { layouts } = this.kept()
    const cached = layouts.get(name)
    if (cached) return cached
    const storage = key.filter(([, kind]) => kind === 'read' || kind === 'write').length
    invariant(storage <= 8, `${storage} storage bindings exceed WebGPU's default of 8`)
    const entries = key.map(([binding, kind]) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: BUFFERS[kind],
    }))
    const layout = this.device.createBindGroupLayout({ label: name, entries })
    layouts.set(name, layout)
    return layout
  }

  get(source: ShaderSource, key: LayoutKey): Promise<CompiledKernel> {
    const parts = partsOf(source)
    const cached = this.byParts.get(parts)
    if (cached) return cached
    const wgsl = composeWgsl(source, this.variant)
    const kernel =
      this.kernels.get(wgsl) ?? this.shared(wgsl, () => this.compile(source.label, wgsl, this.layout(key)))
    this.kernels.set(wgsl, kernel)
    this.byParts.set(parts, kernel)
    return kernel
  }

  private kept() {
    const { device } = this
    const caches = kept.get(device) ?? { kernels: new Map(), layouts: new Map() }
    kept.set(device, caches)
    return caches
  }

  /** A kernel of the device, made where there is none; the one that was wanted least recently makes room. */
  private shared(wgsl: string, make: () => Promise<CompiledKernel>): Promise<CompiledKernel> {
    const { kernels } = this.kept()
    const kernel = kernels.get(wgsl) ?? make()
    kernels.delete(wgsl)
    kernels.set(wgsl, kernel)
    const [oldest = wgsl] = kernels.keys()
    if (kernels.size > MAX_KEPT) kernels.delete(oldest)
    kernel.catch(() => kernels.delete(wgsl))
    return kernel
  }

  private async compile(label: string, wgsl: string, layout: GPUBindGroupLayout): Promise<CompiledKernel> {
    const module = await compileModule(this.device, label, wgsl)
    const pipeline = await this.device.createComputePipelineAsync({
      label,
      layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    })
    this.compiled += 1
    return { pipeline, layout }
  }
}
