import { visibleText } from '../../../store/groups.ts'
import type { MessageKey, Translate } from '../../messages/index.ts'

/** Steps the page has words for, by the last part of their names. */
const ROLES = [
  'embed',
  'attn_norm',
  'q',
  'k',
  'v',
  'q_rope',
  'k_rope',
  'cache',
  'scores',
  'probs',
  'context',
  'o',
  'resid_attn',
  'mlp_norm',
  'gate',
  'up',
  'act',
  'down',
  'resid',
  'final_norm',
  'logits',
  'lora_a',
  'embed_lora',
  'blend',
  'edit',
] as const

type Role = (typeof ROLES)[number] | 'other'

const BY_OP: readonly string[] = ['lora_a', 'embed_lora', 'blend', 'edit']

/** What a step is for: the steps of adapters and edits by their op, the others by name. */
function roleOf({ name, op }: { name: string; op: string }): Role {
  const byOp = ROLES.find((role) => role === op && BY_OP.includes(role))
  const parts = name.split('.').toReversed()
  // A replaced module computes `mlp.gate.base` and `mlp.gate.alt` the way `mlp.gate` does.
  return byOp ?? ROLES.find((role) => role === parts[0]) ?? ROLES.find((role) => role === parts[1]) ?? 'other'
}

export const roleKey = (step: { name: string; op: string }): MessageKey => `role.${roleOf(step)}`
export const aboutKey = (step: { name: string; op: string }): MessageKey => `about.${roleOf(step)}`

/** A token as one line of text: blanks visible, a token without text by its id. */
export function tokenName(t: Translate, text: string, id: number): string {
  return text === '' ? t('steps.special', { id }) : visibleText(text)
}

/** 64 × 192. */
export const formatShape = (shape: readonly number[]): string => shape.join(' × ')
