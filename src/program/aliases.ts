import { localName, type Program, type Step } from './step.ts'

/** Hook names of TransformerLens by the field's own names of steps, without the block. */
const HOOKS: Readonly<Record<string, string>> = {
  attn_norm: 'ln1.hook_normalized',
  'attn.q': 'attn.hook_q',
  'attn.k': 'attn.hook_k',
  'attn.v': 'attn.hook_v',
  'attn.q_rope': 'attn.hook_rot_q',
  'attn.k_rope': 'attn.hook_rot_k',
  'attn.scores': 'attn.hook_attn_scores',
  'attn.probs': 'attn.hook_pattern',
  'attn.context': 'attn.hook_z',
  'attn.o': 'hook_attn_out',
  resid_attn: 'hook_resid_mid',
  mlp_norm: 'ln2.hook_normalized',
  'mlp.gate': 'mlp.hook_pre',
  'mlp.up': 'mlp.hook_pre_linear',
  'mlp.act': 'mlp.hook_post',
  'mlp.down': 'hook_mlp_out',
  resid: 'hook_resid_post',
}

const OUTSIDE: Readonly<Record<string, string>> = {
  embed: 'hook_embed',
  final_norm: 'ln_final.hook_normalized',
}

/** Names under which researchers know a step: TransformerLens's hooks, which call the only product of an ungated MLP its `pre`. */
export function aliasesOf(step: Step, { steps }: Program): readonly string[] {
  const local = localName(step)
  const gate = `${step.name.slice(0, -'up'.length)}gate`
  const only = local === 'mlp.up' && !steps.some(({ name }) => name === gate)
  const hook = step.layer === null ? OUTSIDE[local] : HOOKS[only ? 'mlp.gate' : local]
  if (hook === undefined) return []
  return [step.layer === null ? hook : `blocks.${step.layer}.${hook}`]
}
