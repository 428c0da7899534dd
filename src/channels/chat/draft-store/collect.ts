import { unavailable } from '../../../core/errors.ts'
import type { Database } from '../../../db/open.ts'
import type { Kind } from '../../../db/values.ts'
import { insertJobs } from '../../../jobs/enqueue-store.ts'
import { isConfidentialKind } from '../../../submissions/model.ts'
import {
  type AddedItem,
  type Chat,
  type Draft,
  type DraftItem,
  firstStep,
  type NewDraftItem,
  quietTime,
  type UpdateName,
} from '../draft.ts'
import { addItems } from './add-items.ts'
import { reEncryptedFor } from './re-encrypt.ts'
import {
  type DraftWriteContext,
  digestIn,
  draftOf,
  itemColumns,
  newDraft,
  notEncrypted,
  reEncrypted,
} from './rows.ts'
import { change, close, insertDrafts, noteFiles, noteUpdate, openOf } from './writes.ts'

/** What chats add to a submission before it is sent. `quiet` is the usual quiet time in milliseconds. */
export function draftCollection(db: Database, writing: DraftWriteContext, quiet: number) {
  return {
    /** Takes parts in, in one transaction: each joins its chat's draft, or the one that it was part of, or begins one. */
    async take(items: NewDraftItem[]): Promise<AddedItem[]> {
      return db.transaction().execute((trx) => addItems(trx, writing, items, quiet))
    },

    /**
     * Begins a piece of this kind, or makes the open one of that kind. What was said to one that was chosen as confidential
     * never becomes part of one that is not: it is sent as it is. Once for each update. Gives the submission as it is then.
     */
    async begin(update: UpdateName, chat: Chat, kind: Kind, at: number): Promise<Draft> {
      return db.transaction().execute(async (trx) => {
        const open = await openOf(trx, chat.key, '')
        const isNew = await noteUpdate(trx, update, at)
        if (open && (!isNew || open.kind === kind)) {
          if (isNew) await trx.updateTable('drafts').set({ is_chosen: 1 }).where('id', '=', open.id).execute()
          return draftOf(open)
        }
        const isInConfidence = open?.is_chosen === 1 && open.context_id !== '' && open.item_count > 0
        if (open && isInConfidence && !isConfidentialKind(kind)) await close(trx, open.id, at)
        else if (open) {
          const draftRecipients = await reEncryptedFor(trx, writing, open, kind, at)
          const chosen = { kind, step: firstStep(kind), is_chosen: 1, heard_at: at }
          const row = await change(trx, open.id, { ...chosen, ...draftRecipients })
          const changed = draftOf(row)
          // Another kind may wait for less.
          const dueAt = at + quietTime(changed, quiet)
          await insertJobs(trx, [{ type: 'chat-send', submissionId: open.id, dueAt }], at)
          return changed
        }
        const draftRecipients = isConfidentialKind(kind) ? reEncrypted(writing) : notEncrypted()
        const begun = newDraft({ chat, joins: null, kind, at, isChosen: true }, draftRecipients)
        await insertDrafts(trx, [begun], quiet)
        return draftOf((await openOf(trx, chat.key, '')) ?? begun)
      })
    },

    /** Gives a part of a draft its new words, unless it has newer ones. False if it has been taken into a message. */
    async change(chat: string, item: DraftItem, fileNames: UpdateName[], at: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('draft_items')
          .innerJoin('drafts', 'drafts.id', 'draft_items.draft_id')
          .select(['drafts.id', 'state', 'edited_at', 'context_id', 'sender_recipient'])
          .where('draft_items.chat', '=', chat)
          .where('draft_items.message_id', '=', item.messageId)
          .executeTakeFirst()
        if (row?.state !== 'open') return false
        if (row.edited_at > item.editedAt) return true
        await trx
          .updateTable('draft_items')
          .set({
            ...(await itemColumns(writing, item, row, () => writing.recipientsStore.desk(trx))),
            edited_at: item.editedAt,
            sort: item.sort,
          })
          .where('chat', '=', chat)
          .where('message_id', '=', item.messageId)
          .execute()
        const touched = await trx
          .updateTable('drafts')
          .set({ heard_at: at })
          .where('id', '=', row.id)
          .where('state', '=', 'open')
          .returning('id')
          .executeTakeFirst()
        if (!touched) throw unavailable(undefined)
        await noteFiles(trx, fileNames, at)
        return true
      })
    },

    /** Remembers files that came in past any draft. */
    noteFiles: (names: UpdateName[], at: number) => noteFiles(db, names, at),

    /** Remembers what an edit of a part that was taken into a message says now: the next one is compared with it. */
    async edited(chat: string, item: DraftItem, fileNames: UpdateName[], at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('draft_items')
          .innerJoin('drafts', 'drafts.id', 'draft_items.draft_id')
          .select('context_id')
          .where('draft_items.chat', '=', chat)
          .where('draft_items.message_id', '=', item.messageId)
          .executeTakeFirst()
        if (!row) return
        await trx
          .updateTable('draft_items')
          .set({ digest: digestIn(row, item, writing.processKey), edited_at: item.editedAt })
          .where('chat', '=', chat)
          .where('message_id', '=', item.messageId)
          .where('is_taken', '=', 1)
          .where('edited_at', '<=', item.editedAt)
          .execute()
        await noteFiles(trx, fileNames, at)
      })
    },

    /** Waits again as long as if something had just come. */
    async wait(draftId: string, at: number): Promise<void> {
      await db.updateTable('drafts').set({ heard_at: at }).where('id', '=', draftId).execute()
    },

    /** Remembers which message of the bot shows the submission, and as it was at which revision. */
    async shown(draftId: string, shown: { messageId: number; revision: number }): Promise<void> {
      await db
        .updateTable('drafts')
        .set({ shown_message_id: shown.messageId, shown_revision: shown.revision })
        .where('id', '=', draftId)
        .execute()
    },
  }
}
