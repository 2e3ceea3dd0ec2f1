import { describe, expect, test } from 'vitest'
import { readAuthorSampling } from '../../src/text/authorSampling.ts'
import { describeTemplate } from '../../src/text/jinja/describe.ts'

/** Names and constants of the variables a template reads. */
function variables(template: string): Record<string, unknown[]> {
  return Object.fromEntries(
    describeTemplate(template).variables.map(({ name, values }) => [name, [...values]]),
  )
}

describe('the variables a template reads', () => {
  const cases: [what: string, template: string, expected: Record<string, unknown[]>][] = [
    ['reads', '{{ bos_token }}{{ messages[0].content }}', { bos_token: [], messages: [] }],
    [
      'its own names are none',
      '{% set a = 1 %}{{ a }}{% for m in messages %}{{ m }}{{ loop.index }}{% endfor %}',
      { messages: [] },
    ],
    [
      'a default of its own',
      '{% if not date is defined %}{% set date = "1 May" %}{% endif %}{{ date }}',
      { date: ['1 May'] },
    ],
    [
      'comparisons',
      '{% if effort == "low" or effort in ["mid", "high"] %}{% endif %}',
      { effort: ['low', 'mid', 'high'] },
    ],
    ['switches', '{% if think is defined and think is false %}{% endif %}', { think: [true, false] }],
    ['a filter that fills in', '{{ style | default("plain") }}', { style: ['plain'] }],
    [
      'macros that call one another',
      '{% macro f(x) %}{{ g(x) }}{{ y }}{% endmacro %}{% macro g(x) %}{{ x }}{% endmacro %}',
      { y: [] },
    ],
    ['with', '{% with a = b %}{{ a }}{% endwith %}{{ a }}', { b: [], a: [] }],
    [
      'functions of the renderer',
      '{{ range(3) }}{% if x %}{{ raise_exception("no") }}{% endif %}',
      { x: [] },
    ],
  ]
  test.each(cases)('%s', (_, template, expected) => expect(variables(template)).toEqual(expected))
})

test('roles, fields and the clock', () => {
  const reads = describeTemplate(
    "{% for m in messages %}{% if m.role == 'tool' or m['role'] in ['user'] %}{{ m['tool_calls'] }}{% endif %}{% endfor %}{{ strftime_now('%Y') }}",
  )
  expect(reads).toMatchObject({ roles: ['tool', 'user'], fields: ['role', 'tool_calls'], readsClock: true })
})

test('a template that cannot be read names its line', () => {
  expect(() => describeTemplate('a\n{% if %}')).toThrow(expect.objectContaining({ line: 2 }) as Error)
})

describe('how an author would have a model sampled', () => {
  const off = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 }
  test.each([
    [{ eos_token_id: 3 }, null],
    [{ do_sample: false, temperature: 0.6 }, off],
    [
      { do_sample: true, temperature: 0.6, top_k: 20, top_p: 0.95 },
      { ...off, temperature: 0.6, topK: 20, topP: 0.95 },
    ],
    [
      { do_sample: true, repetition_penalty: 1.1 },
      { ...off, temperature: 1, topK: 50, repetitionPenalty: 1.1 },
    ],
    [
      { temperature: 0.7, top_k: null, min_p: 'x' },
      { ...off, temperature: 0.7 },
    ],
  ])('%j', (config, expected) => expect(readAuthorSampling(config)).toEqual(expected))
})
