import { createContext, useContext, useEffect } from 'react'
import { invariant } from '../../../errors.ts'
import type { Axis, StepInfo } from '../../../api/model.ts'
import { attentionOf } from '../attention/store.ts'
import { lensOf } from '../lens/store.ts'
import { modelMapOf, type RowFacts } from './store.ts'
import type { Picture } from './picture.ts'
import { stepsOf } from '../steps/store.ts'
import { hooksOf, useSession, useTranslate } from '../../context.ts'
import type { Translate } from '../../words/index.ts'

export const [useModelMap, useMapState] = hooksOf(modelMapOf)

/** Keeps the row's numbers at hand while the picture is on show. */
export function useWatchedMap(): void {
  const map = useModelMap()
  useEffect(() => map.watch(), [map])
}

/** What every line of the picture is drawn from. */
export interface Board {
  picture: Picture
  /** Null before a text has been read. */
  facts: RowFacts | null
  /** Id of the token that is followed through the layers; null while it is read. */
  next: number | null
  /** Words are those that fit the row's own place. */
  inPlace: boolean
  /** Height of a folded line, CSS pixels. */
  line: number
}

export const BoardContext = createContext<Board | null>(null)

export function useBoard(): Board {
  const board = useContext(BoardContext)
  invariant(board !== null, 'a line is drawn outside the picture')
  return board
}

/** Where a part of the picture leads. */
export function useOpenings(): {
  step: (name: string) => void
  head: (layer: number, head: number) => void
  word: (layer: number) => void
} {
  const session = useSession()
  const show = (view: string): void => session.app.setState({ view, narrow: 'view' })
  return {
    step: (name) => {
      stepsOf(session).goTo(name)
      show('steps')
    },
    head: (layer, head) => {
      attentionOf(session).choose({ layer, head })
      show('attention')
    },
    word: (layer) => {
      lensOf(session).state.setState({ layer })
      show('lens')
    },
  }
}

const axisName = (t: Translate, { kind, size, heads }: Axis): string =>
  heads === undefined
    ? t(`map.axis.${kind}`, { size })
    : t('map.axis.ofHeads', { size, heads, each: size / heads })

/** The shape of a step's output by what its axes count: 24 tokens × 576 features. */
export function useShapeWords(): (step: StepInfo) => string {
  const t = useTranslate()
  return ({ axes }) => axes.map((axis) => axisName(t, axis)).join(' × ')
}
