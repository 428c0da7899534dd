import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import type { Kind } from '../../../db/values.ts'
import { noteToWipe } from '../../../retention/erasure-store.ts'
import { isConfidentialKind } from '../../../submissions/model.ts'
import {
  type DraftRecipients,
  type DraftWriteContext,
  itemColumns,
  itemOf,
  notEncrypted,
  reEncrypted,
} from './rows.ts'

/** What a draft is encrypted by when it becomes one of another kind, with what it has so far written anew. */
export async function reEncryptedFor(
  trx: Database,
  writing: DraftWriteContext,
  draft: Tables['drafts'],
  kind: Kind,
  at: number,
): Promise<Partial<DraftRecipients>> {
  const isEncrypted = draft.context_id !== ''
  if (isEncrypted === isConfidentialKind(kind)) return {}
  return rewritten(trx, writing, draft, isEncrypted ? notEncrypted() : reEncrypted(writing), at)
}

/** What a reply is encrypted by when it becomes a piece of its own: by nothing that opens what it replied to. */
export async function encryptedByItself(
  trx: Database,
  writing: DraftWriteContext,
  draft: Tables['drafts'],
  at: number,
): Promise<Partial<DraftRecipients>> {
  const draftRecipients = isConfidentialKind(draft.kind) ? reEncrypted(writing) : notEncrypted()
  return rewritten(trx, writing, draft, draftRecipients, at)
}

/**
 * Writes down anew what there is, and has wiped what was clear. A restart may have left nobody who could read it: then it
 * stays as it is encrypted.
 */
async function rewritten(
  trx: Database,
  writing: DraftWriteContext,
  draft: Tables['drafts'],
  draftRecipients: DraftRecipients,
  at: number,
): Promise<Partial<DraftRecipients>> {
  const rows = await trx.selectFrom('draft_items').selectAll().where('draft_id', '=', draft.id).execute()
  const items = rows.map((row) => itemOf(row, writing.processKey))
  if (items.some(({ lost }) => lost)) return {}
  for (const item of items) {
    const columns = await itemColumns(writing, item, draftRecipients, () => writing.recipientsStore.desk(trx))
    await trx
      .updateTable('draft_items')
      .set(columns)
      .where('chat', '=', draft.chat)
      .where('message_id', '=', item.messageId)
      .execute()
  }
  if (draft.context_id === '' && draftRecipients.context_id !== '') await noteToWipe(trx, draft.id, false, at)
  return draftRecipients
}
