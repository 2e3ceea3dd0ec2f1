import type { titlesEn } from './titles.en.ts'

export const titlesKo: Readonly<Record<keyof typeof titlesEn, string>> = {
  'view.steps': '단계',
  'view.attention': '어텐션',
  'view.lens': '렌즈',
  'view.sampling': '샘플링',
  'view.branches': '갈래',
  'view.edits': '개입',
  'view.score': '채점',
  'view.speculate': '추측 디코딩',
  'view.adapters': '어댑터',
  'view.compare': 'A/B',
  'view.trace': '실행 기록',
  'view.learn': '배우기',

  'steps.tree': '모델',
  'steps.inspector': '단계 정보',
  'attention.panel': '수치',
  'lens.panel': '예측',
  'branches.panel': '토큰',
  'edits.list': '개입 목록',
  'edits.panel': '예측',
  'score.panel': '토큰',
  'speculate.panel': '제안',
  'adapters.title': '추가',
  'adapters.text': '글',
  'compare.panel': '위치',
}
