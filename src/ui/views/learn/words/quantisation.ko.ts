import type { quantisationEn } from './quantisation.en.ts'

export const quantisationKo: Readonly<Record<keyof typeof quantisationEn, string>> = {
  'quantisation.title': '양자화',
  'quantisation.about': '가중치마다 비트를 줄이면 모델이 얼마나 원래대로인지 알아봅니다.',
  'quantisation.bytes':
    '이 글을 계산하는 동안 이 한 단계에서 {stepBytes}이(가) 오갑니다. 거기에는 {weights} 형식으로 저장된 행렬의 가중치도 들어 있습니다. 가중치의 비트를 줄이면 저장할 것도 옮길 것도 줄어듭니다.',
  'quantisation.copy':
    'q4_0은 가중치 32개를 4비트 수 32개와 배율 하나로 줄여 둡니다. 이 페이지는 모델을 이렇게 줄인 사본을 만들어 다음 토큰을 제안하게 하고, 원래 모델이 그 제안을 판정하게 할 수 있습니다.',
  'quantisation.copy.task': '시작해 보세요.',
  'quantisation.agree':
    '비트를 잃은 대가를 이렇게 잴 수 있습니다. 사본이 내놓은 제안 가운데 원래 모델이 받아들인 것은 {accepted}입니다. 받아들이지 않는 자리가 있다면, 반올림 때문에 확률이 너무 멀어진 곳입니다.',
}
