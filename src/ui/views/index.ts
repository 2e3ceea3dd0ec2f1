import type { ComponentType } from 'react'
import type { Model, ModelInfo } from '../../api/model.ts'
import type { IconName } from '../components/Icon.tsx'
import type { MessageKey } from '../words/index.ts'
import { later } from './later.tsx'
import { LogitsPanel } from './write/LogitsPanel.tsx'
import { SamplingPanel } from './write/SamplingPanel.tsx'
import { WriteSide, WriteView } from './write/WriteView.tsx'

/** A region beside or below the active view. */
export interface Region {
  title: MessageKey
  icon: IconName
  component: ComponentType
}

/** What a person wants: write, look inside, change something, measure, adapt, keep and learn. */
export const VIEW_GROUPS = ['write', 'look', 'change', 'measure', 'adapt', 'keep'] as const
export type ViewGroup = (typeof VIEW_GROUPS)[number]

/** A view and the regions it uses; a region that is null takes no room. */
export interface View {
  /** In the test id `view-<name>` and in links. */
  name: string
  group: ViewGroup
  /** What a model must do for it to be of use; absent: it is for all. */
  task?: ModelInfo['tasks'][number]
  /** The method of a model that it cannot do without: an engine elsewhere may lack it. */
  needs?: keyof Model
  title: MessageKey
  icon: IconName
  component: ComponentType
  left: Region | null
  right: Region | null
  /** Transport at the bottom, for views that move through steps or tokens. */
  bottom: ComponentType | null
}

const train = () => import('./train/panels.ts')

