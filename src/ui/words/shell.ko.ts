import type { shellEn } from './shell.en.ts'

export const shellKo: Readonly<Record<keyof typeof shellEn, string>> = {
  'views.collapse': '아이콘만 보기',
  'views.expand': '보기 이름 펼치기',

  'link.copy': '링크 복사',
  'link.copied': '링크를 복사했습니다',
  'link.noFiles': '링크 복사: 끌어다 놓은 파일은 담기지 않습니다',
  'history.undo': '되돌리기',
  'history.redo': '다시 하기',
  'history.undoOf': '되돌리기: {what}',
  'history.redoOf': '다시 하기: {what}',

  'strip.label': '층마다 다음에 올 것으로 예측한 토큰',
  'strip.after': '“{token}” 다음, 층마다의 예측',
  'strip.show': '렌즈 띠 펼치기',
  'strip.hide': '렌즈 띠 접기',
  'strip.cell': '{layer}: “{top}”, {probability}. 누르면 렌즈가 열립니다.',
  'strip.notCaptured': '기록 안 됨',
  'strip.running': '글을 쓰는 동안에는 기록하지 않습니다',
  'strip.noText': '기록 안 됨: 아직 쓴 글이 없습니다',
  'strip.noModel': '기록 안 됨: 불러온 모델이 없습니다',
  'strip.otherModel': '기록 안 됨: 다른 모델이 쓴 글입니다',
  'strip.reading': '읽는 중…',

  'lens.embedding': '임베딩',
  'lens.embeddingShort': 'emb',
  'lens.layer': '층 {layer}',
  'lens.layerShort': 'L{layer}',
  'adapters.base': '기본 모델',
  'textScales.hint': '이 글을 만든 어댑터',
  'textScales.written': '{scales}이(가) 작성',
  'textScales.from': '토큰 {token}부터 {scales}',
  'textScales.scored': '확률은 {scales}',
  'textScales.unknown': '어댑터 기록 없음',
  'textScales.merged': '병합됨',
  'textScales.scoring': '{scales}(으)로 토큰 {count}개를 읽는 중: {percent}%',
  'compare.merged': '어댑터가 가중치에 병합되어 비교할 기본 모델이 없습니다. 먼저 병합을 푸세요.',
  'compare.toggle': 'A/B 비교',

  'keys.button': '단축키',
}
