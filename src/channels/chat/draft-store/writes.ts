import { coarseId, coarseIdBehind, idBehind, newId } from '../../../core/ids.ts'
import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import { insertJobs } from '../../../jobs/enqueue-store.ts'
import type { NewJob } from '../../../jobs/job.ts'
import { lastTurnOf } from '../../../submissions/store.ts'
import { quietTime, type UpdateName } from '../draft.ts'
import { draftOf } from './rows.ts'

// What changes drafts, each with the jobs that follow from it, inside the transaction of whoever asks.

/** A while in which photos that were sent together come in, so that the chat is told of them once. */
export const gathering = 1000

export async function openOf(db: Database, chat: string, joins: string) {
  return db
    .selectFrom('drafts')
    .selectAll()
    .where('chat', '=', chat)
    .where('joins', '=', joins)
    .where('state', '=', 'open')
    .executeTakeFirst()
}

/** Begins submissions, each with the job that sends it when the chat has been quiet. */
export async function insertDrafts(trx: Database, rows: Tables['drafts'][], quiet: number): Promise<void> {
  const inserted = await trx
    .insertInto('drafts')
    .values(rows)
    .onConflict((oc) => oc.doNothing())
    .returningAll()
    .execute()
  const jobs = inserted.map((row): NewJob => {
    const dueAt = row.heard_at + quietTime(draftOf(row), quiet)
    return { type: 'chat-send', submissionId: row.id, dueAt }
  })
  if (jobs.length > 0) await insertJobs(trx, jobs, rows[0]?.created_at ?? 0)
}

export async function change(
  trx: Database,
  id: string,
  values: Partial<Tables['drafts']>,
): Promise<Tables['drafts']> {
  return trx
    .updateTable('drafts')
    .set((eb) => ({ ...values, revision: eb('revision', '+', 1) }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Closes a draft, and says what it becomes: what may come to be told of it is known before it is there. */
export async function close(trx: Database, draftId: string, at: number): Promise<void> {
  const joined = await trx.selectFrom('drafts').select('joins').where('id', '=', draftId).executeTakeFirst()
  const last = joined?.joins ? await lastTurnOf(trx, joined.joins) : undefined
  const row = await trx
    .updateTable('drafts')
    .set((eb) => ({
      state: 'closed' as const,
      step: null,
      revision: eb('revision', '+', 1),
      submission_id: eb
        .case()
        .when('joins', '!=', '')
        .then(eb.ref('joins'))
        .when('context_id', '!=', '')
        .then(coarseId(at))
        .else(newId(at))
        .end(),
      message_id: eb
        .case()
        .when('context_id', '!=', '')
        .then(coarseIdBehind(last, at))
        .else(idBehind(last, at))
        .end(),
    }))
    .where('id', '=', draftId)
    .where('state', '=', 'open')
    .returning('id')
    .executeTakeFirst()
  if (row) await insertJobs(trx, [{ type: 'chat-send', submissionId: draftId }], at)
}

/** Has the message that shows a submission brought up to date in a moment, unless that is about to be done. */
export async function tellOf(trx: Database, draftIds: string[], at: number): Promise<void> {
  if (draftIds.length === 0) return
  // Writing the row, if only with what it holds, keeps a worker from taking it before we are done.
  const waiting = await trx
    .updateTable('jobs')
    .set((eb) => ({ due_at: eb.ref('due_at') }))
    .where('submission_id', 'in', draftIds)
    .where('type', '=', 'chat-live')
    .where('state', '=', 'pending')
    .where('lease', 'is', null)
    .returning('submission_id')
    .execute()
  const known = new Set(waiting.map((row) => row.submission_id))
  const missing = draftIds.filter((id) => !known.has(id))
  const jobs = missing.map((id): NewJob => ({ type: 'chat-live', submissionId: id, dueAt: at + gathering }))
  if (jobs.length > 0) await insertJobs(trx, jobs, at)
}

/** Notes down by what files are known again when their words are edited. */
export async function noteFiles(trx: Database, names: UpdateName[], at: number): Promise<void> {
  if (names.length === 0) return
  await trx
    .insertInto('seen_updates')
    .values(names.map(({ bot, key }) => ({ bot, update_id: key, seen_at: at })))
    .onConflict((oc) => oc.doNothing())
    .execute()
}

/** Notes an update down. False if it was noted before. */
export async function noteUpdate(trx: Database, update: UpdateName, at: number): Promise<boolean> {
  const row = await trx
    .insertInto('seen_updates')
    .values({ bot: update.bot, update_id: update.key, seen_at: at })
    .onConflict((oc) => oc.doNothing())
    .returning('update_id')
    .executeTakeFirst()
  return row !== undefined
}
