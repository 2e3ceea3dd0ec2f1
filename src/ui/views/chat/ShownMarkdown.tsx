import { lexer, type Token, type Tokens } from 'marked'
import { Fragment, memo, type ReactNode } from 'react'
import { decodeEntities, safeAddress } from './markdownText.ts'

/**
 * Markdown as elements of the page. The library only reads it: nothing of it becomes HTML, so tags in the text are shown as they
 * are written, and pictures are named rather than fetched.
 */
export const ShownMarkdown = memo(function ShownMarkdown({ text }: { text: string }) {
  return <div className="markdown">{blocks(lexer(text))}</div>
})

function blocks(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{block(token as Block)}</Fragment>)
}

type Block =
  | Tokens.Heading
  | Tokens.Paragraph
  | Tokens.Code
  | Tokens.Blockquote
  | Tokens.List
  | Tokens.Table
  | Tokens.Hr
  | Tokens.Text
  | Tokens.Space
  | Tokens.HTML
  | Tokens.Def

function block(token: Block): ReactNode {
  switch (token.type) {
    case 'heading':
      return <p className={`markdown-heading markdown-h${token.depth}`}>{inline(token.tokens)}</p>
    case 'paragraph':
      return <p>{inline(token.tokens)}</p>
    case 'code':
      return (
        <pre tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      )
    case 'blockquote':
      return <blockquote>{blocks(token.tokens)}</blockquote>
    case 'list':
      return list(token)
    case 'table':
      return table(token)
    case 'hr':
      return <hr />
    case 'text':
      return token.tokens === undefined ? decodeEntities(token.text) : inline(token.tokens)
    case 'html':
      return <span className="chat-plain">{token.raw}</span>
    case 'space':
    case 'def':
      return null
  }
}

function list({ ordered, start, items }: Tokens.List): ReactNode {
  const children = items.map((item, index) => (
    <li key={index}>
      {item.task && (item.checked === true ? '☑ ' : '☐ ')}
      {blocks(item.tokens.filter(({ type }) => type !== 'checkbox'))}
    </li>
  ))
  return ordered ? <ol start={Number(start) || 1}>{children}</ol> : <ul>{children}</ul>
}

function table({ header, rows }: Tokens.Table): ReactNode {
  return (
    <div className="markdown-table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map((cell, index) => (
              <th key={index}>{inline(cell.tokens)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, index) => (
                <td key={index}>{inline(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

type Inline =
  | Tokens.Text
  | Tokens.Escape
  | Tokens.Strong
  | Tokens.Em
  | Tokens.Del
  | Tokens.Codespan
  | Tokens.Br
  | Tokens.Link
  | Tokens.Image
  | Tokens.Tag

function inline(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{span(token as Inline)}</Fragment>)
}

function span(token: Inline): ReactNode {
  switch (token.type) {
    case 'text':
      return 'tokens' in token && token.tokens !== undefined
        ? inline(token.tokens)
        : decodeEntities(token.text)
    case 'escape':
      return token.text
    case 'strong':
      return <strong>{inline(token.tokens)}</strong>
    case 'em':
      return <em>{inline(token.tokens)}</em>
    case 'del':
      return <s>{inline(token.tokens)}</s>
    case 'codespan':
      return <code>{token.text}</code>
    case 'br':
      return <br />
    case 'link':
      return link(token.href, inline(token.tokens))
    case 'image':
      return link(token.href, token.text === '' ? token.href : token.text)
    case 'html':
      return token.raw
  }
}

/** A link that says where it leads; of a dangerous address only its words are left. */
function link(href: string, words: ReactNode): ReactNode {
  const address = safeAddress(href)
  if (address === null) return words
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow" title={address}>
      {words}
    </a>
  )
}