/** Every view of the page, in order within its group. A new one is a file in this folder and an entry here. */
export const VIEWS: readonly View[] = [
  {
    name: 'write',
    group: 'write',
    task: 'generate',
    title: 'view.write',
    icon: 'text',
    component: WriteView,
    left: { title: 'sampling.title', icon: 'sliders', component: WriteSide },
    right: { title: 'logits.title', icon: 'bars', component: LogitsPanel },
    bottom: null,
  },
  {
    name: 'map',
    group: 'write',
    needs: 'inspect',
    title: 'view.map',
    icon: 'map',
    component: later(() => import('./map/MapView.tsx').then((module) => module.MapView)),
    left: null,
    right: null,
    bottom: later(() => import('./steps/TransportBar.tsx').then((module) => module.TransportBar)),
  },
  {
    name: 'chat',
    group: 'write',
    task: 'generate',
    title: 'view.chat',
    icon: 'chat',
    component: later(() => import('./chat/ChatView.tsx').then((module) => module.ChatView)),
    left: {
      title: 'chat.setup',
      icon: 'sliders',
      component: later(() => import('./chat/ChatSetup.tsx').then((module) => module.ChatSetup)),
    },
    right: { title: 'logits.title', icon: 'bars', component: LogitsPanel },
    bottom: null,
  },
  {
    name: 'fill',
    group: 'write',
    task: 'fill-mask',
    title: 'view.fill',
    icon: 'facts',
    component: later(() => import('./fill/FillView.tsx').then((module) => module.FillView)),
    left: null,
    right: null,
    bottom: null,
  },
  {
    name: 'steps',
    group: 'look',
    needs: 'inspect',
    title: 'view.steps',
    icon: 'grid',
    component: later(() => import('./steps/StepsView.tsx').then((module) => module.StepsView)),
    left: {
      title: 'steps.tree',
      icon: 'tree',
      component: later(() => import('./steps/TreePanel.tsx').then((module) => module.TreePanel)),
    },
    right: {
      title: 'steps.inspector',
      icon: 'facts',
      component: later(() => import('./steps/InspectorPanel.tsx').then((module) => module.InspectorPanel)),
    },
    bottom: later(() => import('./steps/TransportBar.tsx').then((module) => module.TransportBar)),
  },
  {
    name: 'attention',
    group: 'look',
    needs: 'inspect',
    title: 'view.attention',
    icon: 'heads',
    component: later(() => import('./attention/AttentionView.tsx').then((module) => module.AttentionView)),
    left: null,
    right: {
      title: 'attention.panel',
      icon: 'facts',
      component: later(() => import('./attention/HeadPanel.tsx').then((module) => module.HeadPanel)),
    },
    bottom: null,
  },
  {
    name: 'lens',
    group: 'look',
    needs: 'lens',
    title: 'view.lens',
    icon: 'layers',
    component: later(() => import('./lens/LensView.tsx').then((module) => module.LensView)),
    left: null,
    right: {
      title: 'lens.panel',
      icon: 'facts',
      component: later(() => import('./lens/LensPanel.tsx').then((module) => module.LensPanel)),
    },
    bottom: null,
  },
  {
    name: 'experts',
    group: 'look',
    needs: 'inspect',
    title: 'view.experts',
    icon: 'shuffle',
    component: later(() => import('./experts/ExpertsView.tsx').then((module) => module.ExpertsView)),
    left: null,
    right: {
      title: 'experts.panel',
      icon: 'facts',
      component: later(() => import('./experts/ExpertsPanel.tsx').then((module) => module.ExpertsPanel)),
    },
    bottom: null,
  },
  {
    name: 'tokenizer',
    group: 'look',
    title: 'view.tokenizer',
    icon: 'split',
    component: later(() => import('./tokenizer/TokenizerView.tsx').then((module) => module.TokenizerView)),
    left: null,
    right: null,
    bottom: null,
  },
  {
    name: 'sampling',
    group: 'change',
    task: 'generate',
    title: 'view.sampling',
    icon: 'funnel',
    component: later(() => import('./sampling/SamplingView.tsx').then((module) => module.SamplingView)),
    left: null,
    right: null,
    bottom: null,
  },
  {
    name: 'branches',
    group: 'change',
    task: 'generate',
    needs: 'fork',
    title: 'view.branches',
    icon: 'branch',
    component: later(() => import('./branches/BranchesView.tsx').then((module) => module.BranchesView)),
    left: null,
    right: {
      title: 'branches.panel',
      icon: 'facts',
      component: later(() => import('./branches/BranchToken.tsx').then((module) => module.BranchToken)),
    },
    bottom: null,
  },
  {
    name: 'edits',
    group: 'change',
    task: 'generate',
    needs: 'inspect',
    title: 'view.edits',
    icon: 'sliders',
    component: later(() => import('./edits/EditsView.tsx').then((module) => module.EditsView)),
    left: {
      title: 'edits.list',
      icon: 'sliders',
      component: later(() => import('./edits/EditList.tsx').then((module) => module.EditList)),
    },
    right: {
      title: 'edits.panel',
      icon: 'facts',
      component: later(() => import('./edits/EditPanel.tsx').then((module) => module.EditPanel)),
    },
    bottom: null,
  },
  {
    name: 'score',
    group: 'measure',
    task: 'generate',
    needs: 'score',
    title: 'view.score',
    icon: 'gauge',
    component: later(() => import('./score/ScoreView.tsx').then((module) => module.ScoreView)),
    left: null,
    right: {
      title: 'score.panel',
      icon: 'facts',
      component: later(() => import('./score/ScorePanel.tsx').then((module) => module.ScorePanel)),
    },
    bottom: null,
  },
  {
    name: 'precision',
    group: 'measure',
    task: 'generate',
    needs: 'precision',
    title: 'view.precision',
    icon: 'bars',
    component: later(() => import('./precision/PrecisionView.tsx').then((module) => module.PrecisionView)),
    left: null,
    right: null,
    bottom: null,
  },
  {
    name: 'speculate',
    group: 'measure',
    task: 'generate',
    needs: 'speculate',
    title: 'view.speculate',
    icon: 'layerNext',
    component: later(() => import('./speculate/SpeculateView.tsx').then((module) => module.SpeculateView)),
    left: { title: 'sampling.title', icon: 'sliders', component: SamplingPanel },
    right: {
      title: 'speculate.panel',
      icon: 'facts',
      component: later(() => import('./speculate/ProposalPanel.tsx').then((module) => module.ProposalPanel)),
    },
    bottom: null,
  },
  {
    name: 'adapters',
    group: 'adapt',
    needs: 'addAdapter',
    title: 'view.adapters',
    icon: 'faders',
    component: later(() => import('./adapters/AdaptersView.tsx').then((module) => module.AdaptersView)),
    left: {
      title: 'adapters.title',
      icon: 'plus',
      component: later(() => import('./adapters/AddPanel.tsx').then((module) => module.AddPanel)),
    },
    right: {
      title: 'adapters.text',
      icon: 'text',
      component: later(() => import('./adapters/TextPanel.tsx').then((module) => module.TextPanel)),
    },
    bottom: null,
  },
  {
    name: 'compare',
    group: 'adapt',
    task: 'generate',
    needs: 'compare',
    title: 'view.compare',
    icon: 'pair',
    component: later(() => import('./compare/CompareView.tsx').then((module) => module.CompareView)),
    left: { title: 'sampling.title', icon: 'sliders', component: SamplingPanel },
    right: {
      title: 'compare.panel',
      icon: 'facts',
      component: later(() => import('./compare/ComparePanel.tsx').then((module) => module.ComparePanel)),
    },
    bottom: null,
  },
  {
    name: 'train',
    group: 'adapt',
    needs: 'train',
    title: 'view.train',
    icon: 'redo',
    component: later(() => train().then((module) => module.TrainView)),
    left: {
      title: 'train.setup',
      icon: 'sliders',
      component: later(() => train().then((module) => module.TrainSetup)),
    },
    right: {
      title: 'train.panel',
      icon: 'layers',
      component: later(() => train().then((module) => module.CheckpointPanel)),
    },
    bottom: null,
  },
  {
    name: 'models',
    group: 'keep',
    title: 'view.models',
    icon: 'download',
    component: later(() => import('./models/ModelsView.tsx').then((module) => module.ModelsView)),
    left: null,
    right: null,
    bottom: null,
  },
  {
    name: 'trace',
    group: 'keep',
    title: 'view.trace',
    icon: 'open',
    component: later(() => import('./trace/TraceView.tsx').then((module) => module.TraceView)),
    left: null,
    right: null,
    bottom: null,
  },
  {
    name: 'learn',
    group: 'keep',
    task: 'generate',
    needs: 'inspect',
    title: 'view.learn',
    icon: 'book',
    component: later(() => import('./learn/LearnView.tsx').then((module) => module.LearnView)),
    left: null,
    right: null,
    bottom: null,
  },
]

/** The views that a model is of use in; without one, those of models that write. */
export function viewsFor(info: ModelInfo | null): readonly View[] {
  const tasks = info?.tasks ?? ['generate']
  return VIEWS.filter(({ task }) => task === undefined || tasks.includes(task))
}
