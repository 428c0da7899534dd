import { kindNames } from '../submissions/model.ts'

/** The boxes of forms that somebody writes in, and what they are called where their form has gone. */
const boxes: Record<string, string> = {
  body: 'Your text',
  note: 'Your note',
  message: 'Your message',
  tag: 'Tag',
  recipient: 'Key to encrypt for',
  title: 'Title',
  subject: 'Subject',
  standfirst: 'Standfirst',
  byline: 'Byline',
  bio: 'About the author',
  category: 'Category',
  place: 'Where',
  when: 'When',
  evidence: 'How you know',
  interest: 'Conflicts of interest',
  links: 'Links',
  website: 'Website',
  language: 'Language',
  caption: 'Caption',
  credit: 'Credit',
  name: 'Name',
  email: 'Email address',
  key: 'PGP key',
  hookUrl: 'Webhook',
  hourlyLimit: 'How many an hour',
  hours: 'Hours',
  seconds: 'Seconds to wait before a reply by email is sent',
  marked: 'Days: marked as confidential',
  spam: 'Days: spam',
  ...Object.fromEntries(Object.entries(kindNames).map(([kind, name]) => [kind, `Days: ${name}`])),
}

/** What opens something is typed again, and never shown. */
const secrets = new Set(['confirmation', 'passphrase', 'again', 'code', 'sheet', 'secret', 'passkey', 'prf'])

/** A private key is none of ours, whatever box somebody has put it into by mistake. */
const privateKey = /PRIVATE KEY|AGE-SECRET-KEY/i

/** A form that was sent and not taken, as far as it can be shown again. */
export type Typed = {
  /** What was written into its boxes. */
  texts: { name: string; label: string; text: string }[]
  /** What else it says, so that it can be sent again. */
  others: { name: string; value: string }[]
  /** The names of files that were chosen: the browser has to be told again which they were. */
  files: string[]
  /** False where a secret would have to be typed again. */
  isRepeatable: boolean
}

/** The box for the reply to a held mail: there may be several on one page. */
export function quarantineBox(messageId: string): string {
  return `held-${messageId}`
}

/** What a form's fields say of what somebody typed. */
export function typedIn(fields: unknown): Typed {
  const given = Object.entries((fields ?? {}) as Record<string, unknown>).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => (typeof one === 'string' ? [{ name, value: one }] : [])),
  )
  const open = given.filter(({ name, value }) => !secrets.has(name) && !privateKey.test(value))
  const texts = open.filter(({ name, value }) => labelOf(name) && value.trim() !== '')
  return {
    texts: texts.map(({ name, value }) => ({ name, label: labelOf(name) ?? name, text: value })),
    others: open.filter((one) => !texts.includes(one) && !['token', 'files'].includes(one.name)),
    files: open.filter(({ name, value }) => name === 'files' && value !== '').map(({ value }) => value),
    isRepeatable: open.length === given.length,
  }
}

function labelOf(name: string): string | undefined {
  if (name.startsWith(quarantineBox(''))) return 'Your reply to an email that was held'
  return Object.hasOwn(boxes, name) ? boxes[name] : undefined
}
