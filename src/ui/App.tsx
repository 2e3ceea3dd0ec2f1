import { useEffect } from 'react'
import { DropOverlay } from './components/DropOverlay.tsx'
import { Header } from './components/Header.tsx'
import { NoWebGpu } from './components/NoWebGpu.tsx'
import { Notices } from './components/Notices.tsx'
import type { Session } from '../store/session.ts'
import { SessionContext, useApp, useErrorText } from './context.ts'
import { later } from './panels/later.tsx'
import { Shell } from './Shell.tsx'
import { useKeys } from './useKeys.ts'

const KeySheet = later(async () => (await import('./components/KeySheet.tsx')).KeySheet)

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
  const blocked = useApp((state) => (state.error?.code === 'no-webgpu' ? state.error : null))
  const errorText = useErrorText()
  useKeys()
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
  }, [theme])
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  return (
    <div className="frame">
      <Header />
      {blocked === null ? (
        <>
          <Notices />
          <Shell />
          <DropOverlay />
        </>
      ) : (
        <NoWebGpu reason={errorText(blocked).message} />
      )}
      {keysOpen && <KeySheet />}
    </div>
  )
}
