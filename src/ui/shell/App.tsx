import { useEffect } from 'react'
import { DropOverlay } from './DropOverlay.tsx'
import { Header } from './Header.tsx'
import { Notices } from './Notices.tsx'
import type { Session } from '../../state/session.ts'
import { SessionContext, useApp } from '../context.ts'
import { later, soon } from '../views/later.tsx'
import { Shell } from './Shell.tsx'
import { useKeys } from './useKeys.ts'

const NoWebGpu = soon(async () => (await import('./NoWebGpu.tsx')).NoWebGpu)
const KeySheet = later(async () => (await import('./KeySheet.tsx')).KeySheet)

export function App({ session }: { session: Session }) {
  return (
    <SessionContext value={session}>
      <Frame />
    </SessionContext>
  )
}

function Frame() {
  const theme = useApp((state) => state.theme)
  const language = useApp((state) => state.language)
  const keysOpen = useApp((state) => state.keysOpen)
  const blocked = useApp((state) => state.error?.code === 'no-webgpu')
  useKeys()
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
  }, [theme])
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  return (
    <div className="frame stack">
      <Header />
      {blocked ? (
        <NoWebGpu />
      ) : (
        <>
          <Notices />
          <Shell />
          <DropOverlay />
        </>
      )}
      {keysOpen && <KeySheet />}
    </div>
  )
}
