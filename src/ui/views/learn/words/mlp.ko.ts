import type { mlpEn } from './mlp.en.ts'

export const mlpKo: Readonly<Record<keyof typeof mlpEn, string>> = {
  'mlp.title': '다층 퍼셉트론(MLP)',
  'mlp.about': '층이 토큰 하나하나에 따로 하는 일과, 그 일이 없으면 어떻게 되는지 알아봅니다.',
  'mlp.gate':
    '어텐션이 끝나면 층은 토큰마다 따로 일합니다. 행렬 두 개가 값 {hidden}개를 각각 {inner}개로 넓힙니다. 그 가운데 첫째 결과인 게이트가 이것입니다.',
  'mlp.act':
    'SiLU는 게이트의 양수는 통과시키고 음수는 눌러 둡니다. 그 결과를 둘째 결과와 자리마다 곱합니다. {inner}개의 자리는 저마다 행에 담긴 서로 다른 것에 반응합니다.',
  'mlp.down': '셋째 행렬이 다시 값 {hidden}개로 되돌리고, 이 값이 토큰의 행에 더해집니다.',
  'mlp.off':
    '무슨 쓸모가 있을까요? 꺼 보면 압니다. 이 칸을 누르면 층 0의 MLP가 쓰는 값에 위의 배수를 곱합니다. 아래의 글을 다시 읽어, 달라진 예측마다 표시해 줍니다.',
  'mlp.off.task': '한 층의 MLP를 꺼 보세요.',
}
