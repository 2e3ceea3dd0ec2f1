import { useEffect } from 'react'
import { isRunning } from '../../../state/app.ts'
import { SPAN_MODES } from './store.ts'
import { Legend } from '../../components/Legend.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { Difference } from './Difference.tsx'
import { useScores, useScoreState } from './hooks.ts'
import { ScoreColumn } from './ScoreColumn.tsx'

/** How well given texts are predicted: surprisal of every token, and the loss as in supervised fine-tuning. */
export function ScoreView() {
  const t = useTranslate()
  const scores = useScores()
  const mode = useScoreState((state) => state.mode)
  const second = useScoreState((state) => state.second)
  useFirstText()
  return (
    <div className="score view" data-testid="score-view">
      <p className="score-about">{t('score.about')}</p>
      <div className="score-tools cluster">
        <Segmented
          label={t('score.mode')}
          labelled
          value={mode}
          choices={SPAN_MODES.map((value) => ({ value, label: t(`score.mode.${value}`) }))}
          onChange={(next) => scores.state.setState({ mode: next })}
        />
        <label className="check">
          <input
            type="checkbox"
            data-testid="score-second"
            checked={second}
            onChange={(event) =>
              scores.state.setState({ second: event.currentTarget.checked, active: second ? 'a' : 'b' })
            }
          />
          {t('score.second')}
        </label>
        <Legend colouring="surprisal" />
      </div>
      <p className="note score-rule">{t(`score.rule.${mode}`)}</p>
      <div className="score-columns" data-two={second}>
        <ScoreColumn name="a" />
        {second && <ScoreColumn name="b" />}
      </div>
      {second && <Difference />}
    </div>
  )
}

/** A newcomer's first text is the page's. */
function useFirstText(): void {
  const { app } = useSession()
  const scores = useScores()
  useEffect(() => {
    const { text, phase } = scores.state.getState().a
    if (text !== '' || phase.kind !== 'empty' || isRunning(app.getState().run)) return
    if (scores.takePage('a')) void scores.score('a')
  }, [app, scores])
}
