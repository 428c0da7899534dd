import { coarseIdBehind, idBehind } from '../../../core/ids.ts'
import type { Database } from '../../../db/open.ts'
import { insertJobs } from '../../../jobs/enqueue-store.ts'
import type { NewJob } from '../../../jobs/job.ts'
import { lastTurnOf } from '../../../submissions/store.ts'
import { type DraftItem, type DraftToSubmit, quietTime, regretTime, type UpdateName } from '../draft.ts'
import { encryptedByItself } from './re-encrypt.ts'
import { type DraftWriteContext, draftOf } from './rows.ts'
import { change, close, noteUpdate, openOf, tellOf } from './writes.ts'

/**
 * How submissions of chats end: sent, made something else, or discarded. `quiet` is the usual quiet time in
 * milliseconds.
 */
export function draftFinish(db: Database, writing: DraftWriteContext, quiet: number) {
  return {
    /** Sends a submission: nothing joins it any more, and the worker makes it what it becomes. */
    async close(draftId: string, at: number): Promise<void> {
      await db.transaction().execute((trx) => close(trx, draftId, at))
    },

    /**
     * Makes a reply a piece of its own, encrypted as its kind is. False if the chat has another one open. Once for each
     * update.
     */
    async detach(update: UpdateName, draftId: string, chat: string, at: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, at))) return true
        if (await openOf(trx, chat, '')) return false
        const detached = await trx
          .updateTable('drafts')
          .set((eb) => ({ joins: '', heard_at: at, revision: eb('revision', '+', 1) }))
          .where('id', '=', draftId)
          .where('state', '=', 'open')
          .returningAll()
          .executeTakeFirst()
        if (!detached) return false
        const draftRecipients = await encryptedByItself(trx, writing, detached, at)
        if (draftRecipients.context_id !== undefined)
          await trx.updateTable('drafts').set(draftRecipients).where('id', '=', draftId).execute()
        await tellOf(trx, [draftId], at)
        return true
      })
    },

    /** Discards a draft; for a while it can be had back. Once for each update. */
    async discard(update: UpdateName, draftId: string, at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, at))) return
        const discarded = await trx
          .updateTable('drafts')
          .set((eb) => ({ state: 'discarded' as const, heard_at: at, revision: eb('revision', '+', 1) }))
          .where('id', '=', draftId)
          .where('state', '=', 'open')
          .returning('id')
          .executeTakeFirst()
        if (!discarded) return
        await tellOf(trx, [draftId], at)
        const dueAt = at + regretTime
        await insertJobs(trx, [{ type: 'chat-send', submissionId: draftId, dueAt }], at)
      })
    },

    /** Has a discarded submission back. False if it is too late, or the chat has begun another one. Once for each update. */
    async restore(update: UpdateName, draftId: string, at: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, at))) return true
        const row = await trx.selectFrom('drafts').selectAll().where('id', '=', draftId).executeTakeFirst()
        if (row?.state !== 'discarded' || row.item_count === 0) return false
        if (await openOf(trx, row.chat, row.joins)) return false
        const restored = await change(trx, draftId, { state: 'open', heard_at: at })
        await tellOf(trx, [draftId], at)
        const dueAt = at + quietTime(draftOf(restored), quiet)
        await insertJobs(trx, [{ type: 'chat-send', submissionId: draftId, dueAt }], at)
        return true
      })
    },

    /** Forgets everything that a submission held. False if it no longer is as it was at this revision. */
    async forget(draftId: string, revision: number): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        const forgotten = await trx
          .updateTable('drafts')
          .set({ target: null, secret: null, item_count: 0, state: 'discarded' })
          .where('id', '=', draftId)
          .where('revision', '=', revision)
          .where('state', 'in', ['open', 'discarded'])
          .returning('id')
          .executeTakeFirst()
        if (!forgotten) return false
        await trx.deleteFrom('draft_items').where('draft_id', '=', draftId).execute()
        return true
      })
    },

    /**
     * Writes down which parts have become which messages. The first time, the chat is told, with the receipt of what is
     * new; what came meanwhile is seen to next.
     */
    async sent(
      draft: DraftToSubmit,
      messages: { items: DraftItem[]; messageId: string }[],
      became: { submissionId: string; receipt?: string },
      at: number,
    ): Promise<void> {
      await db.transaction().execute(async (trx) => {
        for (const { items, messageId } of messages) {
          for (const item of items) await markTaken(trx, draft.chat, item, messageId)
        }
        const isFirst = await trx
          .updateTable('drafts')
          .set((eb) => ({ state: 'sent' as const, secret: null, revision: eb('revision', '+', 1) }))
          .where('id', '=', draft.id)
          .where('state', '!=', 'sent')
          .returning('id')
          .executeTakeFirst()
        if (!isFirst) return
        await trx
          .insertInto('chat_submissions')
          .values({ chat: draft.chat, submission_id: became.submissionId })
          .onConflict((oc) => oc.doNothing())
          .execute()
        const receiptJob: NewJob[] = [
          receiptTo(draft, became.receipt),
          { type: 'chat-send', submissionId: draft.id },
        ]
        await insertJobs(trx, receiptJob, at, writing.processCodec)
        await tellOf(trx, [draft.id], at)
      })
    },

    /**
     * The message that a late part becomes: that of its album where the other items have one, else one of its own.
     * Chosen once.
     */
    async messageFor(chat: string, item: DraftItem, at: number): Promise<{ id: string; isThere: boolean }> {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('draft_items')
          .innerJoin('drafts', 'drafts.id', 'draft_id')
          .select(['became', 'context_id', 'submission_id'])
          .where('draft_items.chat', '=', chat)
          .where('draft_items.message_id', '=', item.messageId)
          .executeTakeFirstOrThrow()
        const sibling = item.album === null ? undefined : await takenOfAlbum(trx, chat, item.album)
        const last = row.submission_id ? await lastTurnOf(trx, row.submission_id) : undefined
        const id =
          row.became ?? sibling ?? (row.context_id === '' ? idBehind(last, at) : coarseIdBehind(last, at))
        await trx
          .updateTable('draft_items')
          .set({ became: id })
          .where('chat', '=', chat)
          .where('message_id', '=', item.messageId)
          .execute()
        return { id, isThere: id === sibling }
      })
    },
  }
}

