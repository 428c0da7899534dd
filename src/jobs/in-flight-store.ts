import { sql } from 'kysely'
import type { Database } from '../db/open.ts'

/**
 * True while a mail that tells of this submission is being written, which may be kept as a file. Until the transaction
 * ends no worker takes another one. Called inside a transaction that nobody else writes to the submission beside.
 */
export async function isMailLeaving(
  trx: Database,
  submissionId: string,
  isPostgres: boolean,
): Promise<boolean> {
  const mails = trx
    .selectFrom('jobs')
    .select('lease')
    .where('submission_id', '=', submissionId)
    .where('queue', '=', 'mail')
    .where('state', '=', sql.lit('pending' as const))
  // Workers pass over what is locked.
  const rows = await (isPostgres ? mails.forUpdate() : mails).execute()
  return rows.some((row) => row.lease !== null)
}

/** True while a chat gathers a reply to this submission that will be sent: it would be lost with it. */
export async function isReplyGathered(trx: Database, submissionId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('drafts')
    .innerJoin('jobs', 'jobs.submission_id', 'drafts.id')
    .select('drafts.id')
    .where('joins', '=', submissionId)
    .where('drafts.state', 'in', ['open', 'closed'])
    .where('type', '=', 'chat-send')
    .where('jobs.state', '=', sql.lit('pending' as const))
    .executeTakeFirst()
  return row !== undefined
}
