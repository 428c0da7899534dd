import { hash, randomBytes } from 'node:crypto'
import { coarseId } from '../../../core/ids.ts'
import type { Tables } from '../../../db/schema.ts'
import type { ProcessKey, Recipient, Recipients } from '../../../encryption/types.ts'
import type { Content } from '../../../submissions/model.ts'
import type { Writing } from '../../../submissions/write-context.ts'
import {
  type Draft,
  type DraftItem,
  type DraftItemContent,
  type DraftToSubmit,
  fieldsOf,
  filesOf,
  firstStep,
  type NewDraftItem,
  rawUpdatesOf,
} from '../draft.ts'

/** What drafts are written with. */
export type DraftWriteContext = Writing & {
  processKey: ProcessKey
  newReceipt: () => { receipt: string; recipient: Recipient }
}

/** How the parts of a submission are encrypted; of one that is not confidential, what its receipt is derived from. */
export type DraftRecipients = Pick<Tables['drafts'], 'context_id' | 'sender_recipient' | 'secret'>

/** A submission that is not confidential is not encrypted. */
export function notEncrypted(): DraftRecipients {
  return { context_id: '', sender_recipient: null, secret: randomBytes(24).toString('base64url') }
}

/** Its receipt is made when it begins: everything that comes is encrypted for it at once. */
export function reEncrypted({ processKey, newReceipt }: DraftWriteContext): DraftRecipients {
  const { receipt, recipient } = newReceipt()
  return {
    context_id: randomBytes(12).toString('base64url'),
    sender_recipient: recipient,
    secret: processKey.encrypt(receipt),
  }
}

/** A reply is encrypted as what it replies to. */
export function encryptedAs({ contextId, sender }: Recipients): DraftRecipients {
  return { context_id: contextId, sender_recipient: sender, secret: null }
}

export function newDraft(
  begun: Pick<NewDraftItem, 'chat' | 'joins' | 'kind' | 'at'> & { isChosen?: boolean },
  draftRecipients: DraftRecipients,
): Tables['drafts'] {
  const { chat, joins, kind, at, isChosen = false } = begun
  return {
    id: coarseId(at),
    chat: chat.key,
    kind,
    joins: joins ?? '',
    state: 'open',
    step: joins ? null : firstStep(kind),
    is_chosen: isChosen ? 1 : 0,
    language: chat.language ?? null,
    target: chat.target,
    ...draftRecipients,
    heard_at: at,
    revision: 1,
    shown_message_id: null,
    shown_revision: null,
    item_count: 0,
    characters: 0,
    last_message_id: 0,
    message_id: null,
    submission_id: null,
    created_at: at,
  }
}

/** The columns that hold what a part says. */
type ItemColumns = Pick<Tables['draft_items'], 'content' | 'block' | 'awaited' | 'digest'>

/** What a part says as it is stored: encrypted, where its submission is. */
export async function itemColumns(
  { contents, recipientsStore, processKey }: DraftWriteContext,
  item: DraftItem,
  draft: Pick<Tables['drafts'], 'context_id' | 'sender_recipient'>,
  desk: () => Promise<Recipient> = recipientsStore.desk,
): Promise<ItemColumns> {
  const { words, sender, name, language, rawUpdate } = item
  const files = item.files.map((file) => ({ ...file, id: file.id ?? coarseId(Date.now()) }))
  const content = JSON.stringify({
    words,
    files,
    sender,
    name,
    language,
    rawUpdate,
  } satisfies DraftItemContent)
  if (draft.context_id === '')
    return { content, block: null, awaited: null, digest: digestIn(draft, item, processKey) }
  const recipients = { contextId: draft.context_id, sender: draft.sender_recipient, desk: await desk() }
  return {
    content: processKey.encrypt(content),
    block: await contents.writeContent(contentOf({ ...item, files }), recipients, 'part'),
    awaited: JSON.stringify({
      size: words.length,
      files: files.map(({ id, remoteId, withheld }) => ({ id, remoteId, withheld })),
    }),
    digest: digestIn(draft, item, processKey),
  }
}

