import { appendToAuditLog } from '../audit/store.ts'
import type { Database } from '../db/open.ts'
import { insertHistory, referenceOf } from './history-store.ts'
import type { Attention } from './presence.ts'

/** For so long after a sign of life an editor counts as having a submission open. */
const presence = 45_000

/** Within so long of the last time, opening a submission again is no news for the audit log. */
const sameReading = 3_600_000

export type AttentionStore = ReturnType<typeof attentionStore>

/** What each editor has seen and heard of each submission, and who has one open. */
export function attentionStore(db: Database) {
  return {
    /** The editor opens the submission: that goes into the audit log, and the first opening of all into the history. */
    async open(submissionId: string, editorId: string, at: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const { openedAt } = await attentionOf(trx, submissionId, editorId)
        const opened_revision = await revisionOf(trx, submissionId)
        // Erased while its page was made.
        if (opened_revision === undefined) return
        const opened = { opened_at: at, opened_revision, present_at: at }
        await trx
          .insertInto('attention')
          .values({ submission_id: submissionId, editor_id: editorId, ...opened })
          .onConflict((oc) => oc.columns(['submission_id', 'editor_id']).doUpdateSet(opened))
          .execute()
        const first = await trx
          .updateTable('submissions')
          .set({ first_opened_at: at })
          .where('id', '=', submissionId)
          .where('first_opened_at', 'is', null)
          .returning('id')
          .executeTakeFirst()
        if (first) await insertHistory(trx, submissionId, editorId, [{ action: 'opened' }], at)
        if (openedAt !== null && at - openedAt < sameReading) return
        const reference = await referenceOf(trx, submissionId)
        await appendToAuditLog(trx, [{ action: 'opened', editorId, reference }], at)
      })
    },

    /** The editor sees something of the submission beside its page: no news within the hour. */
    async look(submissionId: string, editorId: string, at: number): Promise<void> {
      const { openedAt } = await attentionOf(db, submissionId, editorId)
      if (openedAt === null || at - openedAt >= sameReading) await this.open(submissionId, editorId, at)
    },

    /** The editor still has the submission open. */
    async stay(submissionId: string, editorId: string, at: number): Promise<void> {
      await setPresence(submissionId, editorId, at)
    },

    async leave(submissionId: string, editorId: string): Promise<void> {
      await setPresence(submissionId, editorId, null)
    },

    /** Ids of the editors who have the submission open now. */
    async present(submissionId: string, now: number): Promise<string[]> {
      const rows = await db
        .selectFrom('attention')
        .select('editor_id')
        .where('submission_id', '=', submissionId)
        .where('present_at', '>', now - presence)
        .orderBy('editor_id')
        .execute()
      return rows.map((row) => row.editor_id)
    },

    of: (submissionId: string, editorId: string) => attentionOf(db, submissionId, editorId),
  }

  async function setPresence(submissionId: string, editorId: string, at: number | null): Promise<void> {
    await db
      .updateTable('attention')
      .set({ present_at: at })
      .where('submission_id', '=', submissionId)
      .where('editor_id', '=', editorId)
      .execute()
  }
}

const none: Attention = { openedAt: null, notifiedAt: null, hasSeenAll: false }

/** What an editor has seen and heard of a submission. */
async function attentionOf(db: Database, submissionId: string, editorId: string): Promise<Attention> {
  const row = await attentionTo(db, submissionId).where('editor_id', '=', editorId).executeTakeFirst()
  return row ? attentionIn(row) : none
}

/** What each editor has seen and heard of a submission, asked for at once however many they are. */
export async function attentionsOf(
  db: Database,
  submissionId: string,
): Promise<(editorId: string) => Attention> {
  const rows = await attentionTo(db, submissionId).execute()
  const byEditor = new Map(rows.map((row) => [row.editor_id, attentionIn(row)]))
  return (editorId) => byEditor.get(editorId) ?? none
}

function attentionTo(db: Database, submissionId: string) {
  return db
    .selectFrom('attention')
    .innerJoin('submissions', 'submissions.id', 'submission_id')
    .select(['editor_id', 'opened_at', 'notified_at', 'opened_revision', 'heard_revision'])
    .where('submission_id', '=', submissionId)
}

type AttentionRow = Awaited<ReturnType<ReturnType<typeof attentionTo>['executeTakeFirstOrThrow']>>

function attentionIn(row: AttentionRow): Attention {
  return {
    openedAt: row.opened_at,
    notifiedAt: row.notified_at,
    hasSeenAll: row.opened_revision >= row.heard_revision,
  }
}

async function revisionOf(trx: Database, submissionId: string): Promise<number | undefined> {
  const row = await trx
    .selectFrom('submissions')
    .select('revision')
    .where('id', '=', submissionId)
    .executeTakeFirst()
  return row?.revision
}
