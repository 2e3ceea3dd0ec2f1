import { describe, expect, test } from 'vitest'
import { formatLink, parseLink } from '../../src/state/hash.ts'
import {
  linkPartChanged,
  onLinkPartChange,
  readLinkParts,
  registerLinkPart,
  writeLinkParts,
} from '../../src/state/linkParts.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'

describe('links', () => {
  test('a state survives its link, whatever the prompt holds', () => {
    const prompt = 'Once & again = 50% #1 + “quotes”\n한국어 😀 ?model=x'
    const settings = {
      ...DEFAULT_SETTINGS,
      temperature: 1.25,
      topK: 0,
      topP: 0.5,
      minP: 0.05,
      seed: 42,
      maxTokens: 7,
    }
    const link = parseLink(formatLink({ model: 'owner/name@main', prompt, settings }))
    expect(link.model).toBe('owner/name@main')
    expect(link.prompt).toBe(prompt)
    expect({ ...DEFAULT_SETTINGS, ...link.settings }).toEqual(settings)
    expect(link.ignored).toEqual([])
  })

  test('settings at their defaults are left out, the seed never is', () => {
    expect(formatLink({ model: 'm', prompt: '', settings: DEFAULT_SETTINGS })).toBe('#model=m&seed=0')
  })

  test('model and seed may stand in the query, a prompt may not', () => {
    const link = parseLink('', '?model=a&seed=3&prompt=secret&temperature=1')
    expect(link).toMatchObject({ model: 'a', prompt: null, settings: { seed: 3 } })
    expect(link.settings.temperature).toBeUndefined()
  })

  test('the hash goes before the query', () => {
    expect(parseLink('#model=a&seed=1', '?model=b&seed=2')).toMatchObject({
      model: 'a',
      settings: { seed: 1 },
    })
  })

  test('unusable numbers are named, numbers out of range come to its end', () => {
    const link = parseLink('#seed=abc&top-p=2&temperature=-1&top-k=&min-p=NaN')
    expect(link.ignored).toEqual(['top-k', 'min-p', 'seed'])
    expect(link.settings).toEqual({ topP: 1, temperature: 0 })
  })

  test('view, pinned token and the views’ own parts travel along', () => {
    const parts = new Map([
      ['step', 'layers.3.attn.scores'],
      ['edits', '[{"kind":"scale"}]'],
    ])
    const state = { model: 'm', prompt: 'a', settings: DEFAULT_SETTINGS, view: 'steps', token: 7, parts }
    expect(parseLink(formatLink(state))).toMatchObject({ view: 'steps', token: 7, parts, ignored: [] })
    expect(formatLink({ ...state, view: 'write', token: null, parts: new Map() })).toBe(
      '#model=m&prompt=a&seed=0',
    )
    expect(parseLink('#token=-1')).toMatchObject({ token: null, ignored: ['token'] })
  })

  test('run=0 asks not to generate', () => {
    expect(parseLink('#run=0').run).toBe(false)
    expect(parseLink('#prompt=x').run).toBe(true)
  })
})

describe('parts of a link', () => {
  /** A part that holds a text. */
  function part(name: string) {
    const held = { text: '' }
    const register = () =>
      registerLinkPart(name, {
        read: () => held.text || null,
        write: (text) => {
          held.text = text
        },
      })
    return { held, register }
  }

  test('a value waits for its part, and is kept in the link until then', () => {
    const { held, register } = part('late')
    writeLinkParts(new Map([['late', 'x']]))
    expect(readLinkParts().get('late')).toBe('x')
    expect(held.text).toBe('')
    register()
    expect(held.text).toBe('x')
    held.text = 'y'
    expect(readLinkParts().get('late')).toBe('y')
  })

  test('a link without a part empties it; changes are reported', () => {
    const { held, register } = part('here')
    register()
    writeLinkParts(new Map([['here', '1']]))
    expect(held.text).toBe('1')
    writeLinkParts(new Map())
    expect(held.text).toBe('')
    expect(readLinkParts().has('here')).toBe(false)
    let changes = 0
    const stop = onLinkPartChange(() => (changes += 1))
    linkPartChanged()
    stop()
    linkPartChanged()
    expect(changes).toBe(1)
  })
})
