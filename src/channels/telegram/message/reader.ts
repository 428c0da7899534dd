/**
 * What a field of Telegram's types is to us. Every field of every type that a message can hold has one of these; a test
 * walks the types and asks for it.
 */
export type FieldDecision =
  /** Somebody said it: editors see it. */
  | 'words'
  /** It names a file, which the worker fetches. */
  | 'file'
  /** How something looks; it says nothing. */
  | 'looks'
  /** What Telegram and the channel need, such as numbers of messages: not ours to show. */
  | 'envelope'
  /** What Telegram itself tells of a chat, and nobody wrote: not ours. */
  | 'service'
  /** It cannot be read here. */
  | 'unreadable'

/** A file that a message names. `mark` tells it from others, whatever it is called. */
type FoundFile = {
  remoteId: string
  mark: string
  name: string
  /** Bytes; undefined where Telegram does not say. */
  size: number | undefined
  caption?: string
}

/** What is gathered while a message is read. */
export type Findings = {
  files: FoundFile[]
  /** What was not read, by its name: a field that is not known, or of another shape than it should be. */
  unparsed: { name: string; value: unknown }[]
  /** True where Telegram tells something of the chat itself. */
  isService: boolean
}

export type MessageFields = Record<string, unknown>

/** Reads one value: gives what it says, in lines, and puts everything else among the findings. */
export type Reader = {
  decision: FieldDecision
  /** Empty for what says nothing. `around` is the object that the value stands in. */
  read(value: unknown, findings: Findings, around: MessageFields): string
  /** Of an object: its fields. Of a list: its items. Of a union: its members, by what tells them apart. */
  inner?: () => Inner
}

type Inner =
  | { fields: Record<string, Reader> }
  | { item: Reader }
  | { tag: string; members: Record<string, Reader> }

export function noFindings(): Findings {
  return { files: [], unparsed: [], isService: false }
}

export function isFields(value: unknown): value is MessageFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads a single value; what `say` has no words for was not read. */
export function phraseOf(say: (value: unknown) => string | undefined): Reader {
  return {
    decision: 'words',
    read(value, findings) {
      const phrases = say(value)
      if (phrases === undefined) findings.unparsed.push({ name: '', value })
      return phrases ?? ''
    },
  }
}

/** A text or a number, as it is. */
export const words = phraseOf(asWritten)

/** The same, with what it is before it. */
export function labelled(label: string): Reader {
  return phraseOf((value) => {
    const text = asWritten(value)
    return text && `${label}: ${text}`
  })
}

function asWritten(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value.trim() : undefined
}

/** What it means that something is so, or is not so. */
export function flag(yes: string, no = ''): Reader {
  return phraseOf((value) => (typeof value === 'boolean' ? (value ? yes : no) : undefined))
}

/** A time in seconds since 1970, in UTC; 0 is Telegram's “never”. */
export const moment = phraseOf((value) => {
  if (value === 0) return ''
  return typeof value === 'number' ? writtenTime(value) : undefined
})

function writtenTime(seconds: number): string | undefined {
  const time = new Date(seconds * 1000)
  if (Number.isNaN(time.getTime())) return undefined
  const [day = '', clock = ''] = time.toISOString().split('T')
  return `${day} ${clock.slice(0, clock.startsWith('00', 6) ? 5 : 8)} UTC`
}

export const looks = silent('looks')
export const envelope = silent('envelope')

export const service: Reader = {
  decision: 'service',
  read(_value, findings) {
    findings.isService = true
    return ''
  },
}

export const unreadable: Reader = {
  decision: 'unreadable',
  read(value, findings) {
    findings.unparsed.push({ name: '', value })
    return ''
  },
}

function silent(decision: FieldDecision): Reader {
  return { decision, read: () => '' }
}

/** What the fields of an object say, by name; empty for those that are not there. */
export type Phrases<T extends object> = Record<keyof T, string>

/**
 * An object of this type, every field of it with its reader. `tell` puts together what they say; each in a line of its own
 * where it is left out. Fields are read in the order of the table; those that are not in it were not read.
 */
export function object<T extends object>(
  fields: Record<keyof T, Reader>,
  tell: (phrases: Phrases<T>, value: MessageFields) => string = inLines,
): Reader {
  const byName: Record<string, Reader> = fields
  return {
    decision: 'words',
    inner: () => ({ fields }),
    read(value, findings) {
      if (!isFields(value)) return notRead(value, findings)
      const phrases: Record<string, string> = {}
      for (const [name, reader] of Object.entries(byName))
        phrases[name] = isThere(value, name) ? readField(reader, name, value, findings) : ''
      for (const name of Object.keys(value))
        if (!Object.hasOwn(byName, name) && isThere(value, name))
          findings.unparsed.push({ name, value: value[name] })
      return tell(phrases as Phrases<T>, value)
    },
  }
}

function isThere(value: MessageFields, name: string): boolean {
  return Object.hasOwn(value, name) && value[name] !== undefined && value[name] !== null
}

function readField(reader: Reader, name: string, value: MessageFields, findings: Findings): string {
  const before = findings.unparsed.length
  const phrases = reader.read(value[name], findings, value)
  for (const one of findings.unparsed.slice(before)) one.name = one.name ? `${name}.${one.name}` : name
  return phrases
}

/** A list of such values; `between` stands between what they say. */
export function list(item: Reader, between = '\n'): Reader {
  return {
    decision: 'words',
    inner: () => ({ item }),
    read(value, findings, around) {
      if (!Array.isArray(value)) return notRead(value, findings)
      return joined(
        value.map((one) => item.read(one, findings, around)),
        between,
      )
    },
  }
}

/** A value that is one of several types; the field `tag` tells which. */
export function oneOf<Names extends string>(tag: string, members: Record<Names, Reader>): Reader {
  const byName: Record<string, Reader> = members
  return {
    decision: 'words',
    inner: () => ({ tag, members }),
    read(value, findings, around) {
      const name = isFields(value) ? value[tag] : undefined
      const member = typeof name === 'string' && Object.hasOwn(byName, name) ? byName[name] : undefined
      return member ? member.read(value, findings, around) : notRead(value, findings)
    },
  }
}

/** A reader that is made later, for types that hold themselves. */
export function later(make: () => Reader): Reader {
  return {
    decision: 'words',
    inner: () => make().inner?.() ?? { fields: {} },
    read: (value, findings, around) => make().read(value, findings, around),
  }
}

/** The same value, told in another way. */
export function phrases(reader: Reader, tell: (words: string) => string): Reader {
  return {
    ...reader,
    read(value, findings, around) {
      const words = reader.read(value, findings, around)
      return words === '' ? '' : tell(words)
    },
  }
}

function notRead(value: unknown, findings: Findings): string {
  findings.unparsed.push({ name: '', value })
  return ''
}

/** Those that say something, with this between them. */
export function joined(parts: (string | undefined)[], between: string): string {
  return parts.filter((part) => part !== undefined && part !== '').join(between)
}

export function inLines(phrases: Record<string, string>): string {
  return joined(Object.values(phrases), '\n')
}

/** As a quotation: each line with a mark before it. */
export function quoted(text: string): string {
  return text === '' ? '' : text.replace(/^/gm, '> ')
}
