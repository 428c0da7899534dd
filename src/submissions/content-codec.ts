import { unavailable } from '../core/errors.ts'
import {
  type ContentAccess,
  type EncryptedFor,
  type Keys,
  narrowed,
  type Recipient,
  type Recipients,
  type TextCipher,
  worst,
} from '../encryption/types.ts'
import type { FileLabel } from './attachment.ts'
import type { StoredFile } from './intake-record.ts'
import type { Content, Summary } from './model.ts'

export type Contents = ReturnType<typeof contentsOf>

/** What an encrypted file is: of the file itself only its size is told without its key. */
type EncryptedFile = { id: string; type: string; mark: string }

/**
 * What a text is, which is encrypted with it: one that stands in another's place is found out. Of a message that is
 * `message` and its id. A part of what a chat gathers does not know yet which message it becomes, a note not yet its
 * own id.
 */
type ContentPlace = `message ${string}` | 'note' | 'part'

/** Before an encrypted block; the texts of the database have one line else. */
const blockStart = /(?:^|\n)(?=-----BEGIN AGE ENCRYPTED FILE-----)/

/**
 * The one way for content into storage and out of it. Nothing else writes or reads its columns. What is encrypted is one or
 * more armored age files, each with the bond of its conversation inside.
 */
export function contentsOf(cipher: TextCipher) {
  return {
    writeContent: (
      content: Content,
      recipients: Recipients | undefined,
      place: ContentPlace,
      whom: EncryptedFor = 'both',
    ) => write(content, recipients, whom, place),
    writeSummary: (summary: Summary): string => JSON.stringify(summary),

    /**
     * What a file of an encrypted conversation is.
     * @throws Failure `unavailable` where the file is not encrypted, for it was kept before the conversation was, or is
     * for an earlier key of the desk: kept again, it is as it should be
     */
    async writeFile(
      { id, type, mark, desk }: Pick<StoredFile, 'type' | 'mark' | 'desk'> & { id: string },
      recipients: Recipients,
      whom: EncryptedFor = 'both',
    ): Promise<string> {
      if (mark === undefined || desk !== recipients.desk)
        throw unavailable(new Error('a file that is not sealed as its conversation is'), true)
      return write({ id, type, mark } satisfies EncryptedFile, recipients, whom)
    },

    writeRaw: (raw: string, recipients: Recipients) => write(raw, recipients, 'desk'),

    /**
     * What is stored encrypted for whom it is to open now, without reading it: each encrypted block gets a new header,
     * a clear one is encrypted. Undefined if one of them cannot be opened by `keys`.
     */
    async reEncrypt(
      stored: string,
      recipients: Recipients,
      keys: Keys,
      whom: EncryptedFor = 'both',
    ): Promise<string | undefined> {
      const identities = await keys()
      const renewed = await Promise.all(
        blocksOf(stored).map((text) =>
          isEncrypted(text)
            ? cipher.reEncrypt(text, identities, ageRecipientsOf(recipients, whom))
            : encryptClear(text, recipients, whom),
        ),
      )
      const whole = renewed.filter((text) => text !== undefined)
      return whole.length === renewed.length ? whole.reduce(behind) : undefined
    },

    /** A message's or a note's content. What was added to it later stands behind it. */
    async readContent(
      stored: string,
      contextId: string,
      keys: Keys,
      place: ContentPlace,
    ): Promise<{ content: Content; access: ContentAccess }> {
      const blocks = await read<Content>(stored, contextId, keys, place)
      const contents = blocks.flatMap(({ value }) => value ?? [])
      const content = contents.length === 0 ? { fields: { body: '' }, files: {} } : contents.reduce(together)
      const isPart = contents.length === 1 && blocks[0]?.access === 'open'
      return { content: isPart ? asOne(content) : content, access: accessOf(blocks) }
    },

    async readSummary(
      stored: string | null,
      contextId: string,
      keys: Keys,
    ): Promise<Summary & { access: ContentAccess }> {
      const nothing = { title: undefined, sender: undefined, attachments: 0 }
      if (stored === null) return { ...nothing, access: 'clear' }
      const [block] = await read<Summary>(stored, contextId, keys)
      return { ...nothing, ...block?.value, access: block?.access ?? 'damaged' }
    },

    async readFile(
      stored: string,
      contextId: string,
      keys: Keys,
    ): Promise<Partial<EncryptedFile> & { access: ContentAccess }> {
      const [block] = await read<EncryptedFile>(stored, contextId, keys)
      return { ...block?.value, access: block?.access ?? 'damaged' }
    },

    async readRaw(
      stored: string,
      contextId: string,
      keys: Keys,
    ): Promise<{ raw: string; access: ContentAccess }> {
      const [block] = isEncrypted(stored) ? await read<string>(stored, contextId, keys) : []
      return block ? { raw: block.value ?? '', access: block.access } : { raw: stored, access: 'clear' }
    },
  }

  async function write(
    value: unknown,
    recipients: Recipients | undefined,
    whom: EncryptedFor,
    place?: ContentPlace,
  ): Promise<string> {
    if (!recipients) return JSON.stringify(value)
    return cipher.encrypt(
      JSON.stringify({ contextId: recipients.contextId, place, value }),
      ageRecipientsOf(recipients, whom),
    )
  }

  /** What is damaged stays as it is. */
  async function encryptClear(
    text: string,
    recipients: Recipients,
    whom: EncryptedFor,
  ): Promise<string | undefined> {
    const { value, access } = clear(text)
    return access === 'clear' ? write(value, recipients, whom) : undefined
  }

  async function read<T>(
    stored: string,
    contextId: string,
    keys: Keys,
    place?: ContentPlace,
  ): Promise<EncodedBlock<T>[]> {
    return Promise.all(
      blocksOf(stored).map((text) =>
        isEncrypted(text) ? open<T>(text, contextId, keys, place) : clear<T>(text),
      ),
    )
  }

  async function open<T>(
    text: string,
    contextId: string,
    keys: Keys,
    place: ContentPlace | undefined,
  ): Promise<EncodedBlock<T>> {
    const opened = await cipher.open(text, await keys())
    if ('errorCode' in opened) return { access: opened.errorCode }
    const encrypted = JSON.parse(opened.text) as { contextId: string; place?: ContentPlace; value: T }
    return encrypted.contextId === contextId && isIn(place, encrypted.place)
      ? { value: encrypted.value, access: 'open' }
      : { access: 'damaged' }
  }
}

