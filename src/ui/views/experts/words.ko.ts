import type { expertsEn } from './words.en.ts'

export const expertsKo: Readonly<Record<keyof typeof expertsEn, string>> = {
  'experts.about':
    '전문가 혼합 모델에서는 라우터가 토큰마다 모든 전문가를 채점하고 가장 나은 몇에게 보냅니다. 이 글의 토큰들이 층마다 어디로 갔는지 보여 줍니다.',
  'experts.none': '이 모델에는 전문가가 없습니다',
  'experts.noneHint':
    '모든 토큰이 같은 MLP를 지납니다. 전문가 혼합 모델을 열면 라우터가 글을 어디로 보내는지 볼 수 있습니다.',
  'experts.load': '전문가별 부하',
  'experts.by': '부하 기준',
  'experts.by.choices': '선택 횟수',
  'experts.by.weight': '가중치',
  'experts.loadLabel': '층 {layers}개에 있는 전문가 {experts}명의 부하',
  'experts.cell': '층 {layer}, 전문가 {expert}',
  'experts.share.choices': '이 층의 모든 선택 가운데',
  'experts.share.weight': '이 층의 모든 가중치 가운데',
  'experts.tokens': '층 {layer}의 토큰',
  'experts.tokensLabel': '층 {layer}에서 토큰 {tokens}개가 전문가 {experts}명에게 주는 가중치',
  'experts.entropy': '라우터 엔트로피 평균 {mean}비트(최대 {most}비트), 전문가 {experts}명 중 {used}명 사용',
  'experts.tokenCell': '전문가 {expert}, 위치 {position}: {token}',
  'experts.notTaken': '선택되지 않음',
  'experts.panelEmpty': '보여 줄 전문가가 없습니다.',
  'experts.panelCaption': '전문가와 가중치',
  'experts.position': '위치 {position}',
  'experts.layer': '층',
  'experts.taken': '전문가',
  'experts.bits': '비트',
}
