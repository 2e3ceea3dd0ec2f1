import { visibleText } from '../../state/characterGroups.ts'
import type { Translate } from '../words/index.ts'

/** A token as one line of text: blanks visible, a token without text by its id. */
export function tokenName(t: Translate, text: string, id: number): string {
  return text === '' ? t('steps.special', { id }) : visibleText(text)
}

/** What a token is called that begins a text. */
export const BEGIN_NAME = '⟨BOS⟩'

/** What a token is called that ends a text. */
export const endName = (t: Translate): string => `⟨${t('output.end')}⟩`

/** A name as a chip shows it, whose border stands for the brackets. */
export const bare = (name: string): string => name.replace(/^⟨(.*)⟩$/, '$1')

/** 64 × 192. */
export const formatShape = (shape: readonly number[]): string => shape.join(' × ')
