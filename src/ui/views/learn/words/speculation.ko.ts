import type { speculationEn } from './speculation.en.ts'

export const speculationKo: Readonly<Record<keyof typeof speculationEn, string>> = {
  'speculation.title': '추측 디코딩',
  'speculation.about': '값싼 초안 모델이 제안하면, 모델이 순전파 한 번에 토큰 여러 개를 확인합니다.',
  'speculation.draft':
    '토큰 몇 개를 한꺼번에 순전파해도 가중치는 한 번만 읽습니다. 그래서 값싼 초안 모델이 다음 토큰들을 제안하고, 모델이 그것들을 함께 확인합니다. 여기서 초안 모델은 모델 자신의 앞쪽 층입니다.',
  'speculation.start':
    '모델은 자신의 분포를 그대로 지키는 규칙에 따라 제안을 받아들입니다. 그래서 혼자 썼어도 나올 수 있는 글이 됩니다.',
  'speculation.start.task': '글을 쓰게 해 보세요.',
  'speculation.rounds':
    '한 열이 한 라운드입니다. 위는 초안 모델의 제안이고 아래는 글이 된 토큰입니다. 처음 거절된 자리에는 모델의 토큰이 들어가고, 그 뒤의 제안은 버립니다. 라운드 {rounds}번에 토큰 {roundTokens}개가 나왔습니다.',
  'speculation.figures':
    '순전파 한 번에 토큰을 하나보다 많이 얻는 것이 이득이고, 초안 모델이 쓴 시간이 그 값입니다. 여기서는 제안 가운데 {accepted}이(가) 받아들여졌습니다.',
  'speculation.figures.task': '일반 속도도 재어 견주어 보세요.',
}
