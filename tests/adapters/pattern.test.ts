import { describe, expect, it } from 'vitest'
import { matchPatterns, ModulePattern } from '../../src/adapters/pattern.ts'
import { TokenscopeError } from '../../src/errors.ts'

const Q = 'model.layers.10.self_attn.q_proj'

/** Pattern, text, what `re.fullmatch` of Python 3.13 says. */
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
  ['(?i)Q_PROJ', 'q_proj', true],
  ['(?s)a.b', 'a\nb', true],
  ['a.b', 'a\nb', false],
  ['a.b', 'a\rb', true],
  ['(?m)a$.^b', 'a\nb', false],
  ['(?ms)a$.^b', 'a\nb', true],
  [String.raw`\w+(?<!mlp)\.up_proj`, 'layers.up_proj', true],
  [String.raw`\w+(?<!mlp)\.up_proj`, 'mlp.up_proj', false],
  ['(?=a)*a', 'a', true],
  ['a$', 'a\n', false],
  ['a$\n', 'a\n', true],
  [String.raw`\Aa\Z`, 'a', true],
  [String.raw`\x61\u0062\-\_\/`, 'ab-_/', true],
  ['[a^&&-]+[[]', '-&^a[', true],
  ['a{,}', 'aaa', true],
  ['{}a{}', '{}a{}', true],
]

describe('patterns match as in Python', () => {
  it('the whole text, or not', async () => {
    const patterns = CASES.map(([pattern], n) => new ModulePattern(pattern, `field ${n}`))
    await matchPatterns(patterns, [...new Set(CASES.map(([, text]) => text))])
    for (const [n, [pattern, text, expected]] of CASES.entries())
      expect(patterns[n]?.matches(text), `${pattern} on ${text}`).toBe(expected)
  })
})

describe('what is not built, or closes what is not open, is refused by name', () => {
  it.each([
    ['a*+', /possessive/],
    ['(?i:a)', /group that is neither/],
    ['a(?i)b', /group that is neither/],
    ['(?x)a', /group that is neither/],
    ['(?>a)', /group that is neither/],
    ['(a)?(?(1)b|c)', /group that is neither/],
    [String.raw`(a)\1`, /escape \\1/],
    ['(?P<n>a)(?P=n)', /group that is neither/],
    [String.raw`\N{DIGIT ONE}`, /escape \\N/],
    [String.raw`\u12`, /escape \\u/],
    ['a\\', /backslash at the end/],
    ['a)', /a '\)' before character 2/],
    [')(', /a '\(' before it/],
    ['a{2000}', /at most 1000/],
    ['a'.repeat(5000), /5000 characters/],
  ])('%s', (pattern, says) => {
    const read = (): unknown => new ModulePattern(pattern, 'adapter_config.json: target_modules')
    expect(read).toThrow(TokenscopeError)
    expect(read).toThrow(says)
    expect(read).toThrow(/target_modules/)
  })
})

describe('what is no pattern is refused with its field', () => {
  it.each(['(a', '[a', '*a', 'a**', 'a{2}{3}', '^*', '[z-a]', String.raw`[a-\d]`, '('.repeat(40)])(
    '%s',
    async (text) => {
      const matching = matchPatterns([new ModulePattern(text, 'adapter_config.json: target_modules')], ['a'])
      await expect(matching).rejects.toThrow(/target_modules is .*, expected a regular expression/)
      await expect(matching).rejects.toThrow(TokenscopeError)
    },
  )
})

describe('hostile patterns', () => {
  const long = `${'a'.repeat(120)}!`
  it.each(['(a+)+$', '((a+)+)+$', '(a|a)*$', '(a|aa)+$', '(.*)*(.*)*(.*)*x'])(
    '%s is ended by a typed error once it passes any real need',
    async (text) => {
      const matching = matchPatterns(
        [new ModulePattern(text, 'adapter_config.json: target_modules')],
        [long],
        200,
      )
      await expect(matching).rejects.toThrow(/target_modules: the pattern takes too long/)
    },
  )
})
