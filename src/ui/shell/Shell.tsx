import { useEffect } from 'react'
import { invariant } from '../../errors.ts'
import { answeringModel, remoteOf, type Layout, type NarrowRegion } from '../../state/app.ts'
import { Icon } from '../components/Icon.tsx'
import { RunMeters } from '../components/RunMeters.tsx'
import { Splitter } from '../components/Splitter.tsx'
import { ViewNav } from './ViewNav.tsx'
import { NARROW, TIGHT, useApp, useMedia, useSettled, useSession, useTranslate } from '../context.ts'
import { viewsFor } from '../views/index.ts'
import type { Region, View } from '../views/view.ts'
import { later, soon } from '../views/later.tsx'

const SIDES = {
  left: { width: 'leftWidth', open: 'leftOpen', min: 200, max: 420 },
  right: { width: 'rightWidth', open: 'rightOpen', min: 300, max: 720 },
} as const

type RegionSide = keyof typeof SIDES

const LensStrip = soon(async () => (await import('../strip/LensStrip.tsx')).LensStrip)
const FarView = later(async () => (await import('../views/elsewhere/FarView.tsx')).FarView)
const LessonPanel = later(async () => (await import('../views/learn/LessonPanel.tsx')).LessonPanel)

/** Keeps its room until the page first rests: the strip reads what has been written, and its code would delay the first token. */
function StripPlace() {
  const open = useApp((state) => state.layout.stripOpen)
  const wanted = useSettled()
  const far = useApp(remoteOf)
  if (far) return null
  return (
    <div className="lens-strip-place" data-open={open}>
      {wanted && <LensStrip />}
    </div>
  )
}

/** The open lesson, beside or below whatever view it leads to. */
function LessonPlace() {
  return useApp((state) => state.lesson !== null) && <LessonPanel />
}

/** A view whose parts an engine elsewhere cannot fill gives its place to one that says so. */
function useShownView(): View {
  const view = useActiveView()
  const far = useApp(remoteOf)
  if (!far || view.needs === undefined || far.capabilities[view.needs] === true) return view
  return {
    ...view,
    component: FarView,
    left: undefined,
    right: undefined,
    bottom: undefined,
    keys: undefined,
  }
}

function useActiveView(): View {
  const name = useApp((state) => state.view)
  const views = viewsFor(useApp((state) => answeringModel(state.model)))
  const view =
    views.find((candidate) => candidate.name === name) ??
    views.find(({ task }) => task !== undefined) ??
    views[0]
  invariant(view !== undefined, 'the page has no views')
  return view
}

/** Takes the keys of the view on show, once they are there. */
function useKeysOf({ keys }: View): void {
  const session = useSession()
  useEffect(() => {
    if (keys === undefined) return
    let [isShown, release] = [true, () => {}]
    Promise.all([keys(), import('../components/viewKeys.ts')])
      .then(([list, { takeKeys }]) => {
        if (isShown) release = takeKeys(session, list)
      })
      .catch((error: unknown) => session.report(error))
    return () => {
      isShown = false
      release()
    }
  }, [session, keys])
}

/** The list of views, and the active one between its regions; on a narrow page one of them at a time. */
export function Shell() {
  const view = useShownView()
  useKeysOf(view)
  const narrow = useMedia(NARROW)
  return narrow ? <NarrowShell view={view} /> : <WideShell view={view} />
}

function WideShell({ view }: { view: View }) {
  const layout = useApp((state) => state.layout)
  const { component: Active, bottom: Bottom } = view
  return (
    <div className="work">
      <ViewNav current={view} />
      <LessonPlace />
      <div className="stage stack">
        <div
          className="shell"
          style={{ '--left-width': `${layout.leftWidth}px`, '--right-width': `${layout.rightWidth}px` }}
        >
          {view.left !== undefined && <SideRegion side="left" region={view.left} layout={layout} />}
          <main className="region stack region-view">
            <Active />
          </main>
          {view.right !== undefined && <SideRegion side="right" region={view.right} layout={layout} />}
        </div>
        {Bottom !== undefined && (
          <div className="region-bottom">
            <Bottom />
          </div>
        )}
        <StripPlace />
      </div>
    </div>
  )
}

function SideRegion({ side, region, layout }: { side: RegionSide; region: Region; layout: Layout }) {
  const { app } = useSession()
  const t = useTranslate()
  const { width, open, min, max } = SIDES[side]
  const { component: Content } = region
  const name = t(region.title)
  const tight = useMedia(TIGHT)
  const change = (part: Partial<Layout>) =>
    app.setState((state) => ({ layout: { ...state.layout, ...part } }))
  // Where three columns have no room the right one goes first; opening one side closes the other.
  const crowded = tight && side === 'left' && layout.rightOpen
  const expand = (): void =>
    change(tight ? { leftOpen: false, rightOpen: false, [open]: true } : { [open]: true })
  if (!layout[open] || crowded) {
    return (
      <div className={`folded folded-${side}`}>
        <button
          type="button"
          className="folded-button stack"
          aria-label={t('region.expand', { name })}
          onClick={expand}
        >
          <Icon name={side === 'left' ? 'right' : 'left'} />
          <span className="folded-name">{name}</span>
        </button>
      </div>
    )
  }
  const splitter = (
    <Splitter
      label={t('region.resize', { name })}
      side={side}
      width={layout[width]}
      min={min}
      max={max}
      onChange={(next) => change({ [width]: next })}
      onCollapse={() => change({ [open]: false })}
    />
  )
  return (
    <section className={`region stack region-${side}`} aria-label={name}>
      <div className="region-head row">
        <h2 className="region-title">{name}</h2>
        <button
          type="button"
          className="button button-icon"
          aria-label={t('region.collapse', { name })}
          title={t('region.collapse', { name })}
          onClick={() => change({ [open]: false })}
        >
          <Icon name={side === 'left' ? 'left' : 'right'} />
        </button>
      </div>
      <div className="region-body">
        <Content />
      </div>
      {splitter}
    </section>
  )
}

function NarrowShell({ view }: { view: View }) {
  const { app } = useSession()
  const t = useTranslate()
  const shown = useApp((state) => state.narrow)
  const { component: Active, left, right, bottom: Bottom } = view
  const side = shown === 'left' ? left : shown === 'right' ? right : undefined
  const choices: { region: NarrowRegion; part: Pick<Region, 'title' | 'icon'> | undefined }[] = [
    { region: 'view', part: view },
    { region: 'right', part: right },
    { region: 'left', part: left },
  ]
  return (
    <>
      <div className="narrow-head">
        <ViewNav current={view} />
        <RunMeters />
      </div>
      <main className="narrow">
        {side === undefined ? (
          <Active />
        ) : (
          <section className="narrow-region" aria-label={t(side.title)}>
            <h2 className="visually-hidden">{t(side.title)}</h2>
            <side.component />
          </section>
        )}
        {Bottom !== undefined && <Bottom />}
      </main>
      <StripPlace />
      <LessonPlace />
      {(left !== undefined || right !== undefined) && (
        <nav className="bottom-bar" aria-label={t('regions.label')}>
          {choices.map(
            ({ region, part }) =>
              part !== undefined && (
                <button
                  key={region}
                  type="button"
                  className="bottom-tab stack"
                  aria-current={region === (side === undefined ? 'view' : shown) ? 'true' : undefined}
                  onClick={() => app.setState({ narrow: region })}
                >
                  <Icon name={part.icon} />
                  {t(part.title)}
                </button>
              ),
          )}
        </nav>
      )}
    </>
  )
}
