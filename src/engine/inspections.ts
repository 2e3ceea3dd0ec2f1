import type { InspectOptions } from '../api/inspect.ts'
import type { ForwardInput } from '../inspect/forward.ts'
import type { InspectionSession } from '../inspect/inspection.ts'
import { underEdits } from '../run/conditions.ts'
import { EditSet } from '../run/editSet.ts'

/** The inspections of a model that stay open. */
export class OpenInspections {
  readonly #open = new Set<InspectionSession>()

  async open(input: ForwardInput, { edits = [], ...options }: InspectOptions): Promise<InspectionSession> {
    const { InspectionSession } = await import('../inspect/inspection.ts')
    const { device, ledger, model } = input.runner
    const rows = input.ids.length
    const program = model.record({ rows, logitRows: rows, positions: rows })
    const editSet = edits.length > 0 ? new EditSet(device, ledger, program, edits) : null
    const edited = editSet ? { ...input, conditions: underEdits(input.conditions, editSet) } : input
    try {
      const session = await InspectionSession.open(edited, options, (closed) => {
        this.#open.delete(closed)
        editSet?.dispose()
      })
      this.#open.add(session)
      return session
    } catch (error) {
      editSet?.dispose()
      throw error
    }
  }

  /** Closes whatever is still open. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((session) => session.close()))
  }
}
