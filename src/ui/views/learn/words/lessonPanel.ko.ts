import type { lessonPanelEn } from './lessonPanel.en.ts'

export const lessonPanelKo: Readonly<Record<keyof typeof lessonPanelEn, string>> = {
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

  'panel.label': '수업: {title}',
  'panel.leave': '수업 나가기',
  'panel.step': '{steps}단계 중 {step}단계',
  'panel.next': '다음',
  'panel.back': '이전',
  'panel.finish': '마치기',
  'panel.try': '해 보기',
  'panel.done': '했습니다',
  'panel.reach': '테두리 친 곳으로 가기',
  'panel.outlined': '화면에 테두리로 표시했습니다.',
  'panel.placing': '화면을 준비하는 중…',
  'panel.loading': '모델을 불러오는 중…',
  'panel.away': '이 단계에서 다루는 부분이 지금 화면에 없습니다.',
  'panel.return': '보여 주기',
  'panel.otherModel': '이 수업은 {name} 모델로 진행합니다. 지금은 다른 모델이 불려 있습니다.',
  'panel.noModel': '이 수업에는 {name} 모델이 필요합니다. 지금은 불러온 모델이 없습니다.',
  'panel.load': '{name} 불러오기',
}
