import type { writeEn } from './words.en.ts'

/** Korean words of what the view of the text fetches once the page rests. */
export const writeKo: Record<keyof typeof writeEn, string> = {
  'prompt.special': '특수 토큰 읽기',
  'prompt.specialHint':
    '<|end|>처럼 글자로 쓴 특수 토큰을 모든 보기에서 특수 토큰으로 읽습니다. 끄면 다른 글자와 같습니다',
  'runs.title': '지난 실행',
  'runs.clear': '비우기',
  'runs.more': '{count}개 더 보기',
  'runs.restore': '되돌리기: {text}',
  'runs.restoreHint': '이 글을 프롬프트, 설정, 어댑터, 개입과 함께 되돌립니다',
  'runs.remove': '목록에서 제거',
  'runs.copy': '글 복사',
  'runs.save': '글을 파일로 저장',
  'runs.settings': '온도 {temperature} · 시드 {seed}',
  'runs.edits': '개입 {count}개',
  'runs.did.restore': '지난 실행 되돌리기',
}
