import type * as Telegram from '@grammyjs/types'
import { richButton } from './buttons.ts'
import { inLink, mentioned } from './entities.ts'
import {
  later,
  list,
  looks,
  moment,
  object,
  oneOf,
  type Phrases,
  phraseOf,
  type Reader,
  words,
} from './reader.ts'

const within = later(() => richText)
const type = looks

/** A text within a text that only looks other. */
const plain = { type, text: within }

/** The same with an address, a number or a name behind it, which is told where the words do not say it. */
function meant<T extends { text: string }>(field: Exclude<keyof T, 'text'>, scheme?: string) {
  return (phrases: T): string => {
    const { text } = phrases
    const behind = String(phrases[field])
    if (behind === '' || bare(text).includes(bare(behind))) return text
    return scheme === undefined ? `${text} (${behind})` : `[${text}](${scheme}${inLink(behind)})`
  }
}

/** Letters and digits only, for telling whether two say the same. */
function bare(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

/** Raised and lowered figures mean something else than the same in the line: 10^5 is not 105. */
function beside(mark: string) {
  return ({ text }: { text: string }) => mark + (/^[\p{L}\p{N}+-]+$/u.test(text) ? text : `(${text})`)
}

function around(mark: string) {
  return ({ text }: { text: string }) =>
    text.trim() === '' ? text : text.replace(/\S(?:[\s\S]*\S)?/, `${mark}$&${mark}`)
}

type TypedText = Extract<Telegram.RichText, { type: string }>

const typed = oneOf<TypedText['type']>('type', {
  bold: object<Telegram.RichTextBold>(plain),
  italic: object<Telegram.RichTextItalic>(plain),
  underline: object<Telegram.RichTextUnderline>(plain),
  strikethrough: object<Telegram.RichTextStrikethrough>(plain, around('~~')),
  spoiler: object<Telegram.RichTextSpoiler>(plain, around('||')),
  marked: object<Telegram.RichTextMarked>(plain, around('==')),
  subscript: object<Telegram.RichTextSubscript>(plain, beside('_')),
  superscript: object<Telegram.RichTextSuperscript>(plain, beside('^')),
  code: object<Telegram.RichTextCode>(plain),
  date_time: object<Telegram.RichTextDateTime>(
    { ...plain, unix_time: moment, date_time_format: looks },
    ({ text, unix_time }) => `${text} (${unix_time})`,
  ),
  text_mention: object<Telegram.RichTextTextMention>(
    { ...plain, user: mentioned },
    ({ text, user }) => `[${text}]${user}`,
  ),
  custom_emoji: object<Telegram.RichTextCustomEmoji>({
    type,
    custom_emoji_id: looks,
    alternative_text: words,
  }),
  mathematical_expression: object<Telegram.RichTextMathematicalExpression>(
    { type, expression: words },
    ({ expression }) => `$${expression}$`,
  ),
  url: object<Telegram.RichTextUrl>({ ...plain, url: words }, ({ text, url }) =>
    text.trim() === url ? text : `[${text}](${inLink(url)})`,
  ),
  email_address: object<Telegram.RichTextEmailAddress>(
    { ...plain, email_address: words },
    meant('email_address', 'mailto:'),
  ),
  phone_number: object<Telegram.RichTextPhoneNumber>(
    { ...plain, phone_number: words },
    meant('phone_number', 'tel:'),
  ),
  bank_card_number: object<Telegram.RichTextBankCardNumber>(
    { ...plain, bank_card_number: words },
    meant('bank_card_number'),
  ),
  mention: object<Telegram.RichTextMention>({ ...plain, username: words }, meant('username')),
  hashtag: object<Telegram.RichTextHashtag>({ ...plain, hashtag: words }, meant('hashtag')),
  cashtag: object<Telegram.RichTextCashtag>({ ...plain, cashtag: words }, meant('cashtag')),
  bot_command: object<Telegram.RichTextBotCommand>({ ...plain, bot_command: words }, meant('bot_command')),
  button: object<Telegram.RichTextButton>({ type, button: richButton(within) }),
  anchor: object<Telegram.RichTextAnchor>({ type, name: looks }),
  anchor_link: object<Telegram.RichTextAnchorLink>({ ...plain, anchor_name: looks }),
  // As the footnotes of Markdown.
  reference: object<Telegram.RichTextReference>(
    { ...plain, name: words },
    ({ text, name }) => `[^${name}]: ${text}`,
  ),
  reference_link: object<Telegram.RichTextReferenceLink>(
    { ...plain, reference_name: words },
    ({ text, reference_name }: Phrases<Telegram.RichTextReferenceLink>) => `${text}[^${reference_name}]`,
  ),
})

const plainText = phraseOf((value) => (typeof value === 'string' ? value : undefined))
const texts = list(within, '')

/** Text that is a string, a list of texts, or one of the types above: with marks of Markdown where they say something. */
export const richText: Reader = {
  ...typed,
  read(value, findings, around) {
    if (Array.isArray(value)) return texts.read(value, findings, around)
    const reader = typeof value === 'string' ? plainText : typed
    return reader.read(value, findings, around)
  },
}
