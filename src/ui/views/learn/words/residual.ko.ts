import type { residualEn } from './residual.en.ts'

export const residualKo: Readonly<Record<keyof typeof residualEn, string>> = {
  'residual.title': '잔차 스트림과 렌즈',
  'residual.about': '층은 바꾸지 않고 더합니다. 그래서 어느 층에서든 멈추어 들여다볼 수 있습니다.',
  'residual.sum':
    '층은 토큰의 행을 바꾸어 놓지 않고 거기에 더합니다. 이렇게 모델을 흘러가는 것이 잔차 스트림입니다. 여기서는 어텐션이 찾은 것을 원래 있던 것에 더합니다.',
  'residual.lens':
    '모든 층이 같은 스트림에 쓰기 때문에, 어느 층에서든 멈추고 모델이 무엇을 말할지 물을 수 있습니다. “{token}” 뒤에 대해 마지막 층은 “{lensTop}”에 {lensShare}의 확률을 줍니다.',
  'residual.depth':
    '한 줄이 한 층이고 맨 아래가 임베딩입니다. 고른 열을 아래에서 위로 읽으며 층을 지날수록 짐작이 어떻게 바뀌는지 보세요.',
  'residual.depth.task': '고른 열에서, 실제로 다음에 온 토큰을 이미 맞힌 가장 아래층을 찾아보세요.',
  'residual.parts':
    '로짓도 결국은 합입니다. 모든 헤드와 MLP가 저마다의 몫을 더했습니다. 로짓 하나를 그 몫으로 풀어 놓은 표가 이것입니다.',
}
