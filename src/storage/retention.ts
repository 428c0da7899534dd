import { sql } from 'kysely'
import {
  concerns,
  dueBefore,
  type RetentionRule,
  type RetentionRules,
  undecidedStates,
  warnedAhead,
} from '../retention.ts'
import { isConfidentialKind, kinds, type Submission } from '../submission.ts'
import type { Database } from './database.ts'
import { insertDeliveries } from './new-deliveries.ts'
import { submissionOf } from './submissions.ts'

export type RetentionStore = ReturnType<typeof retentionStore>

/** A warning may have come so much earlier than a week before: from earlier than that it was for other rules. */
const earlier = 2 * 86_400_000

/** Which pieces have been kept for long enough. What is asked costs what is due, and not the pile. */
export function retentionStore(db: Database) {
  return {
    /**
     * Notes of up to `most` pieces that will be erased within a week that their editors are told: whoever has claimed it, or
     * everybody. Says how many those were.
     */
    async warn(rules: RetentionRules, editorIds: string[], most: number, now: number): Promise<number> {
      return db.transaction().execute(async (trx) => {
        const soon = await due(trx, rules, now + warnedAhead, most, (query, rule) =>
          query
            .where(sql<boolean>`(warned_at is null or not ${isWarned(rules, rule)})`)
            .where('state', '!=', 'spam'),
        )
        if (soon.length === 0) return 0
        const ids = soon.map(({ id }) => id)
        await trx.updateTable('submissions').set({ warned_at: now }).where('id', 'in', ids).execute()
        const told = (await withoutWarning(trx, editorIds)).filter((id) =>
          soon.some((piece) => concerns(piece, id, editorIds)),
        )
        const mails = told.map((editorId) => ({ purpose: 'erasure-warning' as const, editorId }))
        await insertDeliveries(trx, mails, now)
        return soon.length
      })
    },

    /** True while a warning has not reached somebody: it is on its way, or failed and nobody let it be. */
    async isWarning(): Promise<boolean> {
      if ((await warningsWaiting(db)).length > 0) return true
      const failed = await db
        .selectFrom('deliveries')
        .select('id')
        .where('state', '=', sql.lit('failed' as const))
        .where('purpose', '=', 'erasure-warning')
        .limit(1)
        .executeTakeFirst()
      return failed !== undefined
    },

    /** Up to `most` pieces that have been kept for long enough, and whose editors were told a week ago. */
    async over(rules: RetentionRules, most: number, now: number): Promise<Submission[]> {
      return due(db, rules, now, most, (query, rule) =>
        query.where(
          sql<boolean>`(state = 'spam' or (warned_at <= ${now - warnedAhead} and ${isWarned(rules, rule)}))`,
        ),
      )
    },

    /** What will be erased within a week, for editors to look at, at most `most`. Without spam. */
    async soon(rules: RetentionRules, most: number, now: number): Promise<Submission[]> {
      return due(db, rules, now + warnedAhead, most, (query, rule) =>
        query.where(isWarned(rules, rule)).where('state', '!=', 'spam'),
      )
    },
  }
}

/** Told of it for these rules: earlier ones may have been shorter. */
function isWarned(rules: RetentionRules, rule: RetentionRule) {
  const kept = rules[rule] * 86_400_000
  return sql<boolean>`(warned_at is not null and warned_at >= active_at + ${kept - warnedAhead - earlier})`
}

/** Those of these editors for whom no such mail waits: it will tell of all. */
async function withoutWarning(trx: Database, editorIds: string[]): Promise<string[]> {
  const waiting = new Set(await warningsWaiting(trx))
  return editorIds.filter((id) => !waiting.has(id))
}

async function warningsWaiting(db: Database): Promise<(string | null)[]> {
  const rows = await db
    .selectFrom('deliveries')
    .select('editor_id')
    .where('state', '=', sql.lit('pending' as const))
    .where('carrier', '=', 'mail')
    .where('purpose', '=', 'erasure-warning')
    .execute()
  return rows.map((row) => row.editor_id)
}

type Query = ReturnType<typeof queryOf>

/** What is due under any rule at this time. */
async function due(
  db: Database,
  rules: RetentionRules,
  now: number,
  most: number,
  narrowed: (query: Query, rule: RetentionRule) => Query,
): Promise<Submission[]> {
  const found: Submission[] = []
  for (const rule of Object.keys(rules) as RetentionRule[]) {
    const before = dueBefore(rules, rule, now)
    if (before === undefined || found.length >= most) continue
    const query = narrowed(queryOf(db, rule, before), rule).limit(most - found.length)
    found.push(...(await query.execute()).map(submissionOf))
  }
  return found
}

function queryOf(db: Database, rule: RetentionRule, before: number) {
  const marked = kinds.filter((kind) => !isConfidentialKind(kind))
  const ofKinds = rule === 'spam' ? kinds : rule === 'marked' ? marked : [rule]
  const inStates = rule === 'spam' ? (['spam'] as const) : undecidedStates
  const query = db
    .selectFrom('submissions')
    .selectAll()
    .where('kind', 'in', ofKinds)
    .where('state', 'in', inStates)
    .where('active_at', '<=', before)
    .where('is_held', '=', 0)
  if (rule === 'marked') return query.where('is_confidential', '=', 1)
  return rule === 'spam' || isConfidentialKind(rule) ? query : query.where('is_confidential', '=', 0)
}
