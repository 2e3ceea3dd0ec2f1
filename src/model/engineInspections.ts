import type { Attribution, AttributionOptions, InspectOptions, Lens, LensOptions } from '../types.ts'
import { withEdits } from './adapterRack.ts'
import { EditSet } from './edits.ts'
import { attributeLogit } from './inspectAttribution.ts'
import type { ForwardInput } from './inspectForward.ts'
import { InspectionSession } from './inspection.ts'
import { readLens } from './inspectLens.ts'

/** What a model offers beyond `trace`: inspections that stay open, lens and attribution. */
export class EngineInspections {
  private readonly open = new Set<InspectionSession>()

  async inspect(input: ForwardInput, { edits = [], ...options }: InspectOptions): Promise<InspectionSession> {
    const { device, ledger, spec } = input.runner
    const own = edits.length > 0 ? new EditSet(device, ledger, spec, edits) : null
    const edited = own ? { ...input, mix: withEdits(input.mix, own) } : input
    try {
      const session = await InspectionSession.open(edited, options, (closed) => {
        this.open.delete(closed)
        own?.dispose()
      })
      this.open.add(session)
      return session
    } catch (error) {
      own?.dispose()
      throw error
    }
  }

  lens(input: ForwardInput, options: LensOptions): Promise<Lens> {
    return readLens(input, options)
  }

  attribution(input: ForwardInput, options: AttributionOptions): Promise<Attribution> {
    return attributeLogit(input, options)
  }

  /** Closes whatever is still open. */
  async dispose(): Promise<void> {
    await Promise.all([...this.open].map((session) => session.close()))
  }
}
