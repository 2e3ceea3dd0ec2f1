/** Dawn frees everything once the object it returned is collected, so it lives as long as the process. */
let instance: GPU | null = null

/** WebGPU in Node, from the optional peer package `webgpu`; undefined elsewhere or when it is not installed. */
export async function nodeGpu(): Promise<GPU | undefined> {
  if (typeof process === 'undefined' || !process.versions?.node) return undefined
  if (instance) return instance
  try {
    const { create, globals } = await import('webgpu')
    Object.assign(globalThis, globals)
    instance = create(['disable-dawn-features=timestamp_quantization'])
    return instance
  } catch (cause) {
    // The package is optional: without it there is no WebGPU here, which the caller says in its own words.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw cause
  }
}
