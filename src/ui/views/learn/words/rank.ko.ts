import type { rankEn } from './rank.en.ts'

export const rankKo: Readonly<Record<keyof typeof rankEn, string>> = {
  'rank.title': '랭크란 무엇인가',
  'rank.about': '어댑터가 만드는 변화를 방향으로 나누어 봅니다.',
  'rank.factors':
    '지금 모델 곁에 {adapterName} 어댑터가 있습니다. 이 어댑터는 행렬 {adapterModules}개를 바꾸는데, 저마다 얇은 행렬 두 개의 곱인 ΔW = (α / r)·B·A를 더합니다. 얇은 행렬의 너비 r이 랭크이고, 여기서는 {adapterRank}입니다. A와 B의 숫자는 모두 {adapterNumbers}개이고, 바뀌는 행렬의 숫자는 {adapterChanged}개입니다.',
  'rank.delta':
    'ΔW의 형태는 더해질 행렬 W와 같지만 크기는 작습니다. 칸마다 ΔW의 크기를 W의 크기로 나눈 값이 적혀 있습니다. 진한 곳일수록 많이 바뀐 부분입니다.',
  'rank.directions':
    '어떤 행렬이든 방향 여러 개로 나눌 수 있고, 방향마다 세기 σ가 있습니다. 랭크가 {adapterRank}인 곱에는 방향이 많아야 {adapterRank}개이고, W에는 {adapterWidth}개까지 있습니다. 그만큼 숫자를 아끼는 대신 배우지 못하는 것도 생깁니다. 막대가 그 세기이며, 큰 것부터 놓여 있습니다.',
  'rank.tokens':
    '방향 하나는 한 가지 일을 합니다. 들어온 값에 한 무늬가 얼마나 들어 있는지 보고, 그만큼 다른 무늬를 더합니다. 그 한쪽이 잔차 스트림이면 가장 가까운 토큰들의 이름이 나옵니다. 다른 막대를 고르면 다른 방향이 보입니다.',
  'rank.scale':
    '배율은 ΔW 전체에 곱해집니다. 0이면 기본 모델이고 1이면 학습한 그대로이며, 그 사이에서는 모든 방향이 조금씩 덜 작용합니다. 배율을 바꾸어도 새로 계산할 것은 없습니다.',
  'rank.scale.task': '{adapterName} 어댑터의 배율을 1이 아닌 값으로 옮겨 보세요.',
}
