import type { DrawRequest, Inspection } from '../../api/model.ts'

type DrawnRange = readonly [low: number, high: number]

/**
 * A canvas that the engine draws on, one for each forward: its control cannot be taken back, so the element is kept and shown
 * wherever it is needed. Of the frames asked for while one is under way only the newest is drawn.
 */
export class GpuPort {
  readonly element = document.createElement('canvas')
  private readonly inspection: Inspection
  private readonly attached: Promise<number>
  private size = ''
  private next: (() => Promise<void>) | null = null
  private drawing = false

  constructor(inspection: Inspection) {
    this.inspection = inspection
    this.attached = inspection.attach(this.element.transferControlToOffscreen())
  }

  /** Draws at `width` × `height` device pixels; `onDrawn` hears the range of the colours. */
  draw(
    { width, height }: { width: number; height: number },
    request: DrawRequest,
    { onDrawn, onError }: { onDrawn: (range: DrawnRange) => void; onError: (error: unknown) => void },
  ): void {
    this.next = async () => {
      const canvas = await this.attached
      const size = `${width}×${height}`
      if (size !== this.size) await this.inspection.resize(canvas, width, height)
      this.size = size
      const { range } = await this.inspection.draw(canvas, request)
      onDrawn(range)
    }
    if (!this.drawing) this.run().catch(onError)
  }

  private async run(): Promise<void> {
    this.drawing = true
    try {
      while (this.next !== null) {
        const draw = this.next
        this.next = null
        await draw()
      }
    } finally {
      this.drawing = false
    }
  }
}

const ports = new WeakMap<Inspection, GpuPort>()

export function gpuPortOf(inspection: Inspection): GpuPort {
  const port = ports.get(inspection) ?? new GpuPort(inspection)
  ports.set(inspection, port)
  return port
}
