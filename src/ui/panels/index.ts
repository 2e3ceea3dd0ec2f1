import type { ComponentType } from 'react'
import type { IconName } from '../components/Icon.tsx'
import type { MessageKey } from '../messages/index.ts'
import { later } from './later.tsx'
import { LogitsPanel } from './LogitsPanel.tsx'
import { SamplingPanel } from './SamplingPanel.tsx'
import { WriteView } from './WriteView.tsx'

/** A region beside or below the active view. */
export interface Region {
  title: MessageKey
  icon: IconName
  component: ComponentType
}

/** A view and the regions it uses; a region that is null takes no room. */
export interface View {
  /** In the test id `view-<name>` and in links. */
  name: string
  title: MessageKey
  icon: IconName
  component: ComponentType
  left: Region | null
  right: Region | null
  /** Transport at the bottom, for views that move through steps or tokens. */
  bottom: ComponentType | null
}

/** Every view of the page, in the order of its tabs. A new one is a file in this folder and an entry here. */
export const VIEWS: readonly View[] = [
  {
    name: 'write',
    title: 'view.write',
    icon: 'text',
    component: WriteView,
    left: { title: 'sampling.title', icon: 'sliders', component: SamplingPanel },
    right: { title: 'logits.title', icon: 'bars', component: LogitsPanel },
    bottom: null,
  },
  {
    name: 'steps',
    title: 'view.steps',
    icon: 'grid',
    component: later(() => import('./StepsView.tsx').then((module) => module.StepsView)),
    left: {
      title: 'steps.tree',
      icon: 'tree',
      component: later(() => import('./TreePanel.tsx').then((module) => module.TreePanel)),
    },
    right: {
      title: 'steps.inspector',
      icon: 'facts',
      component: later(() => import('./InspectorPanel.tsx').then((module) => module.InspectorPanel)),
    },
    bottom: later(() => import('./steps/TransportBar.tsx').then((module) => module.TransportBar)),
  },
  {
    name: 'attention',
    title: 'view.attention',
    icon: 'heads',
    component: later(() => import('./AttentionView.tsx').then((module) => module.AttentionView)),
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
    title: 'view.lens',
    icon: 'layers',
    component: later(() => import('./LensView.tsx').then((module) => module.LensView)),
    left: null,
    right: {
      title: 'lens.panel',
      icon: 'facts',
      component: later(() => import('./lens/LensPanel.tsx').then((module) => module.LensPanel)),
    },
    bottom: null,
  },
  {
    name: 'adapters',
    title: 'view.adapters',
    icon: 'mixer',
    component: later(() => import('./AdaptersView.tsx').then((module) => module.AdaptersView)),
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
    title: 'view.compare',
    icon: 'pair',
    component: later(() => import('./CompareView.tsx').then((module) => module.CompareView)),
    left: { title: 'sampling.title', icon: 'sliders', component: SamplingPanel },
    right: {
      title: 'compare.panel',
      icon: 'facts',
      component: later(() => import('./adapters/ComparePanel.tsx').then((module) => module.ComparePanel)),
    },
    bottom: null,
  },
]
