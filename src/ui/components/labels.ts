import { visibleText } from '../../state/characterGroups.ts'
import type { Translate } from '../words/index.ts'

/** A token as one line of text: blanks visible, a token without text by its id. */
export function tokenName(t: Translate, text: string, id: number): string {
  return text === '' ? t('steps.special', { id }) : visibleText(text)
}

/** 64 × 192. */
export const formatShape = (shape: readonly number[]): string => shape.join(' × ')
