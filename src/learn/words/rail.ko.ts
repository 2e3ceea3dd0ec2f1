import type { railEn } from './rail.en.ts'

export const railKo: Readonly<Record<keyof typeof railEn, string>> = {
  'learn.about':
    '보기 화면 안에서, 페이지에 딸린 모델로 배우는 짧은 수업입니다. 수업에 나오는 숫자는 모두 이 기기에서 실행한 결과를 읽은 것입니다. 수업을 마치면 쓰던 글이 돌아옵니다.',
  'learn.list': '수업',
  'learn.first': '먼저 배울 것',
  'learn.more': '더 나아가기',
  'learn.length': '{minutes}분 · {steps}단계',
  'learn.start': '시작',
  'learn.resume': '{step}단계부터 계속',
  'learn.again': '다시 보기',
  'learn.finished': '마침',
  'learn.tasks': '{all}개 중 {done}개 해 봄',

  'rail.label': '수업: {title}',
  'rail.leave': '수업 나가기',
  'rail.step': '{steps}단계 중 {step}단계',
  'rail.next': '다음',
  'rail.back': '이전',
  'rail.finish': '마치기',
  'rail.try': '해 보기',
  'rail.done': '했습니다',
  'rail.reach': '테두리 친 곳으로 가기',
  'rail.outlined': '화면에 테두리로 표시했습니다.',
  'rail.placing': '화면을 준비하는 중…',
  'rail.loading': '모델을 불러오는 중…',
  'rail.away': '이 단계에서 다루는 부분이 지금 화면에 없습니다.',
  'rail.return': '보여 주기',
  'rail.otherModel': '이 수업은 {name} 모델로 진행합니다. 지금은 다른 모델이 불려 있습니다.',
  'rail.noModel': '이 수업에는 {name} 모델이 필요합니다. 지금은 불러온 모델이 없습니다.',
  'rail.load': '{name} 불러오기',
}
