import { useId } from 'react'
import { variableFields, type VariableField } from './options.ts'
import { useTranslate } from '../../context.ts'
import { SamplingPanel } from '../write/SamplingPanel.tsx'
import { useChat, useChatState } from './hooks.ts'

/** What the template is given beside the turns, and how the answer is sampled. */
export function ChatSetup() {
  const t = useTranslate()
  const template = useChatState((state) => state.template)
  const fallback = useChatState((state) => state.fallback)
  const reads = template?.problem === null ? template.reads : null
  const knows = (name: string) => reads?.variables.some((variable) => variable.name === name) === true
  return (
    <div className="chat-setup">
      <TextField name="system" rows={3} />
      {knows('tools') && <TextField name="tools" rows={3} hint={t('chat.toolsHint')} />}
      {knows('documents') && <TextField name="documents" rows={3} hint={t('chat.documentsHint')} />}
      {template !== null &&
        reads !== null &&
        variableFields(template).map((field) => <Variable key={field.name} field={field} />)}
      {reads?.readsClock === true && <NowField />}
      {reads === null && fallback === null && <p className="note">{t('chat.noOptions')}</p>}
      <h3 className="eyebrow chat-setup-title">{t('sampling.title')}</h3>
      <SamplingPanel />
    </div>
  )
}

interface TextFieldProps {
  name: 'system' | 'tools' | 'documents'
  rows: number
  hint?: string
}

function TextField({ name, rows, hint }: TextFieldProps) {
  const chat = useChat()
  const t = useTranslate()
  const id = useId()
  const value = useChatState((state) => state.fields[name])
  return (
    <div className="chat-field">
      <label htmlFor={id} className="field-label" title={hint}>
        {t(`chat.${name}`)}
      </label>
      <textarea
        id={id}
        className={name === 'system' ? 'input chat-area' : 'input chat-area chat-code'}
        data-testid={`chat-${name}`}
        rows={rows}
        spellCheck={false}
        placeholder={hint}
        value={value}
        onChange={(event) => chat.setFields({ [name]: event.currentTarget.value })}
      />
    </div>
  )
}

/** A variable under the name that the template gives it. */
function Variable({ field: { name, kind, suggestions } }: { field: VariableField }) {
  const chat = useChat()
  const t = useTranslate()
  const id = useId()
  const variables = useChatState((state) => state.fields.variables)
  const value = variables[name] ?? ''
  const set = (next: string | boolean) => chat.setFields({ variables: { ...variables, [name]: next } })
  return (
    <div className="chat-field">
      <label htmlFor={id} className="field-label chat-variable">
        {name}
      </label>
      {kind === 'switch' ? (
        <select
          id={id}
          className="select"
          data-testid={`chat-option-${name}`}
          value={String(value)}
          onChange={({ currentTarget }) =>
            set(currentTarget.value === '' ? '' : currentTarget.value === 'true')
          }
        >
          <option value="">{t('chat.unset')}</option>
          <option value="true">{t('chat.on')}</option>
          <option value="false">{t('chat.off')}</option>
        </select>
      ) : (
        <>
          <input
            id={id}
            className="input"
            data-testid={`chat-option-${name}`}
            list={`${id}-values`}
            placeholder={suggestions[0] ?? t('chat.unset')}
            value={String(value)}
            onChange={(event) => set(event.currentTarget.value)}
          />
          <datalist id={`${id}-values`}>
            {suggestions.map((suggestion) => (
              <option key={suggestion} value={suggestion} />
            ))}
          </datalist>
        </>
      )}
    </div>
  )
}

function NowField() {
  const chat = useChat()
  const t = useTranslate()
  const id = useId()
  const value = useChatState((state) => state.fields.now)
  return (
    <div className="chat-field">
      <label htmlFor={id} className="field-label" title={t('chat.nowHint')}>
        {t('chat.now')}
      </label>
      <input
        id={id}
        type="datetime-local"
        className="input"
        data-testid="chat-now"
        value={value}
        onChange={(event) => chat.setFields({ now: event.currentTarget.value })}
      />
    </div>
  )
}
