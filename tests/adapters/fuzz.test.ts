import { describe, expect, it } from 'vitest'
import { CONFIG_FILE, parseAdapterConfig } from '../../src/adapters/config.ts'
import { moduleTree } from '../../src/adapters/modules.ts'
import { matchConfig, selectTargets, unmatchedEntries, valueFor } from '../../src/adapters/targets.ts'
import { writeSafetensors } from '../../src/adapters/writeSafetensors.ts'
import { WEIGHTS_FILE } from '../../src/adapters/load.ts'
import { TokenscopeError } from '../../src/errors.ts'
import { randomSource } from '../random.ts'
import { loadParts, readBase, syntheticLlama, type Parts } from './fixture.ts'

const { model } = await readBase('llama')
const random = randomSource(99)
const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!

const SCALARS: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  2.5,
  1e300,
  2 ** 40,
  '',
  'q_proj',
  '.*',
  '(',
  'all-linear',
]
const LISTS: readonly unknown[] = [[], ['q_proj', 'v_proj'], [''], [1], [[0, 2]], [null], [{}]]
const OBJECTS: readonly unknown[] = [{}, { q_proj: 4 }, { '': 1 }, { '(': 1 }, { constructor: 2 }]
const VALUES: readonly unknown[] = [...SCALARS, ...LISTS, ...OBJECTS]
const FIELDS: readonly string[] = (
  'peft_type r lora_alpha target_modules exclude_modules layers_to_transform layers_pattern rank_pattern alpha_pattern ' +
  'use_rslora use_dora bias modules_to_save ensure_weight_tying base_model_name_or_path init_lora_weights ' +
  'fan_in_fan_out task_type toString new_field'
).split(' ')

function tensor(...shape: number[]): Parts['tensors'][string] {
  const count = shape.reduce((product, size) => product * size, 1)
  return { shape, values: Array.from({ length: count }, () => random.uniform()) }
}

const WEIGHTS: Parts['tensors'] = {
  'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight': tensor(4, 40),
  'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight': tensor(48, 4),
}
const CONFIG = { peft_type: 'LORA', r: 4, target_modules: ['q_proj'], layers_to_transform: [0] }

async function outcome(parts: Parts, files: Record<string, Uint8Array> = {}): Promise<'loaded' | 'refused'> {
  return loadParts(parts, model, files).then(
    () => 'loaded',
    (error: unknown) => {
      if (error instanceof TokenscopeError) return 'refused'
      throw error
    },
  )
}

describe('damaged adapters load or are refused with a typed error', () => {
  it('fields of any kind', async () => {
    const counts = { loaded: 0, refused: 0 }
    for (let n = 0; n < 3000; n++) {
      const config: Record<string, unknown> = { ...CONFIG }
      for (let changes = 1 + random.integer(3); changes > 0; changes--) config[pick(FIELDS)] = pick(VALUES)
      counts[await outcome({ config, tensors: WEIGHTS })]++
    }
    // Both must occur, else the fuzzing tests nothing.
    expect(counts.loaded).toBeGreaterThan(100)
    expect(counts.refused).toBeGreaterThan(1000)
  })

  it('flipped bytes', async () => {
    const files: Record<string, Uint8Array> = {
      [CONFIG_FILE]: new TextEncoder().encode(JSON.stringify(CONFIG)),
      [WEIGHTS_FILE]: writeSafetensors(
        Object.entries(WEIGHTS).map(([name, value]) => ({ name, dtype: 'F32' as const, ...value })),
      ),
    }
    for (let n = 0; n < 3000; n++) {
      const name = pick(Object.keys(files))
      const bytes = files[name]!.slice()
      for (let flips = 1 + random.integer(4); flips > 0; flips--) {
        bytes[random.integer(Math.min(bytes.length, 300))] = random.integer(256)
      }
      await outcome({ config: CONFIG, tensors: WEIGHTS }, { [name]: bytes })
    }
  })
})

describe('patterns of large configs', () => {
  const large = syntheticLlama('llama', {
    layers: 80,
    hidden: 64,
    heads: 8,
    kvHeads: 8,
    intermediate: 128,
    vocab: 100,
  })
  const tree = moduleTree(large, ['model.norm.weight'])
  const { modules } = tree
  const names = modules.map(({ name }) => name)
  const parse = (fields: Record<string, unknown>): ReturnType<typeof parseAdapterConfig> =>
    parseAdapterConfig(
      new TextEncoder().encode(
        JSON.stringify({ peft_type: 'LORA', target_modules: 'all-linear', ...fields }),
      ),
    )

  it('finds a rank of its own for each of 560 modules', () => {
    const ranks = Object.fromEntries(names.map((name, n) => [name, 1 + (n % 64)]))
    const config = parse({ rank_pattern: ranks, alpha_pattern: ranks })
    const targets = selectTargets(modules, config, false)
    expect(targets).toHaveLength(560)
    expect(targets.every(({ name }) => valueFor(name, config.rankPattern, 0) === ranks[name])).toBe(true)
    expect(unmatchedEntries(config, tree, targets, 80)).toHaveLength(4)
  })

  it('stops thousands of slow patterns', async () => {
    const slow = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`((.?){100}){100}x${n}`, 2]))
    const config = parse({ rank_pattern: slow })
    await expect(matchConfig(config, modules, 300)).rejects.toThrow(/takes too long/)
  })
})
