import type { ComponentType } from 'react'
import type { Model, ModelInfo } from '../../api/model.ts'
import type { Session } from '../../state/session.ts'
import type { IconName } from '../components/Icon.tsx'
import type { ViewKey } from '../components/viewKeys.ts'
import type { MessageKey } from '../words/index.ts'

/** A region beside or below the active view. */
export interface Region {
  title: MessageKey
  icon: IconName
  component: ComponentType
}

/** What a person wants: write, look inside, change something, measure, adapt, keep and learn. */
export const VIEW_GROUPS = ['write', 'look', 'change', 'measure', 'adapt', 'keep'] as const
export type ViewGroup = (typeof VIEW_GROUPS)[number]

/** A view and the regions it uses; one that is absent takes no room. */
export interface View {
  /** In the test id `view-<name>` and in links; the name of its folder. */
  name: string
  group: ViewGroup
  /** What a model must do for it to be of use; absent: it is for all. */
  task?: ModelInfo['tasks'][number]
  /** The method of a model that it cannot do without: an engine elsewhere may lack it. */
  needs?: keyof Model
  title: MessageKey
  icon: IconName
  component: ComponentType
  left?: Region | undefined
  right?: Region | undefined
  /** Transport at the bottom, for views that move through steps or tokens. */
  bottom?: ComponentType | undefined
  /** Its keys, which the page takes while it is on show and lists in the sheet of keys. */
  keys?: (() => Promise<readonly ViewKey[]>) | undefined
  /** Gives it its keys in the page's link, before it is first shown. */
  link?: () => Promise<{ registerLink: (session: Session) => void }>
}
