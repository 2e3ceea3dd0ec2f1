import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useEffect, useState } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import type { Lens } from '../../../api/model.ts'
import { useSession, useTranslate } from '../../context.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useComparison, useCompareState } from './hooks.ts'

/** What one layer would predict, as text. */
interface Guess {
  layer: number
  text: string
  probability: number
}

/** What every layer would predict at this position, on both sides; layers where they differ are marked. */
export function CompareLens({ at }: { at: number }) {
  const comparison = useComparison()
  const session = useSession()
  const t = useTranslate()
  const shown = useCompareState((state) => state.shown)
  const [guesses, setGuesses] = useState<{ a: Guess[]; b: Guess[] } | null>(null)
  useEffect(() => {
    let wanted = true
    const spell = async (lens: Lens): Promise<Guess[]> => {
      const { model } = session
      return Promise.all(
        lens.cells.map(async ({ layer, top }) => {
          const [best] = top
          const id = best?.id ?? 0
          const text = model?.info.hasTokenizer === true ? await model.decode([id]) : String(id)
          return { layer, text: visibleText(text), probability: best?.probability ?? 0 }
        }),
      )
    }
    const read = async () => {
      const a = await comparison.lens('a', at).then(spell)
      const b = await comparison.lens('b', at).then(spell)
      if (wanted) setGuesses({ a, b })
    }
    read().catch((error: unknown) => wanted && session.report(error))
    return () => {
      wanted = false
    }
  }, [comparison, session, shown, at])
  if (guesses === null) return <ReadingBar words={t('compare.readingLens')} />
  return (
    <table className="plain-table lens-pair">
      <thead>
        <tr>
          <th scope="col">{t('delta.layer')}</th>
          <th scope="col" colSpan={2}>
            A
          </th>
          <th scope="col" colSpan={2}>
            B
          </th>
        </tr>
      </thead>
      <tbody>
        {guesses.a.map((a, index) => {
          const b = guesses.b[index]
          return (
            <tr key={a.layer} data-differs={a.text !== b?.text}>
              <th scope="row">{a.layer < 0 ? t('compare.embedding') : a.layer}</th>
              <td className="lens-word">{a.text}</td>
              <td>{formatProbability(a.probability)}</td>
              <td className="lens-word">{b?.text}</td>
              <td>{formatProbability(b?.probability ?? 0)}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
