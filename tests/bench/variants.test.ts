import { expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { chooseVariant } from '../../src/gpu/variants.ts'

const features = (subgroupSize?: number) => ({
  f16: true,
  subgroups: true,
  ...(subgroupSize === undefined ? {} : { subgroupSize }),
})

test('threads that work alone pass inputs on only in subgroups wide enough to pay', () => {
  expect(chooseVariant('cpu', features(8)).name).toBe('f16-subgroups-perthread-wg32')
  for (const narrow of [4, 0, undefined])
    expect(chooseVariant('cpu', features(narrow)).name).toBe('f16-perthread-wg32')
  expect(chooseVariant('gpu', features(4)).name).toBe('f16-subgroups-wg64')
})

test('a forced variant is taken as it is, if the device can run it', () => {
  expect(chooseVariant('cpu', features(4), 'subgroups-perthread-wg64').subgroups).toBe(true)
  expect(() => chooseVariant('gpu', { f16: false, subgroups: true }, 'f16-wg64')).toThrow(TokenscopeError)
  expect(() => chooseVariant('gpu', features(), 'wg48')).toThrow(/wg48/)
})
