import { type RawBuilder, sql } from 'kysely'
import type { Pace } from '../background/pace.ts'
import { gatheringTime } from '../notice-policy.ts'
import {
  concerns,
  dueBefore,
  isWarnedFor,
  type RetentionRules,
  retentionCells,
  undecidedStates,
  warnedAhead,
} from '../retention.ts'
import type { Submission } from '../submission.ts'
import type { Database } from './database.ts'
import { insertDeliveries } from './new-deliveries.ts'
import type { Tables } from './schema.ts'
import { submissionOf } from './submissions.ts'
import type { Place } from './walk.ts'

export type RetentionStore = ReturnType<typeof retentionStore>

/** A page of pieces, and the place to go on from; undefined at the end. */
export type DuePage = { pieces: Submission[]; next: Place | undefined }

/** Of what was warned of so many are looked at in one statement. */
const reach = 200

/** The setting that keeps for which rules all warnings are. */
const mark = 'warned for'

// Literal, so that SQLite sees that the partial index fits.
const isHeld = sql.lit(0)

/**
 * Which pieces have been kept for long enough. What is asked costs what is due, and not the pile: what has been warned of
 * leaves one index for another, and each is walked along in order. `walks` is the pace of walks for somebody who waits.
 */
export function retentionStore(db: Database, walks: Pace) {
  return {
    /**
     * Notes of up to `most` pieces that will be erased within a week that their editors are told: whoever has claimed it, or
     * everybody. Says how many those were. Where there may be more, the mail waits a little, and tells of all.
     */
    async warn(rules: RetentionRules, editorIds: string[], most: number, now: number): Promise<number> {
      return db.transaction().execute(async (trx) => {
        const soon = await unwarned(trx, rules, now + warnedAhead, most)
        if (soon.length === 0) return 0
        const ids = soon.map(({ id }) => id)
        await trx.updateTable('submissions').set({ warned_at: now }).where('id', 'in', ids).execute()
        const told = (await withoutMail(trx, 'erasure-warning', editorIds, now)).filter((id) =>
          soon.some((piece) => concerns(piece, id, editorIds)),
        )
        const dueAt = soon.length < most ? now : now + gatheringTime
        const mails = told.map((editorId) => ({ purpose: 'erasure-warning' as const, editorId, dueAt }))
        await insertDeliveries(trx, mails, now)
        return soon.length
      })
    },

    /**
     * Takes back what was said of pieces that these rules keep for longer, up to `most` of those that were warned of behind
     * a place: they are told of anew when it is time. Gives the place to go on from, and how many were looked at.
     */
    async takeBackWarnings(
      rules: RetentionRules,
      after: Place | undefined,
      most: number,
    ): Promise<{ next: Place | undefined; count: number }> {
      const rows = await alongWarned(after, most)
        .select(['id', 'kind', 'state', 'is_confidential', 'is_held', 'active_at', 'warned_at'])
        .execute()
      const early = rows.filter((row) => !isWarnedFor(keptOf(row), rules)).map(({ id }) => id)
      if (early.length > 0)
        await db.updateTable('submissions').set({ warned_at: null }).where('id', 'in', early).execute()
      return { next: nextOf(rows, most), count: rows.length }
    },

    /** The revision of the rules that all warnings are for; undefined where that is not known. */
    async warnedFor(): Promise<number | undefined> {
      const row = await db.selectFrom('settings').select('value').where('name', '=', mark).executeTakeFirst()
      return row && Number(row.value)
    },

    async noteWarnedFor(revision: number, now: number): Promise<void> {
      const value = String(revision)
      await db
        .insertInto('settings')
        .values({ name: mark, value, revision: 1, changed_at: now })
        .onConflict((oc) => oc.column('name').doUpdateSet({ value, changed_at: now }))
        .execute()
    },

    /** True while a warning has not reached somebody: it is on its way, or failed and nobody let it be. */
    async isWarning(): Promise<boolean> {
      const row = await db
        .selectFrom('deliveries')
        .select('id')
        .where('purpose', '=', sql.lit('erasure-warning' as const))
        .where('state', 'in', ['pending', 'failed'])
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },

    /**
     * Pieces that have been kept for long enough, and whose editors were told a week ago: of up to `most` behind a place
     * those for which these rules have it so.
     */
    async over(rules: RetentionRules, after: Place | undefined, most: number, now: number): Promise<DuePage> {
      const { pieces, next } = await warned(after, most, now - warnedAhead)
      return { pieces: pieces.filter((piece) => isWarnedFor(piece, rules) && !piece.isHeld), next }
    },

    /** Spam that has been kept for long enough, up to `most` behind a place. */
    async oldSpam(
      rules: RetentionRules,
      after: Place | undefined,
      most: number,
      now: number,
    ): Promise<DuePage> {
      const before = dueBefore(rules, 'spam', now)
      if (before === undefined) return { pieces: [], next: undefined }
      const rows = await db
        .selectFrom('submissions')
        .selectAll()
        .where('state', '=', sql.lit('spam' as const))
        .where('is_held', '=', isHeld)
        .where('active_at', '<=', before)
        .where(behind('active_at', after))
        .orderBy('active_at')
        .orderBy('id')
        .limit(most)
        .execute()
      const last = rows.at(-1)
      return {
        pieces: rows.map(submissionOf),
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
      return firstOf(most, rules, (piece) => concerns(piece, editorId, editorIds))
    },
  }

  /** What has been warned of, up to a time, in that order. */
  async function warned(after: Place | undefined, most: number, until?: number): Promise<DuePage> {
    let query = alongWarned(after, most).selectAll()
    if (until !== undefined) query = query.where('warned_at', '<=', until)
    const rows = await query.execute()
    return { pieces: rows.map(submissionOf), next: nextOf(rows, most) }
  }

  function alongWarned(after: Place | undefined, most: number) {
    return db
      .selectFrom('submissions')
      .where('warned_at', 'is not', null)
      .where(behind('warned_at', after))
      .orderBy('warned_at')
      .orderBy('id')
      .limit(most)
  }

  async function firstOf(
    most: number,
    rules: RetentionRules,
    isWanted: (piece: Submission) => boolean,
  ): Promise<Submission[]> {
    const found: Submission[] = []
    let after: Place | undefined
    do {
      const from = after
      const { pieces, next } = await walks.turn(() => warned(from, reach))
      found.push(...pieces.filter((piece) => isWarnedFor(piece, rules) && isWanted(piece)))
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
        .where('is_held', '=', isHeld)
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

/** Those of these editors for whom no such mail waits that nobody has in hand: it will tell of all. */
export async function withoutMail(
  trx: Database,
  purpose: 'erasure-warning' | 'escalation',
  editorIds: string[],
  now: number,
): Promise<string[]> {
  const rows = await trx
    .selectFrom('deliveries')
    .select('editor_id')
    .where('purpose', '=', sql.lit(purpose))
    .where('state', '=', 'pending')
    .where('leased_until', '<=', now)
    .execute()
  const waiting = new Set(rows.map((row) => row.editor_id))
  return editorIds.filter((id) => !waiting.has(id))
}

function keptOf(
  row: Pick<
    Tables['submissions'],
    'kind' | 'state' | 'is_confidential' | 'is_held' | 'active_at' | 'warned_at'
  >,
) {
  return {
    kind: row.kind,
    state: row.state,
    isConfidential: row.is_confidential === 1,
    isHeld: row.is_held === 1,
    activeAt: row.active_at,
    warnedAt: row.warned_at,
  }
}

function nextOf(rows: Pick<Tables['submissions'], 'id' | 'warned_at'>[], most: number): Place | undefined {
  const last = rows.at(-1)
  return last && rows.length === most ? { at: last.warned_at ?? 0, id: last.id } : undefined
}

function behind(
  column: keyof Pick<Tables['submissions'], 'active_at' | 'warned_at'>,
  after: Place | undefined,
): RawBuilder<boolean> {
  return after ? sql<boolean>`(${sql.ref(column)}, id) > (${after.at}, ${after.id})` : sql<boolean>`true`
}
