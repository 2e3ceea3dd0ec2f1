import type { lensEn } from './words.en.ts'

export const lensKo: Readonly<Record<keyof typeof lensEn, string>> = {
  'lens.about':
    '어느 층에서 멈춘다면 모델이 다음에 무엇을 말할지 보여 줍니다. 그 층의 잔차 스트림을 마지막 정규화와 출력 헤드에 통과시킨 것입니다. 열은 위치이고, 칸은 그 위치가 예측하는 다음 토큰입니다.',
  'lens.aboutOwn':
    '어느 층에서 멈춘다면 모델이 각 자리에 무엇을 넣을지 보여 줍니다. 그 층의 잔차 스트림을 출력 헤드에 통과시킨 것입니다. 열은 위치이고, 칸은 그 자리에 가장 알맞은 토큰입니다.',
  'lens.overview': '보이는 위치',
  'lens.grid': '로짓 렌즈: 층 {layers}개, 위치 {positions}개. 화살표로 움직입니다.',
  'lens.token': '토큰',
  'lens.next': '다음',
  'lens.unknown': '아직 없음',
  'lens.cell': '위치 {position} “{token}”, {layer}: 다음을 “{top}”(으)로 예측, {probability}',
  'lens.cellOwn': '위치 {position} “{token}”, {layer}: 이 자리를 “{top}”(으)로 예측, {probability}',
  'lens.title': '{layer} 다음',
  'lens.predicts': '위치 {position} · “{token}” → 다음 예측',
  'lens.top': '가장 그럴듯한 다음 토큰',
  'lens.topOwn': '이 자리에 가장 그럴듯한 토큰',
  'lens.probability': '확률',
  'lens.entropy': '엔트로피',
  'lens.actual': '실제 다음 토큰',
  'lens.actualOwn': '이 자리에 있는 토큰',
  'lens.rank': '순위',
  'lens.rankOf': '{vocab}개 중 {rank}위',
  'lens.last': '글이 여기서 끝나 따라갈 다음 토큰이 없습니다.',
  'lens.follow': '실제 다음 토큰, 층별로',
  'lens.followOwn': '이 자리에 있는 토큰, 층별로',
  'lens.scale': '칸에 적힌 토큰의 확률',
  'lens.live': '쓰는 동안 따라가기',
  'lens.liveHint':
    '글을 쓰는 동안 가장 새 토큰 다음을 층마다 무엇으로 예측하는지 읽습니다. 300ms에 한 번을 넘지 않고, 전체 시간의 10분의 1 이상을 쓰지 않습니다.',
  'lens.liveLabel': '지금: 위치 {position} “{token}” 다음에 대한 층별 예측',
  'lens.liveAt': '지금 · {position}',
  'lens.liveNext': '다음 예측',
  'lens.liveColumns': '이번 실행에서 열 {count}개, 마지막 열은 {ms}ms.',
  'lens.liveUnmeasured': '드는 비용은 아직 재지 못했습니다.',
  'lens.liveCost':
    '열 사이에는 초당 {between}토큰, 열을 읽는 동안은 초당 {reading}토큰: 실행이 {share}% 느려졌습니다.',
  'lens.liveBeyond': '토큰 {tokens}개부터는 따라가지 않습니다. 여기서는 열 하나에 {ms}ms가 걸립니다.',
  'lens.empty': '칸을 고르면 그 안을 볼 수 있습니다.',
}
