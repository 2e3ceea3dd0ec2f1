import type { optimisersEn } from './optimisers.en.ts'

export const optimisersKo: Readonly<Record<keyof typeof optimisersEn, string>> = {
  'optimisers.title': 'AdamW와 Adafactor',
  'optimisers.about': '옵티마이저가 단계 사이에 무엇을 간직하고, 그것으로 무엇을 하는지 알아봅니다.',
  'optimisers.moments':
    'AdamW는 학습하는 수 {trainedNumbers}개마다 수를 두 개씩 간직합니다. 그래디언트의 이동 평균과, 그 제곱의 이동 평균입니다. 앞의 것을 뒤의 것의 제곱근으로 나누므로 수마다 제 속도로 움직입니다. 여기에 A와 B의 두 배인 {adamwBytes}가 들며, 최신 체크포인트와 함께 보관됩니다.',
  'optimisers.factored':
    'Adafactor는 행렬의 제곱 가운데 행마다의 평균과 열마다의 평균만 간직합니다. 모두 {adafactorBytes}입니다. 둘을 곱해 전체 평균으로 나눈 값이 제곱 하나하나를 대신합니다. 그래디언트 자체의 평균은 두지 않습니다.',
  'optimisers.factored.task': '‘더 많은 설정’에서 Adafactor를 고르고 다시 시작해 열 단계를 기다려 보세요.',
  'optimisers.curve':
    '두 곡선은 비슷하게 떨어집니다. 다만 그래디언트의 평균이 없으므로 단계마다 그 배치만 따라가고, 그 대신 Adafactor는 너무 긴 변화를 줄입니다. 작은 어댑터에서는 아끼는 양이 적지만, 가중치가 수십억 개라면 메모리에 들어가느냐를 가릅니다.',
}
