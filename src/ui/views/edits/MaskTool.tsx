import { useState } from 'react'
import type { ModelInfo } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { useTextRow, useTexts } from '../../components/reading.ts'
import { tokenName } from '../../components/labels.ts'
import { SelectField } from '../../components/SelectField.tsx'
import { useEdits } from './hooks.ts'

const ALL = -1

interface MaskToolProps {
  info: ModelInfo
  ids: readonly number[]
}

/** From which query to which key a head may not look. */
export function MaskTool({ info, ids }: MaskToolProps) {
  const edits = useEdits()
  const t = useTranslate()
  const row = useTextRow(ids.length)
  const texts = useTexts(ids.length)
  const [layer, setLayer] = useState(0)
  const [head, setHead] = useState(ALL)
  const [ends, setEnds] = useState<{ query: number | null; key: number | null }>({ query: null, key: null })
  const query = Math.min(ends.query ?? row, ids.length - 1)
  const key = Math.min(ends.key ?? Math.max(0, query - 1), query)
  const numbers = (count: number) =>
    Array.from({ length: count }, (_, value) => ({ value, label: String(value) }))
  const places = ids.map((id, position) => ({
    value: position,
    label: t('edits.place', { position, token: tokenName(t, texts[position] ?? '', id) }),
  }))
  return (
    <div className="edit-line cluster">
      <SelectField
        label={t('edits.layer')}
        testId="mask-layer"
        value={Math.min(layer, info.layers - 1)}
        options={numbers(info.layers)}
        onChange={setLayer}
      />
      <SelectField
        label={t('edits.head')}
        testId="mask-head"
        value={Math.min(head, info.heads - 1)}
        options={[{ value: ALL, label: t('edits.allHeads') }, ...numbers(info.heads)]}
        onChange={setHead}
      />
      <SelectField
        label={t('edits.query')}
        testId="mask-query"
        value={query}
        options={places}
        onChange={(next) => setEnds({ ...ends, query: next })}
      />
      <SelectField
        label={t('edits.key')}
        testId="mask-key"
        value={key}
        options={places.slice(0, query + 1)}
        onChange={(next) => setEnds({ ...ends, key: next })}
      />
      <button
        type="button"
        className="button"
        data-testid="mask-cut"
        onClick={() => edits.add({ kind: 'mask', layer, head: head === ALL ? null : head, query, key })}
      >
        <Icon name="plus" />
        {t('edits.cut')}
      </button>
    </div>
  )
}
