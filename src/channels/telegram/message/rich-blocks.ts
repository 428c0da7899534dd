import type * as Telegram from '@grammyjs/types'
import { richButton } from './buttons.ts'
import { animation, audio, document, photo, video, voice } from './files.ts'
import {
  flag,
  inLines,
  joined,
  later,
  list,
  looks,
  object,
  oneOf,
  type Phrases,
  quoted,
  type Reader,
  words,
} from './reader.ts'
import { table } from './rich-table.ts'
import { richText } from './rich-text.ts'
import { location } from './things.ts'

const within = later(() => blocks)
const type = looks

const caption = object<Telegram.RichBlockCaption>({ text: richText, credit: richText }, ({ text, credit }) =>
  joined([text, credit && `(${credit})`], ' '),
)

/** A block with files in it: what is said in it stands beside those that have no words of their own. */
function illustrated<T extends object>(
  fields: Record<keyof T, Reader>,
  tell?: (phrases: Phrases<T>) => string,
): Reader {
  const reader = object<T>(fields, tell)
  return {
    ...reader,
    read(value, findings, around) {
      const before = findings.files.length
      const phrases = reader.read(value, findings, around)
      for (const file of findings.files.slice(before)) if (phrases !== '') file.caption ??= phrases
      return phrases
    },
  }
}

const listItem = object<Telegram.RichBlockListItem>(
  {
    label: words,
    has_checkbox: flag('[ ]'),
    is_checked: flag('[x]'),
    blocks: within,
    // The label says it.
    value: looks,
    type: looks,
  },
  ({ label, has_checkbox, is_checked, blocks: content }) =>
    joined([label, is_checked || has_checkbox, content.replace(/\n(?=.)/g, '\n  ')], ' '),
)

const block = oneOf<Telegram.RichBlock['type']>('type', {
  paragraph: object<Telegram.RichBlockParagraph>({ type, text: richText }),
  heading: object<Telegram.RichBlockSectionHeading>(
    { type, text: richText, size: looks },
    ({ text }, { size }) => {
      const level = typeof size === 'number' && size >= 1 && size <= 6 ? Math.trunc(size) : 1
      return text && `${'#'.repeat(level)} ${text}`
    },
  ),
  pre: object<Telegram.RichBlockPreformatted>(
    { type, text: richText, language: words },
    ({ text, language }) => `\`\`\`${language}\n${text}\n\`\`\``,
  ),
  footer: object<Telegram.RichBlockFooter>({ type, text: richText }),
  divider: object<Telegram.RichBlockDivider>({ type }, () => '* * *'),
  mathematical_expression: object<Telegram.RichBlockMathematicalExpression>(
    { type, expression: words },
    ({ expression }) => `$$${expression}$$`,
  ),
  anchor: object<Telegram.RichBlockAnchor>({ type, name: looks }),
  list: object<Telegram.RichBlockList>({ type, items: list(listItem) }),
  blockquote: object<Telegram.RichBlockBlockQuotation>(
    { type, blocks: within, credit: richText },
    ({ blocks: inside, credit }) => quotation(inside, credit),
  ),
  expandable_blockquote: object<Telegram.RichBlockExpandableBlockQuotation>(
    { type, text: richText, credit: richText },
    ({ text, credit }) => quotation(text, credit),
  ),
  pullquote: object<Telegram.RichBlockPullQuotation>(
    { type, text: richText, credit: richText },
    ({ text, credit }) => quotation(text, credit),
  ),
  collage: illustrated<Telegram.RichBlockCollage>({ type, blocks: within, caption }),
  slideshow: illustrated<Telegram.RichBlockSlideshow>({ type, blocks: within, caption }),
  table,
  details: object<Telegram.RichBlockDetails>(
    { type, summary: richText, blocks: within, is_open: looks },
    ({ summary, blocks: content }) => joined([summary, content], '\n\n'),
  ),
  map: object<Telegram.RichBlockMap>({ type, location, caption, zoom: looks, width: looks, height: looks }),
  animation: illustrated<Telegram.RichBlockAnimation>({ type, animation, caption, has_spoiler: looks }),
  audio: illustrated<Telegram.RichBlockAudio>({ type, audio, caption }),
  document: illustrated<Telegram.RichBlockDocument>({ type, document, caption }),
  photo: illustrated<Telegram.RichBlockPhoto>({ type, photo, caption, has_spoiler: looks }),
  video: illustrated<Telegram.RichBlockVideo>({ type, video, caption, has_spoiler: looks }),
  voice_note: illustrated<Telegram.RichBlockVoiceNote>({ type, voice_note: voice, caption }),
  buttons: object<Telegram.RichBlockButtons>({
    type,
    buttons: list(richButton(richText), ' '),
    align: looks,
  }),
  thinking: object<Telegram.RichBlockThinking>({ type, text: richText }),
})

const blocks = list(block, '\n\n')

function quotation(text: string, credit: string): string {
  return quoted(inLines({ text, credit: credit && `— ${credit}` }))
}

/** A message of blocks. https://core.telegram.org/bots/api#richmessage */
export const richMessage = object<Telegram.RichMessage>({ blocks, is_rtl: looks })
