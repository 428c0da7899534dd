import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import type { Step } from '../../../db/values.ts'
import type { Chat, Draft, DraftItem, UpdateName } from '../draft.ts'
import { type DraftWriteContext, draftOf, itemColumns, itemRow } from './rows.ts'
import { noteUpdate, tellOf } from './writes.ts'

/** The answers to the questions that a guest post is asked. */
export function draftAnswers(db: Database, writing: DraftWriteContext) {
  return {
    /**
     * Goes from one question to another, with the answer where there is one; the answer given before is dropped if
     * `forgets`. Undefined, with nothing written, if the submission is no longer at that question.
     */
    async goOn(
      update: UpdateName,
      draft: Draft,
      to: Step | null,
      more: { item?: DraftItem; chat?: Chat; forgets?: Step; at: number },
    ): Promise<Draft | undefined> {
      const goingOn = db.transaction().execute(async (trx) => {
        if (!(await noteUpdate(trx, update, more.at))) return draftById(trx, draft.id)
        const moved = await trx
          .updateTable('drafts')
          .set((eb) => ({
            step: to,
            heard_at: more.at,
            revision: eb('revision', '+', 1),
            // What has been gathered is told anew below the questions.
            shown_message_id: null,
            shown_revision: null,
          }))
          .where('id', '=', draft.id)
          .where('state', '=', 'open')
          .where('step', '=', draft.step)
          .returningAll()
          .executeTakeFirst()
        if (!moved) throw new MovedOn()
        if (more.forgets) await dropAnswer(trx, draft.id, more.forgets)
        if (more.item?.field) await dropAnswer(trx, draft.id, more.item.field)
        if (more.item && more.chat) await putAnswer(trx, writing, moved, more.chat.key, more.item)
        if (to === 'body' || to === 'review') await tellOf(trx, [moved.id], more.at)
        return draftOf(moved)
      })
      return goingOn.catch((error: unknown) => {
        if (error instanceof MovedOn) return undefined
        throw error
      })
    },
  }
}

/** The submission is at another question by now: what was to be written is not. */
class MovedOn extends Error {}

async function putAnswer(
  trx: Database,
  writing: DraftWriteContext,
  draft: Tables['drafts'],
  chat: string,
  item: DraftItem,
): Promise<void> {
  const draftId = draft.id
  const columns = await itemColumns(writing, item, draft, () => writing.recipientsStore.desk(trx))
  const row = itemRow(chat, draftId, item, columns)
  const { content, block, awaited, digest, field, edited_at } = row
  await trx
    .insertInto('draft_items')
    .values(row)
    .onConflict((oc) =>
      oc
        .columns(['chat', 'message_id'])
        .doUpdateSet({ content, block, awaited, digest, field, edited_at, draft_id: draftId }),
    )
    .execute()
  await trx
    .updateTable('drafts')
    .set((eb) => ({
      item_count: eb('item_count', '+', 1),
      last_message_id: eb
        .case()
        .when('last_message_id', '<', item.messageId)
        .then(item.messageId)
        .else(eb.ref('last_message_id'))
        .end(),
    }))
    .where('id', '=', draftId)
    .execute()
}

async function dropAnswer(trx: Database, draftId: string, field: Step): Promise<void> {
  await trx.deleteFrom('draft_items').where('draft_id', '=', draftId).where('field', '=', field).execute()
}

async function draftById(trx: Database, id: string): Promise<Draft | undefined> {
  const row = await trx.selectFrom('drafts').selectAll().where('id', '=', id).executeTakeFirst()
  return row && draftOf(row)
}
