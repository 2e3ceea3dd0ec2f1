import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { answeringModel } from '../../state/app.ts'
import { NARROW, TIGHT, useApp, useMedia, useSession, useTranslate } from '../context.ts'
import { viewsFor } from '../views/index.ts'
import { VIEW_GROUPS, type View } from '../views/view.ts'
import { Icon } from '../components/Icon.tsx'
import { moveFocus } from '../components/roving.ts'

/** The model's views by group; a group starts where `first` holds. */
function useOrdered(): readonly { view: View; first: boolean }[] {
  const views = viewsFor(useApp((state) => answeringModel(state.model)))
  return VIEW_GROUPS.flatMap((group, at) =>
    views
      .filter((view) => view.group === group)
      .map((view, index) => ({ view, first: index === 0 && at > 0 })),
  )
}

/**
 * The way from view to view: a column of icons and words beside them. On a narrow page it shows the current view alone, like
 * a select; a tap on it unfolds them all.
 */
export function ViewNav({ current }: { current: View }) {
  const { app } = useSession()
  const t = useTranslate()
  const ordered = useOrdered()
  const narrow = useMedia(NARROW)
  const tight = useMedia(TIGHT)
  const open = useApp((state) => state.layout.navOpen)
  const [unfolded, setUnfolded] = useState(false)
  const list = useRef<HTMLUListElement>(null)
  const isSheet = narrow && unfolded
  const compact = !narrow && (tight || !open)
  // Asking where it stands lays the page out: only where that may have changed.
  useLayoutEffect(
    () => bringIntoSight(list.current),
    [current.name, ordered.length, isSheet, narrow, compact],
  )
  useAway(list, isSheet, () => setUnfolded(false))
  const choose = (name: string): void => {
    setUnfolded(narrow && !unfolded && name === current.name)
    app.setState({ view: name, narrow: 'view' })
  }
  return (
    <nav className="views stack" aria-label={t('views.label')} data-unfolded={isSheet} data-compact={compact}>
      <ul
        className="views-list"
        ref={list}
        data-arrows=""
        onKeyDown={moveFocus}
        onBlur={({ currentTarget, relatedTarget }) => {
          if (!currentTarget.contains(relatedTarget)) bringIntoSight(currentTarget)
        }}
      >
        {ordered.map(({ view, first }) => (
          <li key={view.name} className={first ? 'views-first' : undefined}>
            <ViewButton
              view={view}
              current={view.name === current.name}
              unfolded={narrow ? isSheet : undefined}
              compact={compact}
              onChoose={choose}
            />
          </li>
        ))}
      </ul>
      {!narrow && !tight && <Fold open={open} />}
    </nav>
  )
}

interface ViewButtonProps {
  view: View
  current: boolean
  /** Undefined where the list does not fold. */
  unfolded: boolean | undefined
  compact: boolean
  onChoose: (name: string) => void
}

function ViewButton({ view: { name, title, icon }, current, unfolded, compact, onChoose }: ViewButtonProps) {
  const t = useTranslate()
  return (
    <button
      type="button"
      className="view-button row"
      data-testid={`view-${name}`}
      aria-current={current ? 'page' : undefined}
      aria-expanded={current ? unfolded : undefined}
      tabIndex={current ? 0 : -1}
      title={compact ? t(title) : undefined}
      onClick={() => onChoose(name)}
    >
      <Icon name={icon} />
      <span className={compact ? 'visually-hidden' : 'view-word'} data-word={t(title)}>
        {t(title)}
      </span>
    </button>
  )
}

function Fold({ open }: { open: boolean }) {
  const { app } = useSession()
  const t = useTranslate()
  const label = t(open ? 'views.collapse' : 'views.expand')
  return (
    <button
      type="button"
      className="views-fold"
      aria-label={label}
      title={label}
      onClick={() => app.setState(({ layout }) => ({ layout: { ...layout, navOpen: !open } }))}
    >
      <Icon name={open ? 'navFold' : 'navOpen'} />
    </button>
  )
}

/** The list shows one line on a narrow page, and may be cut on a low one: the current view is always in it. */
function bringIntoSight(list: HTMLElement | null): void {
  const current = list?.querySelector<HTMLElement>('[aria-current]')
  if (!list || !current) return
  const { offsetTop, offsetHeight } = current
  const { scrollTop, clientHeight } = list
  if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + clientHeight) list.scrollTop = offsetTop
}

/** Calls `leave` on Escape, and on a press or a focus outside. */
function useAway(list: RefObject<HTMLElement | null>, active: boolean, leave: () => void): void {
  useEffect(() => {
    if (!active) return
    const onAway = (event: Event) => {
      if (event.target instanceof Node && list.current?.contains(event.target) !== true) leave()
    }
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      leave()
    }
    document.addEventListener('pointerdown', onAway)
    document.addEventListener('focusin', onAway)
    document.addEventListener('keydown', onKeyDown, true)
    return () => {
      document.removeEventListener('pointerdown', onAway)
      document.removeEventListener('focusin', onAway)
      document.removeEventListener('keydown', onKeyDown, true)
    }
  })
}
