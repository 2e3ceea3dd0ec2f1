import type { teachingEn } from './teaching.en.ts'

export const teachingKo: Readonly<Record<keyof typeof teachingEn, string>> = {
  'teaching.title': '예제에서 배우기',
  'teaching.about': '교사 강요, 손실 마스크, 그리고 따로 남겨 두는 예제를 알아봅니다.',
  'teaching.forcing':
    '예제는 글입니다. 이 예제는 토큰 {exampleTokens}개짜리입니다. 모델은 자리마다 거기까지의 실제 글을 읽고 어휘의 모든 토큰에 확률을 줍니다. 정답은 실제로 뒤따르는 토큰입니다. 이것을 교사 강요(teacher forcing)라고 합니다.',
  'teaching.parallel':
    '모델이 스스로 썼을 토큰은 읽지 않습니다. 그래서 어느 자리도 앞자리를 기다릴 필요가 없습니다. 같은 글을 쓰려면 토큰마다 순전파가 한 번씩 들지만, 배울 때는 순전파 한 번이 모든 자리에 답합니다.',
  'teaching.mask':
    '질문까지 배울 필요는 없고 답만 배우면 됩니다. 회색 토큰은 마스크로 가린 것입니다. 이 예제의 토큰 {exampleTokens}개 가운데 {exampleCounted}개만 셉니다. 손실은 그 자리들에서 구한 −ln p의 평균이고, p는 모델이 정답 토큰에 준 확률입니다.',
  'teaching.mask.task': '다른 예제를 골라 답이 어디서 시작하는지 보세요.',
  'teaching.triplet':
    '지시, 입력, 출력의 세 쌍으로 된 데이터도 많습니다. 모델이 아는 꼴로 늘어놓고, 출력과 그 끝을 알리는 토큰만 남긴 채 모두 마스크로 가립니다. 이 예제의 토큰 {exampleTokens}개 가운데 {exampleCounted}개를 셉니다.',
  'teaching.held':
    '예제 {trainHeld}개는 따로 남겨 둡니다. 이 예제들로는 배우지 않고, 체크포인트마다 손실만 잽니다. 나머지 예제에서만 손실이 떨어진다면 그것들을 외운 것입니다.',
}
