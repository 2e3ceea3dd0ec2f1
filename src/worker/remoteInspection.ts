import type { DrawRequest, InspectedStep, Inspection } from '../api/model.ts'
import type { WorkerClient } from './client.ts'
import type { FromWorker, InspectionArguments, InspectionMethod, InspectionResult } from './protocol.ts'

/** An inspection in the worker, with the library's own surface. */
export class RemoteInspection implements Inspection {
  readonly ids: readonly number[]
  readonly steps: readonly InspectedStep[]
  readonly retainedBytes: number
  private readonly client: WorkerClient
  private readonly inspection: number

  constructor(client: WorkerClient, opened: Extract<FromWorker, { type: 'inspected' }>) {
    this.client = client
    this.inspection = opened.inspection
    this.ids = opened.ids
    this.steps = opened.steps
    this.retainedBytes = opened.retainedBytes
  }

  private async call<M extends InspectionMethod>(
    method: M,
    args: InspectionArguments<M>,
    transfer: Transferable[] = [],
  ): Promise<InspectionResult<M>> {
    const request = { type: 'inspection', inspection: this.inspection, method, args } as const
    const message = await this.client.send(request, undefined, transfer).last
    if (message.type !== 'result') throw new Error(`invariant: ${method} answered with ${message.type}`)
    return message.value as InspectionResult<M>
  }

  read = (...args: InspectionArguments<'read'>) => this.call('read', args)
  row = (...args: InspectionArguments<'row'>) => this.call('row', args)
  stats = (...args: InspectionArguments<'stats'>) => this.call('stats', args)
  weights = (...args: InspectionArguments<'weights'>) => this.call('weights', args)
  attach = (canvas: OffscreenCanvas) => this.call('attach', [canvas], [canvas])
  resize = (...args: InspectionArguments<'resize'>) => this.call('resize', args)
  draw = (canvas: number, request: DrawRequest) => this.call('draw', [canvas, request])
  time = (step: string) => this.call('time', [step])
  close = () => this.call('close', [])
}