/**
 * True where an encrypted text may stand in this place. What was encrypted before texts said where they belong says
 * nothing.
 */
function isIn(place: ContentPlace | undefined, encrypted: ContentPlace | undefined): boolean {
  if (encrypted === undefined || encrypted === place) return true
  return encrypted === 'part' && place !== undefined && place !== 'note'
}

type EncodedBlock<T> = { value?: T; access: ContentAccess }

function clear<T>(text: string): EncodedBlock<T> {
  try {
    return { value: JSON.parse(text) as T, access: 'clear' }
  } catch {
    return { access: 'damaged' }
  }
}

function blocksOf(stored: string): string[] {
  return stored.split(blockStart).filter((text) => text !== '')
}

function ageRecipientsOf(recipients: Recipients, whom: EncryptedFor): Recipient[] {
  const { desk, sender } = narrowed(recipients, whom)
  return sender === null ? [desk] : [desk, sender]
}

function isEncrypted(stored: string): boolean {
  return stored.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')
}

/** What is added to something that is stored, where one of them is encrypted: it stands behind it. */
export function behind(stored: string, block: string): string {
  return `${stored.trimEnd()}\n${block}`
}

function accessOf(blocks: EncodedBlock<unknown>[]): ContentAccess {
  return worst(blocks.map(({ access }) => access))
}

/** Two contents as one: words below words, files behind files. */
export function together(first: Content, second: Content): Content {
  const body = [first.fields.body, second.fields.body].filter((words) => words.trim() !== '').join('\n\n')
  const files = { ...first.files }
  for (const [id, label] of Object.entries(second.files)) files[id] = distinct(label, Object.values(files))
  const rawUpdates = [...(first.rawUpdates ?? []), ...(second.rawUpdates ?? [])]
  return {
    ...second,
    ...first,
    fields: { ...second.fields, ...first.fields, body },
    files,
    ...(rawUpdates.length > 0 && { rawUpdates }),
  }
}

/** What was said with a single file is all there is: it need not stand beside it too. */
function asOne(content: Content): Content {
  const { body } = content.fields
  const files = Object.entries(content.files).map(([id, { caption, ...label }]) => [
    id,
    { ...label, ...(caption !== undefined && caption !== body && { caption }) },
  ])
  return { ...content, files: Object.fromEntries(files) }
}

/** A chat gives all its photos one name. */
function distinct(label: FileLabel, others: FileLabel[]): FileLabel {
  const taken = new Set(others.map(({ name }) => name))
  let { name } = label
  for (let n = 2; taken.has(name); n++) name = label.name.replace(/(?=\.[^.]*$|$)/, `-${n}`)
  return { ...label, name }
}
