import { type RawBuilder, sql } from 'kysely'
import { gatheringTime } from '../accounts/notification-policy.ts'
import type { Pace } from '../core/pace.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { insertJobs, withoutMail } from '../jobs/enqueue-store.ts'
import type { ScanPlace } from '../submissions/keyset-scan-store.ts'
import type { Submission } from '../submissions/model.ts'
import {
  concerns,
  dueBefore,
  isWarnedFor,
  type RetentionRules,
  retentionCells,
  undecidedStates,
  warnedAhead,
} from '../submissions/retention-rules.ts'
import { submissionOf } from '../submissions/store.ts'

export type RetentionStore = ReturnType<typeof retentionStore>

/** A page of submissions, and the place to go on from; undefined at the end. */
export type DuePage = { submissions: Submission[]; next: ScanPlace | undefined }

/** Of what was warned of so many are looked at in one statement. */
const reach = 200

// Literal, so that SQLite sees that the partial index fits.
const legalHold = sql.lit(0)

/**
 * Which submissions have been kept for long enough. What is asked costs what is due, and not the pile: what has been
 * warned of leaves one index for another, and each is walked along in order. `walks` is the pace of walks for somebody
 * who waits.
 */
export function retentionStore(db: Database, walks: Pace) {
  return {
    /**
     * Notes of up to `most` submissions that will be erased within a week that their editors are told: whoever has
     * claimed it, or everybody. Says how many those were. Where there may be more, the mail waits a little, and tells
     * of all.
     */
    async warn(rules: RetentionRules, editorIds: string[], most: number, now: number): Promise<number> {
      return db.transaction().execute(async (trx) => {
        const soon = await unwarned(trx, rules, now + warnedAhead, most)
        if (soon.length === 0) return 0
        const ids = soon.map(({ id }) => id)
        await trx.updateTable('submissions').set({ warned_at: now }).where('id', 'in', ids).execute()
        const recipients = (await withoutMail(trx, 'erasure-warning', editorIds)).filter((id) =>
          soon.some((submission) => concerns(submission, id, editorIds)),
        )
        const dueAt = soon.length < most ? now : now + gatheringTime
        const mails = recipients.map((editorId) => ({ type: 'erasure-warning' as const, editorId, dueAt }))
        await insertJobs(trx, mails, now)
        return soon.length
      })
    },

    /** True while a warning has not reached somebody: it is on its way, or failed and nobody let it be. */
    async isWarning(): Promise<boolean> {
      const row = await db
        .selectFrom('jobs')
        .select('id')
        .where('type', '=', sql.lit('erasure-warning' as const))
        .where('state', 'in', ['pending', 'failed'])
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },

    /**
     * Submissions that have been kept for long enough, and whose editors were told a week ago: of up to `most` behind a
     * place those for which these rules have it so. The warnings of the others are taken back, for they were for
     * shorter rules: they are told of anew when it is time.
     */
    async over(
      rules: RetentionRules,
      after: ScanPlace | undefined,
      most: number,
      now: number,
    ): Promise<DuePage> {
      const { submissions, next } = await warned(after, most, now - warnedAhead)
      const [over, kept] = [true, false].map((isOver) =>
        submissions.filter((submission) => isWarnedFor(submission, rules) === isOver),
      ) as [Submission[], Submission[]]
      const ids = kept.map(({ id }) => id)
      if (ids.length > 0)
        await db.updateTable('submissions').set({ warned_at: null }).where('id', 'in', ids).execute()
      return { submissions: over, next }
    },

    /** Spam that has been kept for long enough, up to `most` behind a place. */
    async oldSpam(
      rules: RetentionRules,
      after: ScanPlace | undefined,
      most: number,
      now: number,
    ): Promise<DuePage> {
      const before = dueBefore(rules, 'spam', now)
      if (before === undefined) return { submissions: [], next: undefined }
      const rows = await db
        .selectFrom('submissions')
        .selectAll()
        .where('state', '=', sql.lit('spam' as const))
        .where('legal_hold', '=', legalHold)
        .where('active_at', '<=', before)
        .where(behind('active_at', after))
        .orderBy('active_at')
        .orderBy('id')
        .limit(most)
        .execute()
      const last = rows.at(-1)
      return {
        submissions: rows.map(submissionOf),
        next: last && rows.length === most ? { at: last.active_at, id: last.id } : undefined,
      }
    },

    /** What will be erased within a week, for editors to look at, what goes first first, at most `most`. Without spam. */
    async soon(rules: RetentionRules, most: number): Promise<Submission[]> {
      return firstOf(most, rules, () => true)
    },

    /** The same of what an editor is to be told of, who is one of these. */
    async soonOf(
      editorId: string,
      editorIds: string[],
      rules: RetentionRules,
      most: number,
    ): Promise<Submission[]> {
      return firstOf(most, rules, (submission) => concerns(submission, editorId, editorIds))
    },
  }

  /** What has been warned of, up to a time, in that order. */
  async function warned(after: ScanPlace | undefined, most: number, until?: number): Promise<DuePage> {
    let query = db
      .selectFrom('submissions')
      .selectAll()
      .where('warned_at', 'is not', null)
      .where(behind('warned_at', after))
      .orderBy('warned_at')
      .orderBy('id')
      .limit(most)
    if (until !== undefined) query = query.where('warned_at', '<=', until)
    const submissions = (await query.execute()).map(submissionOf)
    const last = submissions.at(-1)
    return {
      submissions,
      next: last && submissions.length === most ? { at: last.warnedAt ?? 0, id: last.id } : undefined,
    }
  }

  async function firstOf(
    most: number,
    rules: RetentionRules,
    isWanted: (submission: Submission) => boolean,
  ): Promise<Submission[]> {
    const found: Submission[] = []
    let after: ScanPlace | undefined
    do {
      const from = after
      const { submissions, next } = await walks.turn(() => warned(from, reach))
      found.push(
        ...submissions.filter((submission) => isWarnedFor(submission, rules) && isWanted(submission)),
      )
      after = next
    } while (after && found.length < most)
    return found.slice(0, most)
  }
}

/** What was last active long enough ago to be due at this time, and nobody was told of. */
async function unwarned(
  trx: Database,
  rules: RetentionRules,
  at: number,
  most: number,
): Promise<Pick<Submission, 'id' | 'assigneeId'>[]> {
  const found: Pick<Submission, 'id' | 'assigneeId'>[] = []
  for (const { kind, isConfidential, rule } of retentionCells) {
    const before = dueBefore(rules, rule, at)
    if (before === undefined) continue
    for (const state of undecidedStates) {
      if (found.length >= most) return found
      const rows = await trx
        .selectFrom('submissions')
        .select(['id', 'assignee_id'])
        .where('warned_at', 'is', null)
        .where('legal_hold', '=', legalHold)
        .where('is_confidential', '=', isConfidential ? 1 : 0)
        .where('kind', '=', kind)
        .where('state', '=', state)
        .where('active_at', '<=', before)
        .orderBy('active_at')
        .limit(most - found.length)
        .execute()
      found.push(...rows.map((row) => ({ id: row.id, assigneeId: row.assignee_id || null })))
    }
  }
  return found
}

function behind(
  column: keyof Pick<Tables['submissions'], 'active_at' | 'warned_at'>,
  after: ScanPlace | undefined,
): RawBuilder<boolean> {
  return after ? sql<boolean>`(${sql.ref(column)}, id) > (${after.at}, ${after.id})` : sql<boolean>`true`
}
