import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { OddCounts } from './OddCounts.tsx'

/** Values that are none, or that no f16 holds, were counted while the model ran: which step made the first. */
export function OddNotice() {
  const { app } = useSession()
  const t = useTranslate()
  const odd = useApp((state) => state.odd)
  if (odd === null) return null
  const { step } = odd
  return (
    <div className="notice notice-error" role="alert" data-testid="odd-values" data-step={step}>
      <Icon name="warning" />
      <div className="notice-text">
        <strong>{t('watch.odd', { step })}</strong>
        <p>
          <OddCounts counts={odd} />. {t('watch.oddBody')}
        </p>
      </div>
      <button
        type="button"
        className="button"
        onClick={() => app.setState({ view: 'models', narrow: 'view', odd: null })}
      >
        {t('watch.show')}
      </button>
      <button
        type="button"
        className="button button-icon"
        aria-label={t('action.dismiss')}
        title={t('action.dismiss')}
        onClick={() => app.setState({ odd: null })}
      >
        <Icon name="close" />
      </button>
    </div>
  )
}
