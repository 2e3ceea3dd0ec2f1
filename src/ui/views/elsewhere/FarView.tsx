import { useApp } from '../../context.ts'
import { EngineAdapters } from './EngineAdapters.tsx'
import { EngineCompare } from './EngineCompare.tsx'
import { useRemote } from './hooks.ts'
import { NotOffered } from './NotOffered.tsx'

/** Stands where a view would need more of the model than an engine elsewhere gives. */
export function FarView() {
  const remote = useRemote()
  const view = useApp((state) => state.view)
  if (remote === null) return null
  if (view === 'compare') return <EngineCompare />
  if (view === 'adapters' && remote.capabilities['setAdapterScale'] === true)
    return <EngineAdapters remote={remote} />
  return <NotOffered view={view} remote={remote} />
}
