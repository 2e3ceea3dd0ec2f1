import { useApp } from '../../context.ts'
import { useRemote } from './hooks.ts'
import { NotOffered } from './NotOffered.tsx'

/** Stands where a view would need more of the model than an engine elsewhere gives. */
export function FarView() {
  const remote = useRemote()
  const view = useApp((state) => state.view)
  if (remote === null) return null
  switch (view) {
    default:
      return <NotOffered view={view} remote={remote} />
  }
}
