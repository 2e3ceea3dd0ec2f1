import type { embeddingEn } from './embedding.en.ts'

export const embeddingKo: Readonly<Record<keyof typeof embeddingEn, string>> = {
  'embedding.title': '임베딩',
  'embedding.about': '토큰마다 숫자를 정해 주고, 마지막에 한 번 더 쓰이는 표를 살펴봅니다.',
  'embedding.row':
    '임베딩은 표입니다. 토큰 {vocab}개마다 값이 {hidden}개씩 들어 있습니다. “{token}”의 번호는 {tokenId}이고, 표의 {tokenId}번 행이 여기 위치 {position}에 놓여 있습니다.',
  'embedding.same':
    '같은 토큰은 어디에 있든 같은 행을 가집니다. 이 단계의 모델은 이웃도 순서도 아직 모릅니다.',
  'embedding.same.task': '글에 두 번 이상 나오는 토큰을 골라 그 행들을 견주어 보세요.',
  'embedding.head':
    '이 모델은 표를 두 번 씁니다. 마지막에 한 위치의 행을 모든 토큰의 행과 곱해 더한 값이 로짓입니다. 같은 방향을 가리키는 토큰일수록 로짓이 높아집니다.',
}
