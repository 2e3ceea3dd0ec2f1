import type { LayerAnatomy } from '../../../analysis/anatomy.ts'
import { partKey, partsOf, type ModelPart } from '../../../analysis/ablation.ts'
import { Grid, type GridPlace } from '../../components/Grid.tsx'
import { useTranslate } from '../../context.ts'
import { LEVELS } from '../../draw/palette.ts'
import { formatNats } from '../../components/numbers.ts'
import { useAnatomy } from '../../components/reading.ts'
import { formatFactor, partName } from './words.ts'

/** What the grid says of a part. */
export interface PartState {
  /** Null: unchanged. */
  factor: number | null
  on: boolean
}

interface PartGridProps {
  layers: readonly LayerAnatomy[]
  heads: number
  /** Mean KL with a part off, nats, of the parts that were measured. */
  effects: Readonly<Record<string, number>>
  stateOf: (part: ModelPart) => PartState
  /** Where the focus is, or would be. */
  place: GridPlace
  onMove: (place: GridPlace) => void
  onApply: (part: ModelPart) => void
}

/** Layers down; heads, attention, MLP and both outputs together across. */
export function PartGrid({ layers, heads, effects, stateOf, place, onMove, onApply }: PartGridProps) {
  const t = useTranslate()
  const largest = Math.max(0, ...Object.values(effects))
  return (
    <Grid
      className="part-grid"
      data-palette="surprise"
      role="group"
      aria-label={t('edits.grid')}
      style={{ '--heads': heads }}
      rows={layers.length}
      columns={(layer) => partsOf(layers[layer]!).length}
      {...{ place, onMove }}
    >
      <PartHead heads={heads} />
      {layers.map((layerParts, layer) => (
        <div key={layer} className="part-line">
          <span className="part-number numeric" aria-hidden="true">
            {t('lens.layerShort', { layer })}
          </span>
          {partsOf(layerParts).map((part, column) => (
            <PartCell
              key={column}
              part={part}
              {...stateOf(part)}
              effect={effects[partKey(part)] ?? null}
              largest={largest}
              focused={place.row === layer && place.column === column}
              onApply={() => {
                onMove({ row: layer, column })
                onApply(part)
              }}
            />
          ))}
        </div>
      ))}
    </Grid>
  )
}

/** By the square root: what one part dominates still tells the others apart. */
const levelOf = (effect: number, largest: number): number =>
  largest === 0 ? 0 : Math.min(LEVELS - 1, Math.floor(Math.sqrt(effect / largest) * LEVELS))

function PartHead({ heads }: { heads: number }) {
  const t = useTranslate()
  return (
    <div className="part-line part-names" aria-hidden="true">
      <span>{t('edits.head')}</span>
      {Array.from({ length: heads }, (_, head) => (
        <span key={head} className="numeric">
          {head}
        </span>
      ))}
      <span>{t('edits.attn')}</span>
      <span>{t('edits.mlp')}</span>
      <span>{t('edits.both')}</span>
    </div>
  )
}

interface PartCellProps extends PartState {
  part: ModelPart
  /** Mean KL with this part off, nats; null where it was not measured. */
  effect: number | null
  largest: number
  focused: boolean
  onApply: () => void
}

function PartCell(props: PartCellProps) {
  const { part, factor, on, effect, largest, focused, onApply } = props
  const t = useTranslate()
  const name = partName(t, useAnatomy(), part)
  const change = factor === null ? t('edits.unchanged') : `× ${formatFactor(factor)}`
  const state = effect === null ? change : `${change}, ${t('edits.effect', { kl: formatNats(effect) })}`
  return (
    <button
      type="button"
      className="part"
      data-testid="edit-cell"
      data-step={part.step}
      data-head={part.head ?? undefined}
      data-on={on}
      data-effect={effect ?? undefined}
      aria-pressed={factor !== null}
      aria-label={t('edits.cellState', { part: name, state })}
      title={t('edits.cellState', { part: name, state })}
      tabIndex={focused ? 0 : -1}
      style={effect === null ? undefined : { '--swatch': `var(--seq-${levelOf(effect, largest)})` }}
      onClick={onApply}
    >
      {factor !== null && <span className="numeric">×{formatFactor(factor)}</span>}
      {factor === null && effect !== null && <span className="numeric part-effect">{shortNats(effect)}</span>}
    </button>
  )
}

/** Two digits, without the zero before the point: a cell is narrow, and its name says the number in full. */
const shortNats = (effect: number): string =>
  effect < 0.005 ? '0' : effect.toPrecision(effect < 1 ? 1 + Number(effect >= 0.1) : 2).replace(/^0/, '')
