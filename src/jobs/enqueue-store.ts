import { sql } from 'kysely'
import { coarseId } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { ProcessCodec } from '../encryption/process-codec.ts'
import { type NewJob, queueOf } from './job.ts'

/**
 * Adds jobs to the outbox, due at once unless they say when. Gives their ids. Called inside the transaction of what
 * they tell of.
 */
export async function insertJobs(
  trx: Database,
  jobs: NewJob[],
  now: number,
  processCodec?: ProcessCodec,
): Promise<string[]> {
  const rows = jobs.map((job) => ({
    id: coarseId(now),
    type: job.type,
    queue: queueOf[job.type],
    submission_id: job.submissionId ?? null,
    message_id: job.messageId ?? null,
    editor_id: job.editorId ?? null,
    attachment_id: job.attachmentId ?? null,
    target: job.target ?? null,
    receipt: job.receipt ?? null,
    ephemeral_payload: payloadOf(job, processCodec),
    state: 'pending' as const,
    attempts: 0,
    begun: 0,
    due_at: job.dueAt ?? now,
    created_at: now,
    tried_since: job.dueAt ?? now,
  }))
  // In pieces, for a statement binds at most 32,766 values, and each editor has a row for each piece.
  for (let from = 0; from < rows.length; from += 1000) {
    await trx
      .insertInto('jobs')
      .values(rows.slice(from, from + 1000))
      // A digest that waits already will tell of this too.
      .onConflict((oc) => oc.doNothing())
      .execute()
  }
  return rows.map(({ id }) => id)
}

function payloadOf({ ephemeralPayload }: NewJob, processCodec: ProcessCodec | undefined): string | null {
  if (!ephemeralPayload) return null
  if (!processCodec) throw new Error('nothing here can hide what is passed on')
  return processCodec.encrypt(ephemeralPayload)
}

/** Has the sender of a piece or a submission told where to send what is too large, unless that was done before. */
export async function offerUploadOnce(trx: Database, id: string, at: number): Promise<void> {
  const offered = await trx
    .selectFrom('jobs')
    .select('id')
    .where('submission_id', '=', id)
    .where('type', '=', 'upload-link')
    .executeTakeFirst()
  if (!offered) await insertJobs(trx, [{ type: 'upload-link', submissionId: id }], at)
}

/** Those of these editors for whom no such mail waits that nobody has in hand: it will tell of all. */
export async function withoutMail(
  trx: Database,
  type: 'erasure-warning' | 'escalation',
  editorIds: string[],
): Promise<string[]> {
  const rows = await trx
    .selectFrom('jobs')
    .select('editor_id')
    .where('type', '=', sql.lit(type))
    .where('state', '=', 'pending')
    .where('lease', 'is', null)
    .execute()
  const waiting = new Set(rows.map((row) => row.editor_id))
  return editorIds.filter((id) => !waiting.has(id))
}
