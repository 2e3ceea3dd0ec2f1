/** Buffers of a device, counted where they are made and destroyed: independent of the engine's own books. */
export interface WatchedBuffers {
  readonly made: number
  readonly live: number
}

export function watchBuffers(device: GPUDevice): WatchedBuffers {
  const live = new Set<GPUBuffer>()
  let created = 0
  const create = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor)
    const destroy = buffer.destroy.bind(buffer)
    live.add(buffer)
    created += 1
    buffer.destroy = () => {
      live.delete(buffer)
      return destroy()
    }
    return buffer
  }
  return {
    get made() {
      return created
    },
    get live() {
      return live.size
    },
  }
}

/** Makes allocation number `nth` (from 0) report that memory ran out, to the scope that is open or else to the device. */
export function exhaustAt(device: GPUDevice, nth: number): { readonly allocations: number; restore(): void } {
  const original = {
    createBuffer: device.createBuffer.bind(device),
    pushErrorScope: device.pushErrorScope.bind(device),
    popErrorScope: device.popErrorScope.bind(device),
  }
  const scopes: { filter: GPUErrorFilter; shortage: boolean }[] = []
  let count = 0
  device.pushErrorScope = (filter) => {
    scopes.push({ filter, shortage: false })
    return original.pushErrorScope(filter)
  }
  device.popErrorScope = async () => {
    const scope = scopes.pop()
    const error = await original.popErrorScope()
    return scope?.shortage ? new GPUOutOfMemoryError(`no room for allocation ${nth}`) : error
  }
  device.createBuffer = (descriptor) => {
    if (count++ === nth) {
      const scope = scopes.findLast(({ filter }) => filter === 'out-of-memory')
      if (scope) scope.shortage = true
      else {
        const error = new GPUOutOfMemoryError(`no room for allocation ${nth}`)
        device.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }))
      }
    }
    return original.createBuffer(descriptor)
  }
  return {
    get allocations() {
      return count
    },
    restore: () => Object.assign(device, original),
  }
}
