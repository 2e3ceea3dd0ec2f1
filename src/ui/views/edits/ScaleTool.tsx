import { useState } from 'react'
import type { ModelPart } from '../../../analysis/ablation.ts'
import type { ChangeOf, EditEntry } from './store.ts'
import type { ModelInfo } from '../../../api/model.ts'
import { SliderField } from '../../components/SliderField.tsx'
import { useTranslate } from '../../context.ts'
import { useAnatomy } from '../../components/reading.ts'
import { useEdits, useEditsState } from './hooks.ts'
import { AblationControls, useEffects } from './AblationControls.tsx'
import { PartGrid } from './PartGrid.tsx'

type ScaleEntry = EditEntry & { change: ChangeOf<'scale'> }

const isScale = (entry: EditEntry): entry is ScaleEntry => entry.change.kind === 'scale'

/** Parts of the model to choose from: a click gives a part the factor, another takes it away. */
export function ScaleTool({ info }: { info: ModelInfo }) {
  const edits = useEdits()
  const anatomy = useAnatomy()
  const t = useTranslate()
  const entries = useEditsState((state) => state.entries)
  const [factor, setFactor] = useState(0)
  const [place, setPlace] = useState({ row: 0, column: 0 })
  const effects = useEffects()
  const find = ({ step, head }: ModelPart) =>
    entries.filter(isScale).find(({ change }) => change.step === step && change.head === head)
  const apply = (part: ModelPart) => {
    const entry = find(part)
    if (entry === undefined) edits.add({ kind: 'scale', ...part, factor, span: { kind: 'all' } })
    else if (entry.change.factor === factor || !entry.on) edits.remove(entry.id)
    else edits.update(entry.id, { ...entry.change, factor }, 'factor')
  }
  return (
    <>
      <PartGrid
        layers={anatomy.layers}
        heads={info.heads}
        effects={effects}
        stateOf={(part) => {
          const entry = find(part)
          return { factor: entry?.change.factor ?? null, on: entry?.on ?? false }
        }}
        place={place}
        onMove={setPlace}
        onApply={apply}
      />
      <div className="part-factor cluster">
        <SliderField
          label={t('edits.clickFactor')}
          sliderLabel={t('edits.clickFactor')}
          hint={t('edits.clickHint')}
          testId="edit-click-factor"
          value={factor}
          min={-2}
          max={2}
          step={0.25}
          digits={2}
          remark={null}
          onChange={setFactor}
        />
        <p className="note">{t('edits.clickHint')}</p>
        <AblationControls largest={Math.max(0, ...Object.values(effects))} />
      </div>
    </>
  )
}
