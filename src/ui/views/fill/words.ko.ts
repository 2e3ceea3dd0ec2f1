import type { fillEn } from './words.en.ts'

/** Korean words of the view of masks. */
export const fillKo: Record<keyof typeof fillEn, string> = {
  'fill.about': '인코더는 글 전체를 앞뒤 양쪽으로 한꺼번에 읽고, 가려진 토큰이 무엇이었을지 말해 줍니다.',
  'fill.text': '마스크가 든 글',
  'fill.placeholder': '프랑스의 수도는 {mask}이다.',
  'fill.run': '채우기',
  'fill.insert': '{mask} 넣기',
  'fill.filling': '글을 읽는 중 …',
  'fill.empty': '찾을 낱말 자리에 마스크를 넣으세요. 한 글에 여러 개를 넣어도 됩니다.',
  'fill.noMask': '이 모델의 토크나이저에는 마스크 토큰이 없습니다.',
  'fill.hint': '마스크마다 나머지는 가린 채 따로 채웁니다. 후보를 고르면 글에 써넣습니다.',
  'fill.stale': '그 뒤에 글이 바뀌었습니다. 다시 채우세요.',
  'fill.mask': '마스크 {number} · 위치 {position}',
}
