import { useEffect, useState } from 'react'
import { useSession, useTranslate } from '../context.ts'
import type { Session } from '../../state/session.ts'
import { droppedFiles, droppedFolder, openedTrace } from './droppedFiles.ts'

/** Takes the files of a model, of an adapter for the one that is here, or a saved run, dropped anywhere on the page; while they hover, the whole page says so. */
export function DropOverlay({ tracesOnly = false }: { tracesOnly?: boolean }) {
  const session = useSession()
  const t = useTranslate()
  const [over, setOver] = useState(false)
  useEffect(() => {
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const onDragOver = (event: DragEvent) => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const onDragEnter = (event: DragEvent) => {
      if (!carriesFiles(event) || event.relatedTarget !== null) return
      actionsOf(session).then(
        (actions) => actions.prepare(),
        (error: unknown) => session.report(error),
      )
    }
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent) => {
      setOver(false)
      if (!carriesFiles(event) || event.dataTransfer === null) return
      event.preventDefault()
      const label = t('model.dropped')
      const folder = droppedFolder(event.dataTransfer)
      droppedFiles(event.dataTransfer)
        .then(async (files) => {
          if ((await openedTrace(session, files)) || tracesOnly) return
          if (!(await (await actionsOf(session)).addAdapter(files, folder)))
            await session.load(files, { label, id: null })
        })
        .catch((error: unknown) => session.report(error))
    }
    document.addEventListener('dragenter', onDragEnter)
    document.addEventListener('dragover', onDragOver)
    document.addEventListener('dragleave', onDragLeave)
    document.addEventListener('drop', onDrop)
    return () => {
      document.removeEventListener('dragenter', onDragEnter)
      document.removeEventListener('dragover', onDragOver)
      document.removeEventListener('dragleave', onDragLeave)
      document.removeEventListener('drop', onDrop)
    }
  }, [session, t, tracesOnly])
  if (!over) return null
  return (
    <div className="drop-overlay">
      <p className="drop-title">{t('drop.title')}</p>
      <p>{t(tracesOnly ? 'trace.openHint' : 'drop.body')}</p>
    </div>
  )
}

/** Most visits drop nothing. */
async function actionsOf(session: Session) {
  const { adapterActionsOf } = await import('../../state/adapterActions.ts')
  return adapterActionsOf(session)
}
