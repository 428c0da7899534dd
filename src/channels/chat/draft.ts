import { type DraftState, type ItemSort, itemSorts, type Kind, type Step, steps } from '../../db/values.ts'
import type { TelegramSender } from '../../jobs/contact.ts'
import type { AwaitedFile, DraftEncryption } from '../../submissions/incoming.ts'
import type { Fields } from '../../submissions/model.ts'

/**
 * A submission that a chat is still adding to. It becomes a submission with the same id when the person sends it, or when
 * they have been quiet for a while.
 *
 * open → closed | discarded; closed → sent; discarded → open, for as long as that can be undone.
 */
export type Draft = {
  id: string
  /** Which chat, as a keyed hash: a copied database names nobody. */
  chat: string
  kind: Kind
  /** The submission that it goes on with, where it is a reply. */
  joins: string | null
  state: DraftState
  /** The question that the person is asked just now, of a kind that asks any. */
  step: Step | null
  /** When a part last came. */
  heardAt: number
  /** Grows with every change. */
  revision: number
  /** The bot's message that says what has been gathered, and the revision that it shows. */
  shown: { messageId: number; revision: number } | null
  itemCount: number
}

/** A submission as the worker sees it. */
export type DraftToSubmit = Draft & {
  /** Where its chat is written to; forgotten when all has been said. */
  target: string | null
  /** What the receipt is derived from; forgotten when the receipt has been made. Null for a confidential submission. */
  secret: string | null
  /** How its parts are encrypted, if it is confidential. */
  encrypted: DraftEncryption | undefined
  /** The language of whoever began it. */
  language: string | null
  /** What it becomes, from the moment it is closed. */
  becomes: { submissionId: string; messageId: string } | null
}

/** Which update of which bot: what was taken in once is not taken in again. */
export type UpdateName = { bot: string; key: string }

/** A chat as we know it, the address it is written to by, and the language of who is in it. */
export type Chat = { key: string; target: string; language?: string | undefined }

/** A part on its way into its chat's draft. */
export type NewDraftItem = {
  update: UpdateName
  /** By what its files are known again when their words are edited. */
  fileNames?: UpdateName[]
  chat: Chat
  item: DraftItem
  /** The submission that it replies to. */
  joins: string | null
  /** What a submission becomes that begins with it. */
  kind: Kind
  at: number
}

/** What became of a part. A repeat may have no submission to tell of any more. */
export type AddedItem = { repeat: boolean; draft: Draft | undefined }

/** One message of a chat as it belongs to a submission. */
export type DraftItem = {
  /**
   * The chat's own number of the message; in their order the parts are one submission. Negative for the press of a
   * button.
   */
  messageId: number
  /** Files that were sent together. */
  album: string | null
  /** The field that it answers; null for what belongs to the body. */
  field: Step | null
  /** What it is, for saying what has been gathered. */
  sort: ItemSort
  words: string
  files: RemoteFile[]
  sender: TelegramSender
  name?: string | undefined
  language?: string | undefined
  /** What it came in as, where something of that could not be read. `mark` tells that from something else. */
  rawUpdate?: { raw: string; mark: string } | undefined
  /** When its words were last changed, in seconds since 1970; 0 for never. */
  editedAt: number
  /** Its content as it is encrypted, if it is confidential. */
  block?: string
  /** A restart has left nobody who could read it: there is only what is encrypted, and how many characters that has. */
  lost?: { size: number }
}

/** A file that the channel holds. `mark` tells it from others. */
export type RemoteFile = AwaitedFile & { mark: string }

export function firstStep(kind: Kind): Step | null {
  return kind === 'guest-post' ? 'title' : null
}

export function stepAfter(step: Step): Step {
  return steps[Math.min(steps.indexOf(step) + 1, steps.length - 1)] as Step
}

export function stepBefore(step: Step): Step {
  return steps[Math.max(steps.indexOf(step) - 1, 0)] as Step
}

const second = 1000
const hour = 3600 * second

/** After so long without a word, a submission is sent by itself. A reply waits for less, a guest post for a day. */
export function quietTime(draft: Pick<Draft, 'kind' | 'joins'>, usual: number): number {
  if (draft.joins) return Math.min(usual, 60 * second)
  return draft.kind === 'guest-post' ? Math.max(usual, 24 * hour) : usual
}

/** For so long a submission that was discarded can be had back. */
export const regretTime = 600 * second

/** A submission with so much in it is full: it is sent, and what comes next begins another. */
export const fullAt = { items: 100, characters: 80_000 }

/** How many of each sort a submission has, in the order of `partSorts`. Answers to questions are not counted. */
export function tally(items: Pick<DraftItem, 'field' | 'sort'>[]): [ItemSort, number][] {
  const gathered = items.filter(({ field }) => field === null || field === 'body')
  return itemSorts
    .map((sort): [ItemSort, number] => [sort, gathered.filter((item) => item.sort === sort).length])
    .filter(([, count]) => count > 0)
}

/** The fields that the parts make together: answers each under their own name, everything else in the body. */
export function fieldsOf(items: DraftItem[]): Record<string, unknown> & Pick<Fields, 'body'> {
  const ordered = inOrder(items)
  const answers = ordered.filter(({ field }) => field !== null && field !== 'body')
  const last = ordered.at(-1)
  return {
    ...(last?.name && { name: last.name }),
    ...(last?.language && { language: last.language }),
    ...Object.fromEntries(
      answers.map(({ field, words }) => [field, field === 'links' ? linesOf(words) : words]),
    ),
    body: ordered
      .filter(({ field }) => field === null || field === 'body')
      .map(({ words }) => words)
      .filter((words) => words.trim() !== '')
      .join('\n\n'),
  }
}

/**
 * Every file of the parts once. What was said with a file is its caption, where it has none of its own and that is not all
 * there is: `isAll` is false where the parts join others.
 */
export function filesOf(items: DraftItem[], isAll = true): RemoteFile[] {
  const ordered = inOrder(items)
  const needCaptions = !isAll || ordered.length > 1
  const named = new Map<string, number>()
  return ordered.flatMap(({ files, words }) =>
    files.map(({ caption: own, ...file }) => {
      const caption = own !== undefined && own !== words ? own : needCaptions && words
      return { ...file, name: distinct(file.name, named), ...(caption && { caption }) }
    }),
  )
}

/** What the parts came in as, where something of it could not be read. */
export function rawUpdatesOf(items: DraftItem[]): { rawUpdates?: string[] } {
  const rawUpdates = inOrder(items).flatMap(({ rawUpdate }) => rawUpdate?.raw ?? [])
  return rawUpdates.length > 0 ? { rawUpdates } : {}
}

/** In the order in which they were said. The press of a button has the number of the question, negative. */
export function inOrder(items: DraftItem[]): DraftItem[] {
  return items.toSorted((a, b) => Math.abs(a.messageId) - Math.abs(b.messageId))
}

export function linesOf(words: string): string[] {
  return words
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** A chat gives all its photos one name. */
function distinct(name: string, named: Map<string, number>): string {
  const count = (named.get(name) ?? 0) + 1
  named.set(name, count)
  return count === 1 ? name : name.replace(/(?=\.[^.]*$|$)/, `-${count}`)
}

/** What a part says; the rest of it is told by its row. */
export type DraftItemContent = Pick<
  DraftItem,
  'words' | 'files' | 'sender' | 'name' | 'language' | 'rawUpdate'
>
