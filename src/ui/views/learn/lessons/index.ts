import type { Lesson } from '../types.ts'
import { attention } from './attention.ts'
import { dpo } from './dpo.ts'
import { embedding } from './embedding.ts'
import { logits } from './logits.ts'
import { lora } from './lora.ts'
import { mlp } from './mlp.ts'
import { optimisers } from './optimisers.ts'
import { picture } from './picture.ts'
import { qlora } from './qlora.ts'
import { quantisation } from './quantisation.ts'
import { rank } from './rank.ts'
import { rates } from './rates.ts'
import { residual } from './residual.ts'
import { sampling } from './sampling.ts'
import { speculation } from './speculation.ts'
import { teaching } from './teaching.ts'
import { tokens } from './tokens.ts'

/** Every lesson, in the order they build on each other. A new one is a file here, its words, and an entry. */
export const LESSONS: readonly Lesson[] = [
  picture,
  tokens,
  logits,
  attention,
  sampling,
  embedding,
  mlp,
  residual,
  quantisation,
  speculation,
  rank,
  teaching,
  lora,
  rates,
  optimisers,
  qlora,
  dpo,
]
