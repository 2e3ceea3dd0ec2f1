import type { Session } from '../session.ts'
import { engineOf } from './engine.ts'

/** Loads the model that the page would open with beside the engine, which stays on show. */
export function loadBeside(session: Session): Promise<void> {
  return loadOwn(session, true)
}

async function loadOwn(session: Session, beside: boolean): Promise<void> {
  const { modelId, catalogue } = session.app.getState()
  const id = modelId ?? catalogue.initial
  if (id === null) return
  const label = catalogue.models.find((entry) => entry.id === id)?.name ?? id
  const { openNamed } = await import('../arrival.ts')
  await openNamed(session, id, { label, id, beside })
}

/** Shows the tab's own model in place of the engine: the one that is loaded, else the one that the page would open with. */
export async function openOwn(session: Session): Promise<void> {
  if (session.ownModel !== null) return engineOf(session).disconnect()
  return loadOwn(session, false)
}
