/** Makes buffers, all in this turn. Resolves to what the GPU said when its memory ran out on the way, else to null. */
export async function allocate(device: GPUDevice, make: () => void): Promise<GPUError | null> {
  device.pushErrorScope('out-of-memory')
  let shortage: Promise<GPUError | null>
  try {
    make()
  } finally {
    shortage = device.popErrorScope()
  }
  return shortage
}
