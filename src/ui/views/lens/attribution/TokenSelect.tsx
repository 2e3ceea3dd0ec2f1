import { useMemo } from 'react'
import { useSession, useTranslate } from '../../../context.ts'
import { formatProbability } from '../../../../maths/format.ts'
import { useTokenLabels } from '../hooks.ts'
import { useIsEncoder } from '../../../components/reading.ts'
import { useAttribution, useAttributionState, useFinalCell } from './hooks.ts'
import { useTokenName } from '../../../components/useTokenName.ts'

interface TokenSelectProps {
  /** Whose logit is on show. */
  token: number
  contextIds: readonly number[]
  position: number
}

/** Any of the most probable tokens at the chosen position, the one that really came next, or the one followed so far. */
export function TokenSelect({ token, contextIds, position }: TokenSelectProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const isEncoder = useIsEncoder()
  const { state } = useAttribution()
  const asked = useAttributionState((state) => state.token)
  const cell = useFinalCell()
  const { hasTokenizer = false } = useSession().model?.info ?? {}
  const probable = new Map(cell?.top.map(({ id, probability }) => [id, probability]))
  if (cell !== null && cell.token !== null && cell.probability !== null)
    probable.set(cell.token, cell.probability)
  const ids = [...new Set([...probable.keys(), token])]
  const context = useMemo(() => contextIds.slice(0, position + 1), [contextIds, position])
  const texts = useTokenLabels(ids, context)
  const name = (id: number, index: number): string => {
    const probability = probable.get(id)
    const word = hasTokenizer ? nameToken(texts[index] ?? '', id) : `#${id}`
    const share = probability === undefined ? '' : ` · ${formatProbability(probability)}`
    return `${word}${share}${id === cell?.token ? ` · ${t(isEncoder ? 'attribution.actualOwn' : 'attribution.actual')}` : ''}`
  }
  return (
    <label className="attribution-token">
      <span className="note">{t('attribution.token')}</span>
      <select
        className="select"
        data-testid="attribution-token"
        value={asked === null ? '' : token}
        onChange={({ currentTarget: { value } }) =>
          state.setState({ token: value === '' ? null : Number(value) })
        }
      >
        <option value="">{t('attribution.best', { token: name(ids[0] ?? token, 0) })}</option>
        {ids.map((id, index) => (
          <option key={id} value={id}>
            {name(id, index)}
          </option>
        ))}
      </select>
    </label>
  )
}
