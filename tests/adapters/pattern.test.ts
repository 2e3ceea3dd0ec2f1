import { describe, expect, it } from 'vitest'
import { Pattern } from '../../src/adapters/pattern.ts'
import { TokenscopeError } from '../../src/errors.ts'

const Q = 'model.layers.10.self_attn.q_proj'

/** Pattern, text, what Python 3.11's `re.fullmatch` says. */
const CASES: readonly (readonly [string, string, boolean])[] = [
  ['q_proj', 'q_proj', true],
  ['q_proj', Q, false],
  [String.raw`.*\.q_proj`, Q, true],
  [String.raw`.*\.(q|v)_proj`, Q, true],
  [String.raw`.*\.(k|v)_proj`, Q, false],
  [String.raw`model\.layers\.\d+\.self_attn\.[qk]_proj`, Q, true],
  [String.raw`model\.layers\.\d\.self_attn\.[qk]_proj`, Q, false],
  [String.raw`model\.layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:q_proj|k_proj))`, Q, true],
  [String.raw`(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|attn)\.(?:q_proj))`, Q, true],
  [String.raw`.*?(?:vision|image).*?`, Q, false],
  [String.raw`^(?!.*vision).*(?:q_proj)$`, Q, true],
  [String.raw`^(?!.*self_attn).*(?:q_proj)$`, Q, false],
  [String.raw`(?=.*layers).*proj`, Q, true],
  [String.raw`(?P<body>model)\..+`, Q, true],
  ['(.*\\.)?(^model.layers.10.self_attn.q_proj)$', Q, true],
  ['(.*\\.)?(^layers.10.self_attn.q_proj)$', Q, false],
  ['(.*\\.)?(layers.1.*.q_proj)$', Q, true],
  ['a{2}', 'aa', true],
  ['a{2}', 'aaa', false],
  ['a{2,3}b', 'aaab', true],
  ['a{,2}b', 'aaab', false],
  ['a{2,}?', 'aaaa', true],
  ['a{x}', 'a{x}', true],
  ['[]a]+', 'a]', true],
  ['[^]a]+', 'bc', true],
  ['[a-]+', 'a-a', true],
  [String.raw`[\w.]+`, Q, true],
  [String.raw`\D+`, 'abc', true],
  ['a|b|', '', true],
  ['(a|ab)(c|bcd)d?', 'abcd', true],
  ['(a*)*b', 'aaab', true],
  ['(a*)+', '', true],
  [String.raw`x\Z`, 'x', true],
  [String.raw`self\B_attn`, 'self_attn', true],
  ['', '', true],
]

describe('patterns match as in Python', () => {
  it.each(CASES)('%s on %s', (pattern, text, expected) => {
    expect(new Pattern(pattern, 'field').matches(text)).toBe(expected)
  })
})

describe('what cannot be read is refused, with its place', () => {
  it.each([
    ['(a', /expected '\)'/],
    ['a)', /"\)" at character 1/],
    ['[a', /expected '\]'/],
    ['*a', /something to repeat/],
    ['a**', /not two in a row/],
    ['a*+', /possessive/],
    ['(?i)a', /group that is neither/],
    ['(?<=a)b', /group that is neither/],
    [String.raw`(a)\1`, /escape \\1/],
    ['a\\', /backslash at the end/],
    ['a{2000}', /at most 1000/],
    ['[z-a]', /from low to high/],
  ])('%s', (pattern, says) => {
    expect(() => new Pattern(pattern, 'adapter_config.json: target_modules')).toThrow(TokenscopeError)
    expect(() => new Pattern(pattern, 'adapter_config.json: target_modules')).toThrow(says)
    expect(() => new Pattern(pattern, 'adapter_config.json: target_modules')).toThrow(/target_modules/)
  })
})

describe('hostile patterns', () => {
  it('is limited in length and depth', () => {
    expect(() => new Pattern('('.repeat(40), 'field')).toThrow(/levels of parentheses/)
    expect(() => new Pattern('a'.repeat(5000), 'field')).toThrow(/5000 characters/)
  })

  const long = `${'a'.repeat(120)}!`
  it.each(['(a+)+$', '((a+)+)+$', '(a|a)*$', '(a|aa)+$', '(.*)*(.*)*(.*)*x', '(a?){200}a{200}'])(
    '%s is answered within the allowed work',
    (pattern) => expect(new Pattern(pattern, 'field').matches(long)).toBe(false),
  )

  it('gives up with a typed error once the work passes any real need', () => {
    const nested = '(((a?){1000}){1000}){1000}'
    expect(() => new Pattern(nested, 'field').matches('a'.repeat(200))).toThrow(/takes too long/)
  })
})
