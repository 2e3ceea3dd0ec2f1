/**
 * Lets a device keep every compute pipeline it has compiled, so that the next model, or the next test, with the same kernel takes it over:
 * on a software driver compiling is nearly all the work of a test. Two pipelines are the same when code, entry point, constants and
 * the entries of their layouts are; pipelines of a layout `auto` are never shared, because their bind groups cannot be.
 */
export function keepCompiled(device: GPUDevice): void {
  const created = new WeakMap<object, string>()
  /** Notes what an object was made from. */
  const noted = <Descriptor, Made extends object>(
    make: (descriptor: Descriptor) => Made,
    describe: (descriptor: Descriptor) => string,
  ): ((descriptor: Descriptor) => Made) => {
    return (descriptor) => {
      const object = make(descriptor)
      created.set(object, describe(descriptor))
      return object
    }
  }
  const described = (object: object | null | undefined): string => created.get(object ?? {}) ?? ''
  device.createShaderModule = noted(device.createShaderModule.bind(device), ({ code }) => code)
  device.createBindGroupLayout = noted(device.createBindGroupLayout.bind(device), ({ entries }) =>
    JSON.stringify([...entries]),
  )
  device.createPipelineLayout = noted(device.createPipelineLayout.bind(device), ({ bindGroupLayouts }) =>
    [...bindGroupLayouts].map(described).join(';'),
  )
  const compile = device.createComputePipelineAsync.bind(device)
  const pipelines = new Map<string, Promise<GPUComputePipeline>>()
  device.createComputePipelineAsync = (descriptor) => {
    const { layout, compute } = descriptor
    const [code, entries] = [described(compute.module), layout === 'auto' ? '' : described(layout)]
    if (code === '' || entries === '') return compile(descriptor)
    const key = JSON.stringify([code, entries, compute.entryPoint, compute.constants])
    const cached = pipelines.get(key)
    if (cached) return cached
    const pipeline = compile(descriptor)
    pipelines.set(key, pipeline)
    pipeline.catch(() => pipelines.delete(key))
    return pipeline
  }
}
