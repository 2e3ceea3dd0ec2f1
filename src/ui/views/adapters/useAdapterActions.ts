import { adapterActionsOf, type AdapterActions } from '../../../state/adapterActions.ts'
import { useSession } from '../../context.ts'

/** What a person does with adapters; what only reads them does without its code. */
export function useAdapterActions(): AdapterActions {
  return adapterActionsOf(useSession())
}
