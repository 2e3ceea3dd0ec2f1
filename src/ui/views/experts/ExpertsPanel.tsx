import type { ExpertLayer } from '../../../analysis/expertRoutes.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { useShown, useTextRow, useTexts } from '../../components/reading.ts'
import { tokenName } from '../../components/labels.ts'
import { useExperts } from './hooks.ts'

/** The experts that the selected token takes, layer by layer. */
export function ExpertsPanel() {
  const t = useTranslate()
  const shown = useShown(useExperts().measurement)
  const row = useTextRow(shown?.ids.length ?? 0)
  const texts = useTexts(shown?.ids.length ?? 0)
  if (shown === null || shown.value.layers.length === 0)
    return <p className="note">{t('experts.panelEmpty')}</p>
  const token = tokenName(t, texts[row] ?? '', shown.ids[row] ?? 0)
  return (
    <div className="lens-panel" data-testid="experts-panel" data-position={row}>
      <header>
        <h3 className="step-name">{token}</h3>
        <p className="note">{t('experts.position', { position: row })}</p>
      </header>
      <table className="plain-table head-keys">
        <caption className="eyebrow">{t('experts.panelCaption')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('experts.layer')}</th>
            <th scope="col">{t('experts.taken')}</th>
            <th scope="col">{t('experts.bits')}</th>
          </tr>
        </thead>
        <tbody>
          {shown.value.layers.map((layer) => (
            <Line key={layer.layer} layer={layer} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Line({ layer, row }: { layer: ExpertLayer; row: number }) {
  const { chosen } = layer
  const places = Array.from({ length: chosen }, (_, place) => row * chosen + place)
  return (
    <tr>
      <th scope="row">{layer.layer}</th>
      <td>
        {places.map((at) => (
          <span
            key={at}
            className="expert-choice numeric"
            data-testid="expert-choice"
            data-layer={layer.layer}
            data-expert={layer.ids[at]}
            data-weight={layer.weights[at]}
          >
            <b>{layer.ids[at]}</b> {formatFixed(layer.weights[at] ?? 0, 2)}
          </span>
        ))}
      </td>
      <td className="numeric">{formatFixed(layer.entropy[row] ?? 0, 2)}</td>
    </tr>
  )
}
