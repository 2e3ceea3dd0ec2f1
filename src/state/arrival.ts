import { toErrorData } from '../errors.ts'
import { isOnHub } from './hubNames.ts'
import { loadsOf } from './loadChoices.ts'
import type { Session } from './session.ts'
import type { LoadRequest } from './sessionParts.ts'
import { isElsewhere, watchTabs } from './tabs.ts'

/** A model of the hub up to this size is loaded when a link names it; a larger one is asked about. */
const SMALL_BYTES = 64 * 1024 * 1024

/** Opens the page's first model, unless another tab holds it or it would be a large download. */
export async function arrive(session: Session, model: string, request: LoadRequest): Promise<void> {
  const taken = await isElsewhere(model)
  watchTabs(session)
  if (taken) session.app.setState({ taken: model })
  else await openNamed(session, model, request)
}

/** Loads a model by its name. What is not kept and large is shown in the Models view instead, with what it would take. */
export async function openNamed(session: Session, model: string, request: LoadRequest): Promise<boolean> {
  const how = loadsOf(model)
  const asks = isOnHub(model) || (/^https?:/i.test(model) && (await isClosed(model)))
  if (!session.models || !asks || (await mayLoad(session, model)))
    return session.load(model, { ...request, how })
  return false
}

async function mayLoad(session: Session, model: string): Promise<boolean> {
  const stored = (await session.models?.('stored')) ?? []
  const endpoint = session.hub.endpoint
  const isKept = stored.some(
    (kept) =>
      kept.bytesDone === kept.bytes &&
      (kept.source === model || kept.label === model) &&
      (endpoint === undefined || kept.endpoint === endpoint.replace(/\/+$/, '')),
  )
  if (isKept) return true
  const { app } = session
  app.setState({ model: { kind: 'empty' }, modelId: model })
  try {
    const { modelsOf } = await import('./models.ts')
    const report = await modelsOf(session).look(model)
    if (report?.fit.verdict === 'fits' && report.bytes <= SMALL_BYTES) return true
  } catch (error) {
    app.setState({ error: toErrorData(error) })
  }
  app.setState({ view: 'models', narrow: 'view' })
  return false
}

/** True for an address that this document may not ask before a person has allowed it. */
async function isClosed(address: string): Promise<boolean> {
  const { closedOrigin } = await import('./origins.ts')
  return closedOrigin(address) !== null
}
