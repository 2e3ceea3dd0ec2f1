import type { ModelPart } from '../../../analysis/ablation.ts'
import type { Anatomy } from '../../../analysis/anatomy.ts'
import { stepsOfChange } from './forward.ts'
import type { Change, ChangeOf, EditEntry, Span } from './store.ts'
import type { Translate } from '../../words/index.ts'

/** A factor without needless digits, with a true minus sign. */
export const formatFactor = (factor: number): string =>
  `${factor < 0 ? '−' : ''}${Number(Math.abs(factor).toFixed(3))}`

/** Characters of a prompt that a name shows. */
const PROMPT = 24

function short(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ').trim()
  return line.length > PROMPT ? `${line.slice(0, PROMPT - 1)}…` : line
}

/** What a scale acts on, in words. */
export function partName(t: Translate, { layers }: Anatomy, { step, head }: ModelPart): string {
  for (const { layer, name, outputs, attention } of layers) {
    if (head !== null && step === attention?.context) return t('edits.part.head', { layer, head })
    if (head !== null) continue
    if (step === name) return t('edits.part.layer', { layer })
    const output = outputs.find((one) => one.step === step)
    if (output !== undefined) return t(`edits.part.${output.block}`, { layer })
  }
  return head === null ? t('edits.part.step', { step }) : t('edits.part.stepHead', { step, head })
}

function where(t: Translate, span: Span): string {
  switch (span.kind) {
    case 'all':
      return ''
    case 'from':
      return t('edits.where.from', { from: span.from })
    case 'range':
      return t('edits.where.range', { from: span.from, to: span.to - 1 })
    case 'token':
      return t('edits.where.token', { at: span.at })
  }
}

function scaleName(t: Translate, anatomy: Anatomy, { factor, span, ...scaled }: ChangeOf<'scale'>): string {
  const part = partName(t, anatomy, scaled)
  const what =
    factor === 0 ? t('edits.off', { part }) : t('edits.scaled', { part, factor: formatFactor(factor) })
  return what + where(t, span)
}

/** An edit in one line of plain words. */
export function changeName(t: Translate, anatomy: Anatomy, change: Change): string {
  switch (change.kind) {
    case 'scale':
      return scaleName(t, anatomy, change)
    case 'steer': {
      const { factor, toward, away, span } = change
      const words = { factor: formatFactor(factor), toward: short(toward), away: short(away) }
      return t('edits.steered', words) + where(t, span)
    }
    case 'patch': {
      const { position, source } = change
      return t('edits.patched', { position, prompt: short(source.prompt), from: source.position })
    }
    case 'mask': {
      const { layer, head, query, key } = change
      return head === null
        ? t('edits.maskedAll', { layer, query, key })
        : t('edits.masked', { layer, head, query, key })
    }
  }
}

/** The steps an edit acts at, as the program names them. */
export function changeSteps(anatomy: Anatomy, change: Change): string {
  const steps = stepsOfChange(anatomy, change).join(' + ')
  return change.kind === 'patch' && change.source.step !== change.step
    ? `${change.source.step} → ${steps}`
    : steps
}

/** All of them in one line, for results to carry. */
export function editsName(t: Translate, anatomy: Anatomy, entries: readonly EditEntry[]): string {
  const names = entries.map(({ change }) => changeName(t, anatomy, change)).join('; ')
  if (entries.length === 0) return t('edits.chipNone')
  return entries.length === 1
    ? t('edits.chipOne', { names })
    : t('edits.chip', { count: entries.length, names })
}
