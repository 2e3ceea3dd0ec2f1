import type { Attribution, AttributionOptions, InspectOptions, Lens, LensOptions } from '../api/model.ts'
import { underEdits } from '../run/conditions.ts'
import { EditSet } from '../run/editSet.ts'
import { attributeLogit } from '../inspect/attribution.ts'
import type { ForwardInput } from '../inspect/forward.ts'
import { InspectionSession } from '../inspect/inspection.ts'
import { readLens } from '../inspect/lens.ts'

/** What a model offers beyond `trace`: inspections that stay open, lens and attribution. */
export class EngineInspections {
  private readonly open = new Set<InspectionSession>()

  async inspect(input: ForwardInput, { edits = [], ...options }: InspectOptions): Promise<InspectionSession> {
    const { device, ledger, model } = input.runner
    const rows = input.ids.length
    const program = model.record({ rows, logitRows: rows, positions: rows })
    const own = edits.length > 0 ? new EditSet(device, ledger, program, edits) : null
    const edited = own ? { ...input, conditions: underEdits(input.conditions, own) } : input
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
