/** The forms of a Korean particle: after a final consonant, after a vowel. Only 로 also follows a final ㄹ. */
const PAIRS: Readonly<Record<string, readonly [string, string]>> = {
  '을(를)': ['을', '를'],
  '은(는)': ['은', '는'],
  '이(가)': ['이', '가'],
  '와(과)': ['과', '와'],
  '(으)로': ['으로', '로'],
  '(이)': ['이', ''],
}

type Final = 'none' | 'l' | 'other'

/** Final sounds of the digits, read as 영 일 이 삼 사 오 육 칠 팔 구; a number that ends in 0 ends in 십, 백, 천 or 만. */
const DIGITS: readonly Final[] = ['other', 'l', 'none', 'other', 'none', 'none', 'other', 'l', 'l', 'none']
const SYLLABLES = 0xac00
const FINALS = 28
const FINAL_L = 8

/** Latin words by how they are usually written in Hangul: 펜, 팀, 킹, 캣, 룩; “r” and the voiced stops end open. */
function latinFinal(word: string): Final {
  if (/^(?:[A-Z]+|.)$/.test(word)) return /[lr]$/i.test(word) ? 'l' : /[mn]$/i.test(word) ? 'other' : 'none'
  if (/l(?:e)?$/i.test(word)) return 'l'
  if (/(?:[mn]|ng|(?:^|[^aeiou])[aeiou][bgkpt]|oo[kt]|ck)$/i.test(word)) return 'other'
  return 'none'
}

/** How the last thing that is read aloud in a text ends; signs are passed over. */
export function finalSound(text: string): Final {
  const last = /([가-힣]|\d|%|[A-Za-z]+)[^가-힣\dA-Za-z%]*$/.exec(text)?.[1]
  if (last === undefined || last === '%') return 'none'
  if (/\d/.test(last)) return DIGITS[Number(last)] ?? 'none'
  if (/[A-Za-z]/.test(last)) return latinFinal(last)
  const final = (last.charCodeAt(0) - SYLLABLES) % FINALS
  return final === 0 ? 'none' : final === FINAL_L ? 'l' : 'other'
}

/** The form of `pair` (as `을(를)`) that follows a text. */
export function particle(pair: string, text: string): string {
  const [closed, open] = PAIRS[pair] ?? [pair, pair]
  const final = finalSound(text)
  return final === 'none' || (final === 'l' && pair === '(으)로') ? open : closed
}

const SLOT = /\{(\w+)\}([”’»)\]]*)(을\(를\)|은\(는\)|이\(가\)|와\(과\)|\(으\)로|\(이\))?/g

/** What follows a value, with the particle it begins with in the form that fits. */
export function afterValue(value: string, text: string): string {
  return fillKorean(`{value}${text}`, { value }).slice(value.length)
}

/** A Korean message with its values in place, every particle behind one in the form that fits. */
export function fillKorean(message: string, values: Readonly<Record<string, string | number>>): string {
  return message.replace(SLOT, (match, name: string, quote: string, pair?: string) => {
    const value = values[name]
    if (value === undefined) return match
    return `${value}${quote}${pair === undefined ? '' : particle(pair, String(value))}`
  })
}
