import type { RemoteEngine } from '../../../api/model.ts'
import { useErrorText, useTranslate } from '../../context.ts'

/** What a person may look for, in the order of the views. */
const SHOWN = [
  'prompt-text',
  'prompt-chat',
  'prompt-ids',
  'token-ids',
  'logprobs',
  'encode',
  'applyChatTemplate',
  'fork',
  'score',
  'adapter-scales',
  'top-k',
  'min-p',
  'repetition-penalty',
] as const

/** What the engine was seen to do, and of the rest why not and what would. */
export function EngineOffers({ remote }: { remote: RemoteEngine }) {
  const t = useTranslate()
  const errorText = useErrorText()
  const reason = (message: string): string =>
    errorText({ code: 'unsupported', message, hint: '', details: {} }).message
  return (
    <table className="engine-offers">
      <caption className="eyebrow">
        {t('engine.offers')} · {remote.engine}
      </caption>
      <tbody>
        {SHOWN.map((name) => {
          const capability = remote.capabilities[name]
          const offered = capability === true
          return (
            <tr key={name} data-testid="engine-capability" data-name={name} data-offered={offered}>
              <th scope="row">{t(`engine.can.${name}`)}</th>
              <td>{t(offered ? 'engine.yes' : 'engine.no')}</td>
              <td className="note">{typeof capability === 'string' && reason(capability)}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
