import { useCallback } from 'react'
import { answeringModel } from '../../state/app.ts'
import { useApp, useTranslate } from '../context.ts'
import { BEGIN_NAME, endName, tokenName } from './labels.ts'

/** Names tokens the same in every view: one that ends a text has one name, whatever text it comes with. */
export function useTokenName(): (text: string, id: number) => string {
  const t = useTranslate()
  const eosIds = useApp(({ model }) => answeringModel(model)?.eosIds)
  return useCallback(
    // In some vocabularies the token that ends a text begins it, too.
    (text, id) =>
      text !== BEGIN_NAME && eosIds?.includes(id) === true ? endName(t) : tokenName(t, text, id),
    [t, eosIds],
  )
}
