import { useEffect } from 'react'
import { EnginePart } from '../elsewhere/EnginePart.tsx'
import { ContextPart } from './ContextPart.tsx'
import { CuratedPart } from './CuratedPart.tsx'
import { FindPart } from './FindPart.tsx'
import { useModels } from './hooks.ts'
import { LookPart } from './LookPart.tsx'
import { MachinePart } from './MachinePart.tsx'
import { StoredPart } from './StoredPart.tsx'

/** Where models come from, one part below the other: finding, judging and downloading, what is kept, what is worth a look. */
export function ModelsView() {
  const models = useModels()
  useEffect(() => void models.refresh(), [models])
  return (
    <div className="models" data-testid="models-view">
      <FindPart />
      <LookPart />
      <StoredPart />
      <ContextPart />
      <EnginePart />
      <CuratedPart />
      <MachinePart />
    </div>
  )
}
