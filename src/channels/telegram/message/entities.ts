import type { MessageEntity, User } from '@grammyjs/types'
import {
  isFields,
  joined,
  list,
  looks,
  type MessageFields,
  moment,
  noFindings,
  object,
  oneOf,
  type Reader,
  words,
} from './reader.ts'

/** The person behind a mention; their user name is undefined, or it would be an ordinary one. */
export const mentioned = object<User>(
  {
    id: words,
    is_bot: looks,
    first_name: words,
    last_name: words,
    username: words,
    language_code: looks,
    is_premium: looks,
    added_to_attachment_menu: looks,
  },
  ({ id, first_name, last_name, username }) => {
    const name = joined([first_name, last_name, username && `@${username}`], ' ')
    return `(tg://user?id=${id})${name && ` (${name})`}`
  },
)

const span = { type: looks, offset: looks, length: looks }
const plain = object<MessageEntity.CommonMessageEntity>(span)

/** What an entity says besides the words that it covers. */
const entity = oneOf<MessageEntity['type']>('type', {
  mention: plain,
  hashtag: plain,
  cashtag: plain,
  bot_command: plain,
  url: plain,
  email: plain,
  phone_number: plain,
  bold: plain,
  italic: plain,
  underline: plain,
  strikethrough: plain,
  spoiler: plain,
  blockquote: plain,
  expandable_blockquote: plain,
  code: plain,
  pre: object<MessageEntity.PreMessageEntity>({ ...span, language: words }),
  text_link: object<MessageEntity.TextLinkMessageEntity>({ ...span, url: words }),
  text_mention: object<MessageEntity.TextMentionMessageEntity>({ ...span, user: mentioned }),
  custom_emoji: object<MessageEntity.CustomEmojiMessageEntity>({ ...span, custom_emoji_id: looks }),
  date_time: object<MessageEntity.DateTimeMessageEntity>({
    ...span,
    unix_time: moment,
    date_time_format: looks,
  }),
})
const entities = list(entity)

/** The entities of the text in that field, which are told there. Those of a text that is not there were not read. */
export function entitiesOf(field: string): Reader {
  return {
    ...entities,
    read(value, findings, around) {
      const isKnown = typeof around[field] === 'string'
      if (!isKnown) findings.unparsed.push({ name: '', value })
      else entities.read(value, findings, around)
      return ''
    },
  }
}

/** A text whose entities are in that field. */
export function entitled(field: string): Reader {
  return {
    decision: 'words',
    read(value, findings, around) {
      if (typeof value === 'string') return marked(value, around[field])
      findings.unparsed.push({ name: '', value })
      return ''
    },
  }
}

/** What is put into a text, and where. At one place what ends comes before what begins, and the inner ends first. */
type EntityMark = { at: number; text: string; order: number }

/** The text with marks of Markdown where an entity says something: what is only looks is left out. */
function marked(text: string, given: unknown): string {
  const spans = Array.isArray(given) ? given.filter(isSpan) : []
  const marks = spans.flatMap((span, index) => marksOf(text, span, index))
  const parts: string[] = []
  let written = 0
  for (const { at, text: mark } of marks.toSorted((a, b) => a.at - b.at || a.order - b.order)) {
    parts.push(text.slice(written, at), mark)
    written = at
  }
  return [...parts, text.slice(written)].join('')
}

type Span = MessageFields & { type: string; offset: number; length: number }

function isSpan(value: unknown): value is Span {
  return (
    isFields(value) &&
    typeof value.type === 'string' &&
    Number.isInteger(value.offset) &&
    Number.isInteger(value.length)
  )
}

function marksOf(text: string, span: Span, index: number): EntityMark[] {
  const from = within(text, span.offset)
  const covered = text.slice(from, within(text, span.offset + span.length))
  const inside = covered.trim()
  if (inside === '') return []
  // Blanks go outside of the marks, which would be none otherwise.
  const begin = from + covered.length - covered.trimStart().length
  const end = begin + inside.length
  const around = (before: string, after: string): EntityMark[] => [
    // Of two that begin here the longer one is around the other; of two that end here the shorter one ends first.
    { at: begin, text: before, order: 2 + 1 / inside.length + index * tiny },
    { at: end, text: after, order: 1 - 1 / inside.length - index * tiny },
  ]
  const phrases = entity.read(span, noFindings(), span)
  switch (span.type) {
    case 'strikethrough':
      return around('~~', '~~')
    case 'spoiler':
      return around('||', '||')
    case 'text_link':
      return phrases === inside ? [] : around('[', `](${inLink(phrases)})`)
    case 'text_mention':
      return around('[', `]${phrases}`)
    case 'date_time':
      return around('', ` (${phrases})`)
    case 'pre':
      return around(`${lineBefore(text, begin)}\`\`\`${phrases}\n`, `\n\`\`\`${lineAfter(text, end)}`)
    case 'blockquote':
    case 'expandable_blockquote':
      return [
        ...around(`${lineBefore(text, begin)}> `, lineAfter(text, end)),
        ...[...inside.matchAll(/\n/g)].map((line) => ({ at: begin + line.index + 1, text: '> ', order: 2 })),
      ]
    default:
      return []
  }
}

/** Less than what lengths differ by: tells apart what covers the same words. */
const tiny = 1e-9

/** A place within the text, and never between the two halves of one character. */
function within(text: string, offset: number): number {
  const at = Math.min(Math.max(0, offset), text.length)
  return /[\uDC00-\uDFFF]/.test(text[at] ?? '') && /[\uD800-\uDBFF]/.test(text[at - 1] ?? '') ? at - 1 : at
}

function lineBefore(text: string, at: number): string {
  return at === 0 || text[at - 1] === '\n' ? '' : '\n'
}

/** A quotation ends with an empty line: what stands right below it would belong to it. */
function lineAfter(text: string, at: number): string {
  const rest = text.slice(at)
  if (rest.trim() === '' || rest.startsWith('\n\n')) return ''
  return rest.startsWith('\n') ? '\n' : '\n\n'
}

/** An address as it can stand within the brackets of a link. */
export function inLink(url: string): string {
  return url.replace(/[\s()]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)
}
