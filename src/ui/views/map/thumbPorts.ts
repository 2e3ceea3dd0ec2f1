import type { Inspection } from '../../../api/model.ts'
import { GpuPort } from '../../draw/gpuPort.ts'

/** Canvases of a forward that show nothing now: one that was handed over stays the engine's, and is used again. */
const idle = new WeakMap<Inspection, GpuPort[]>()

export function takePort(source: Inspection): GpuPort {
  return idle.get(source)?.pop() ?? new GpuPort(source)
}

export function givePort(source: Inspection, port: GpuPort): void {
  port.element.remove()
  const ports = idle.get(source) ?? []
  ports.push(port)
  idle.set(source, ports)
}
