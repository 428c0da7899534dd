import { Failure } from '../core/errors.ts'
import { isDuplicate, orUnavailable } from '../db/errors.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { ProcessCodec } from '../encryption/process-codec.ts'
import type { EphemeralPayload } from '../jobs/job.ts'
import { insertHistory } from '../submissions/history-store.ts'

export type FailedJobStore = ReturnType<typeof failedJobStore>

/** What an editor does about a job that has failed for good. */
export function failedJobStore(db: Database, processCodec: ProcessCodec) {
  return {
    /**
     * Has a failed job tried again, as if it were new, with what it needs to know where that was lost.
     * @throws Failure `conflict` if it has not failed.
     */
    async retry(
      id: string,
      editorId: string,
      now: number,
      ephemeralPayload?: EphemeralPayload,
    ): Promise<void> {
      await reopen(id, editorId, now, 'retried', {
        ...(ephemeralPayload && { ephemeral_payload: processCodec.encrypt(ephemeralPayload) }),
        state: 'pending',
        due_at: now,
        tried_since: now,
        attempts: 0,
        begun: 0,
        done_at: null,
      })
    },

    /** Lets a failed job be. @throws Failure `conflict` if it has not failed. */
    async drop(id: string, editorId: string, now: number): Promise<void> {
      await reopen(id, editorId, now, 'dropped', { state: 'dropped' })
    },
  }

  async function reopen(
    id: string,
    editorId: string,
    now: number,
    action: 'retried' | 'dropped',
    change: Partial<Tables['jobs']>,
  ): Promise<void> {
    const reopening = () =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('jobs')
          .set(change)
          .where('id', '=', id)
          .where('state', '=', 'failed')
          .returning(['submission_id', 'type'])
          .executeTakeFirst()
          .catch((error: unknown) => {
            throw isDuplicate(error)
              ? new Failure('conflict', 'The next digest waits already: let this one be.')
              : error
          })
        if (!row) throw new Failure('conflict', 'This delivery is no longer a failed one.')
        const entries = [{ action, detail: row.type }]
        if (row.submission_id) await insertHistory(trx, row.submission_id, editorId, entries, now)
      })
    await orUnavailable(reopening)
  }
}