/** Of a confidential submission the outbox holds no receipt that anybody else could read. */
function receiptTo(draft: DraftToSubmit, receipt: string | undefined): NewJob {
  const receiptJob = { type: 'chat-receipt' as const, submissionId: draft.id }
  if (!draft.encrypted) return { ...receiptJob, receipt: receipt ?? null }
  return receipt === undefined ? receiptJob : { ...receiptJob, ephemeralPayload: { receipt } }
}

/** Only as it was read: what was edited meanwhile is still to be taken. */
async function markTaken(trx: Database, chat: string, item: DraftItem, became: string): Promise<void> {
  const taken = await trx
    .updateTable('draft_items')
    .set({ is_taken: 1, became, content: null, block: null, awaited: null })
    .where('chat', '=', chat)
    .where('message_id', '=', item.messageId)
    .where('edited_at', '=', item.editedAt)
    .returning('message_id')
    .executeTakeFirst()
  if (taken) return
  await trx
    .updateTable('draft_items')
    .set({ is_late: 1 })
    .where('chat', '=', chat)
    .where('message_id', '=', item.messageId)
    .execute()
}

async function takenOfAlbum(trx: Database, chat: string, album: string): Promise<string | undefined> {
  const row = await trx
    .selectFrom('draft_items')
    .select('became')
    .where('chat', '=', chat)
    .where('album', '=', album)
    .where('is_taken', '=', 1)
    .executeTakeFirst()
  return row?.became ?? undefined
}
