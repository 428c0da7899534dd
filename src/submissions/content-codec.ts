import { unavailable } from '../core/errors.ts'
import {
  type Keys,
  narrowed,
  type Recipient,
  type SealedFor,
  type Sealer,
  type Sealing,
  type SealState,
  worst,
} from '../encryption/types.ts'
import type { FileLabel } from './attachment.ts'
import type { KeptFile } from './intake-record.ts'
import type { Content, Summary } from './model.ts'

export type Contents = ReturnType<typeof contentsOf>

/** What a sealed file is: of the file itself only its size is told without its key. */
export type SealedFile = { id: string; type: string; mark: string }

/**
 * What a text is, which is sealed with it: one that stands in another's place is found out. Of a message that is `message`
 * and its id. A part of what a chat gathers does not know yet which message it becomes, a note not yet its own id.
 */
export type Place = `message ${string}` | 'note' | 'part'

/** Before a sealed block; the texts of the database have one line else. */
const blockStart = /(?:^|\n)(?=-----BEGIN AGE ENCRYPTED FILE-----)/

/**
 * The one way for content into storage and out of it. Nothing else writes or reads its columns. What is sealed is one or
 * more armored age files, each with the bond of its conversation inside.
 */
export function contentsOf(sealer: Sealer) {
  return {
    writeContent: (content: Content, sealing: Sealing | undefined, place: Place, whom: SealedFor = 'both') =>
      write(content, sealing, whom, place),
    writeSummary: (summary: Summary): string => JSON.stringify(summary),

    /**
     * What a file of a sealed conversation is.
     * @throws Failure `unavailable` where the file is not sealed, for it was kept before the conversation was, or is for an
     * earlier key of the desk: kept again, it is as it should be
     */
    async writeFile(
      { id, type, mark, desk }: Pick<KeptFile, 'type' | 'mark' | 'desk'> & { id: string },
      sealing: Sealing,
      whom: SealedFor = 'both',
    ): Promise<string> {
      if (mark === undefined || desk !== sealing.desk)
        throw unavailable(new Error('a file that is not sealed as its conversation is'), true)
      return write({ id, type, mark } satisfies SealedFile, sealing, whom)
    },

    writeRaw: (raw: string, sealing: Sealing) => write(raw, sealing, 'desk'),

    /**
     * What is stored sealed for whom it is to open now, without reading it: each sealed block gets a new header, a clear
     * one is sealed. Undefined if one of them cannot be opened by `keys`.
     */
    async sealAnew(
      stored: string,
      sealing: Sealing,
      keys: Keys,
      whom: SealedFor = 'both',
    ): Promise<string | undefined> {
      const identities = await keys()
      const anew = await Promise.all(
        blocksOf(stored).map((text) =>
          isSealed(text)
            ? sealer.sealAnew(text, identities, recipientsOf(sealing, whom))
            : sealClear(text, sealing, whom),
        ),
      )
      const whole = anew.filter((text) => text !== undefined)
      return whole.length === anew.length ? whole.reduce(behind) : undefined
    },

    /** A message's or a note's content. What was added to it later stands behind it. */
    async readContent(
      stored: string,
      bond: string,
      keys: Keys,
      place: Place,
    ): Promise<{ content: Content; seal: SealState }> {
      const blocks = await read<Content>(stored, bond, keys, place)
      const said = blocks.flatMap(({ value }) => value ?? [])
      const content = said.length === 0 ? { fields: { body: '' }, files: {} } : said.reduce(together)
      const isPart = said.length === 1 && blocks[0]?.seal === 'open'
      return { content: isPart ? asOne(content) : content, seal: sealOf(blocks) }
    },

    async readSummary(
      stored: string | null,
      bond: string,
      keys: Keys,
    ): Promise<Summary & { seal: SealState }> {
      const nothing = { title: undefined, sender: undefined, attachments: 0 }
      if (stored === null) return { ...nothing, seal: 'clear' }
      const [block] = await read<Summary>(stored, bond, keys)
      return { ...nothing, ...block?.value, seal: block?.seal ?? 'damaged' }
    },

    async readFile(
      stored: string,
      bond: string,
      keys: Keys,
    ): Promise<Partial<SealedFile> & { seal: SealState }> {
      const [block] = await read<SealedFile>(stored, bond, keys)
      return { ...block?.value, seal: block?.seal ?? 'damaged' }
    },

    async readRaw(stored: string, bond: string, keys: Keys): Promise<{ raw: string; seal: SealState }> {
      const [block] = isSealed(stored) ? await read<string>(stored, bond, keys) : []
      return block ? { raw: block.value ?? '', seal: block.seal } : { raw: stored, seal: 'clear' }
    },
  }

  async function write(
    value: unknown,
    sealing: Sealing | undefined,
    whom: SealedFor,
    place?: Place,
  ): Promise<string> {
    if (!sealing) return JSON.stringify(value)
    return sealer.seal(JSON.stringify({ bond: sealing.bond, place, value }), recipientsOf(sealing, whom))
  }

  /** What is damaged stays as it is. */
  async function sealClear(text: string, sealing: Sealing, whom: SealedFor): Promise<string | undefined> {
    const { value, seal } = clear(text)
    return seal === 'clear' ? write(value, sealing, whom) : undefined
  }

  async function read<T>(stored: string, bond: string, keys: Keys, place?: Place): Promise<Block<T>[]> {
    return Promise.all(
      blocksOf(stored).map((text) => (isSealed(text) ? open<T>(text, bond, keys, place) : clear<T>(text))),
    )
  }

  async function open<T>(
    text: string,
    bond: string,
    keys: Keys,
    place: Place | undefined,
  ): Promise<Block<T>> {
    const opened = await sealer.open(text, await keys())
    if ('fault' in opened) return { seal: opened.fault }
    const sealed = JSON.parse(opened.text) as { bond: string; place?: Place; value: T }
    return sealed.bond === bond && isIn(place, sealed.place)
      ? { value: sealed.value, seal: 'open' }
      : { seal: 'damaged' }
  }
}

/** True where a sealed text may stand in this place. What was sealed before texts said where they belong says nothing. */
function isIn(place: Place | undefined, sealed: Place | undefined): boolean {
  if (sealed === undefined || sealed === place) return true
  return sealed === 'part' && place !== undefined && place !== 'note'
}

type Block<T> = { value?: T; seal: SealState }

function clear<T>(text: string): Block<T> {
  try {
    return { value: JSON.parse(text) as T, seal: 'clear' }
  } catch {
    return { seal: 'damaged' }
  }
}

function blocksOf(stored: string): string[] {
  return stored.split(blockStart).filter((text) => text !== '')
}

function recipientsOf(sealing: Sealing, whom: SealedFor): Recipient[] {
  const { desk, sender } = narrowed(sealing, whom)
  return sender === null ? [desk] : [desk, sender]
}

export function isSealed(stored: string): boolean {
  return stored.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')
}

/** What is added to something that is stored, where one of them is sealed: it stands behind it. */
export function behind(stored: string, block: string): string {
  return `${stored.trimEnd()}\n${block}`
}

function sealOf(blocks: Block<unknown>[]): SealState {
  return worst(blocks.map(({ seal }) => seal))
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
