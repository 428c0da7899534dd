import { appendToAuditLog } from '../audit/store.ts'
import { idBehind } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Action, AuditAction } from '../db/values.ts'
import type { HistoryEntry, NewEntry } from './history.ts'

export type HistoryStore = ReturnType<typeof historyStore>

/** What was done with submissions. Written with what it tells of, never changed. */
export function historyStore(db: Database) {
  return {
    /** All that happened to a submission, oldest first. */
    async of(submissionId: string): Promise<HistoryEntry[]> {
      const rows = await db
        .selectFrom('history')
        .selectAll()
        .where('submission_id', '=', submissionId)
        .orderBy('id')
        .execute()
      return rows.map(({ submission_id, editor_id, ...row }) => ({
        ...row,
        submissionId: submission_id,
        editorId: editor_id,
      }))
    },
  }
}

/** What stands in the audit log too. */
const trailed: Partial<Record<Action, AuditAction>> = {
  moved: 'moved',
  undone: 'moved',
  encrypted: 'encrypted',
  kept: 'kept',
  'hold-set': 'hold-set',
  'hold-lifted': 'hold-lifted',
  'sender-left': 'sender-left',
}

/**
 * Writes entries into the history, and into the audit log what belongs there. Called last inside the transaction of
 * what they tell of.
 */
export async function insertHistory(
  trx: Database,
  submissionId: string,
  editorId: string | null,
  entries: NewEntry[],
  at: number,
): Promise<void> {
  if (entries.length === 0) return
  const row = await trx
    .selectFrom('history')
    .select((eb) => eb.fn.max('id').as('id'))
    .where('submission_id', '=', submissionId)
    .executeTakeFirst()
  let last = row?.id ?? undefined
  const nextId = () => {
    last = idBehind(last, at)
    return last
  }
  await trx
    .insertInto('history')
    .values(
      entries.map(({ action, detail }) => ({
        id: nextId(),
        submission_id: submissionId,
        editor_id: editorId,
        action,
        detail: detail ?? null,
        at,
      })),
    )
    .execute()
  const audited = entries.flatMap(({ action, detail = action === 'undone' ? action : null }) => {
    const auditAction = trailed[action]
    return auditAction ? [{ action: auditAction, editorId, detail }] : []
  })
  if (audited.length === 0) return
  const reference = await referenceOf(trx, submissionId)
  await appendToAuditLog(
    trx,
    audited.map((entry) => ({ ...entry, reference })),
    at,
  )
}

export async function referenceOf(db: Database, submissionId: string): Promise<string | null> {
  const row = await db
    .selectFrom('submissions')
    .select('reference')
    .where('id', '=', submissionId)
    .executeTakeFirst()
  return row?.reference ?? null
}