/** A part by itself as the content of a message. */
function contentOf(item: DraftItem): Content {
  const labels = filesOf([item], false).map(({ id = '', name, caption }) => [
    id,
    { name, ...(caption !== undefined && { caption }) },
  ])
  return {
    fields: fieldsOf([item]),
    files: Object.fromEntries(labels),
    telegram: item.sender,
    ...rawUpdatesOf([item]),
  }
}

export function itemRow(
  chat: string,
  draftId: string,
  item: DraftItem,
  columns: ItemColumns,
  isLate = false,
): Tables['draft_items'] {
  return {
    chat,
    message_id: item.messageId,
    draft_id: draftId,
    album: item.album,
    field: item.field,
    sort: item.sort,
    ...columns,
    edited_at: item.editedAt,
    is_late: isLate ? 1 : 0,
    became: null,
    is_taken: 0,
  }
}

export function itemOf(row: Tables['draft_items'], processKey: ProcessKey): DraftItem {
  const { message_id: messageId, album, field, sort, edited_at: editedAt } = row
  return { messageId, album, field, sort, editedAt, ...readContent(row, processKey) }
}

function readContent(
  { content, block, awaited }: ItemColumns,
  processKey: ProcessKey,
): DraftItemContent & Pick<DraftItem, 'block' | 'lost'> {
  // Only what has been taken into a message has none.
  if (block === null) return JSON.parse(content as string) as DraftItemContent
  const shown = processKey.decrypt(content ?? '')
  if (shown !== undefined) return { ...(JSON.parse(shown) as DraftItemContent), block }
  const kept = JSON.parse(awaited ?? '{}') as FilesOnHold
  const files = kept.files.map((file) => ({ ...file, name: '', mark: '' }))
  return { words: '', files, sender: { chatId: 0, messageId: 0 }, block, lost: { size: kept.size } }
}

/** What is known of a part that nobody can read. */
type FilesOnHold = { size: number; files: { id: string; remoteId: string; withheld?: number }[] }

/** The digest as it is stored: of a confidential submission only this process can compare it. */
export function digestIn(
  { context_id: contextId }: Pick<Tables['drafts'], 'context_id'>,
  item: DraftItem,
  processKey: ProcessKey,
): string {
  return contextId === '' ? digestOf(item) : processKey.digest(digestOf(item))
}

/** Of what a part says: an edit that changes nothing is none. */
export function digestOf({
  words,
  files,
  rawUpdate,
}: Pick<DraftItem, 'words' | 'files' | 'rawUpdate'>): string {
  const columns = [words, files.map(({ mark }) => mark), ...(rawUpdate ? [rawUpdate.mark] : [])]
  return hash('sha256', JSON.stringify(columns), 'base64url')
}

export function draftToSubmitOf(row: Tables['drafts'], processKey: ProcessKey): DraftToSubmit {
  const {
    target,
    secret,
    language,
    submission_id: submissionId,
    message_id: messageId,
    context_id: contextId,
  } = row
  const becomes = submissionId && messageId ? { submissionId, messageId } : null
  const encrypted = contextId === '' ? undefined : encryptedBefore(row, processKey)
  return { ...draftOf(row), target, secret: encrypted ? null : secret, encrypted, language, becomes }
}

function encryptedBefore(
  { context_id: contextId, sender_recipient, secret }: DraftRecipients,
  processKey: ProcessKey,
) {
  return {
    contextId,
    senderRecipient: sender_recipient ?? '',
    receipt: secret === null ? undefined : processKey.decrypt(secret),
  }
}

export function draftOf(row: Tables['drafts']): Draft {
  const { id, chat, kind, state, step, revision } = row
  const isShown = row.shown_message_id !== null && row.shown_revision !== null
  return {
    id,
    chat,
    kind,
    joins: row.joins || null,
    state,
    step,
    heardAt: row.heard_at,
    revision,
    shown: isShown
      ? { messageId: row.shown_message_id as number, revision: row.shown_revision as number }
      : null,
    itemCount: row.item_count,
  }
}
