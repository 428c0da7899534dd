import { sql } from 'kysely'
import type { Editor } from '../accounts/editor.ts'
import { burst, crowd, gatheringTime, noticeTime } from '../accounts/notification-policy.ts'
import { firstIdAt, minuteOf } from '../core/ids.ts'
import type { Pace } from '../core/pace.ts'
import type { Database } from '../db/open.ts'
import type { Kind } from '../db/values.ts'
import type { ProcessCodec } from '../encryption/process-codec.ts'
import { insertJobs, withoutMail } from '../jobs/enqueue-store.ts'
import type { EphemeralPayload, Job, NewJob } from '../jobs/job.ts'
import { editorsWithGoodKey } from '../outbound-mail/pgp/key-store.ts'
import { insertHistory } from '../submissions/history-store.ts'
import type { Submission } from '../submissions/model.ts'
import { attentionsOf } from '../submissions/presence-store.ts'
import { submissionOf } from '../submissions/store.ts'

export type NoticeStore = ReturnType<typeof noticeStore>

/** More are not told of one by one in any mail; how many more there are is. */
const mostListed = 1000

/** Of what came in so many are looked at in one statement. */
const reach = 200
const notifiedAtOnce = 100

/** How far back the very first look for unclaimed submissions goes: what is older is no news. */
const firstLook = 30 * 86_400_000

/**
 * Who is to hear of what: turns what came in into mails for editors, once, by each editor's policy. `walks` is the pace of
 * walks along many submissions, for the mails of many editors may be written at once.
 */
export function noticeStore(db: Database, processCodec: ProcessCodec, walks: Pace) {
  return {
    /**
     * Decides, for messages that came in, which editors are mailed and when, in one transaction. Decided again, as
     * after a crash, it comes to nothing: they have been told. Gives the ids of the messages that have to wait, for so
     * many submissions came in that this may be the beginning of a burst. What is known of a confidential message is
     * passed on to those whose mail about it can be encrypted.
     */
    async plan(
      messages: Pick<Job, 'submissionId' | 'messageId' | 'createdAt' | 'ephemeralPayload'>[],
      editors: Editor[],
      now: number,
    ): Promise<Set<string | null>> {
      return db.transaction().execute(async (trx) => {
        const inBurst = await isBurst(trx, now)
        const inCrowd = !inBurst && (await haveCome(trx, crowd, now))
        const waiting = new Set<string | null>()
        const hasPayload = messages.some(({ ephemeralPayload }) => ephemeralPayload !== undefined)
        const withKey = hasPayload ? await editorsWithGoodKey(trx, now) : new Set<string>()
        for (const { submissionId, messageId, createdAt, ephemeralPayload } of messages) {
          const news = await newsOf(trx, submissionId ?? '', messageId ?? '')
          if (!news) continue
          if (inCrowd && news.isOpening && now - createdAt < crowd.span) waiting.add(messageId)
          else {
            const payload = ephemeralPayload === 'lost' ? undefined : ephemeralPayload
            const payloadFor = (editorId: string) => (withKey.has(editorId) ? payload : undefined)
            const jobs = await planOne(trx, { ...news, at: createdAt, payloadFor }, editors, inBurst, now)
            await insertJobs(trx, jobs, now, processCodec)
          }
        }
        return waiting
      })
    },

    async isBurst(now: number): Promise<boolean> {
      return isBurst(db, now)
    },

    /** The mail was not needed after all: the next message is told of again. */
    async untell(submissionId: string, editorId: string): Promise<void> {
      await db
        .updateTable('attention')
        .set({ notified_at: null })
        .where('submission_id', '=', submissionId)
        .where('editor_id', '=', editorId)
        .execute()
    },

    /** The editor has been told of all of these. */
    async tell(submissionIds: string[], editorId: string, now: number): Promise<void> {
      for (let from = 0; from < submissionIds.length; from += notifiedAtOnce) {
        const ids = submissionIds.slice(from, from + notifiedAtOnce)
        await walks.turn(() =>
          markNotified(
            db,
            ids.map((submissionId) => ({ submissionId, editorId, notifiedAt: now })),
          ),
        )
      }
    },

    /**
     * Submissions of these kinds in which a sender has written since then, and which this editor has not opened since: the
     * first in which one wrote, at most a thousand, oldest first.
     */
    async unseen(editorId: string, kinds: Kind[], since: number): Promise<Submission[]> {
      const found = new Map<string, Submission>()
      if (kinds.length === 0) return []
      let from = firstIdAt(minuteOf(since))
      for (let isMore = true; isMore && found.size < mostListed; ) {
        await walks.turn(async () => {
          const next = await db
            .selectFrom('messages')
            .select('id')
            .where('id', '>', from)
            .orderBy('id')
            .limit(reach)
            .execute()
          const last = next.at(-1)?.id ?? from
          for (const one of await unopened(editorId, kinds, from, last)) found.set(one.id, one)
          isMore = next.length === reach
          from = last
        })
      }
      return [...found.values()].slice(0, mostListed).sort((a, b) => (a.id < b.id ? -1 : 1))
    },

    /** Submissions that came in since then and of which this editor has not been told, oldest first, at most a thousand. */
    async unnotified(editorId: string, kinds: Kind[], since: number): Promise<Submission[]> {
      const found: Submission[] = []
      if (kinds.length === 0) return found
      let from = firstIdAt(minuteOf(since))
      for (let isMore = true; isMore && found.length < mostListed; ) {
        await walks.turn(async () => {
          const rows = await db
            .selectFrom('submissions')
            .leftJoin('attention', (join) =>
              join.onRef('submission_id', '=', 'id').on('editor_id', '=', editorId),
            )
            .selectAll('submissions')
            .select(['notified_at', 'opened_at'])
            .where('id', '>', from)
            .orderBy('id')
            .limit(reach)
            .execute()
          const isNew = (row: (typeof rows)[number]) => row.notified_at === null && row.opened_at === null
          found.push(...rows.filter((row) => isNew(row) && kinds.includes(row.kind)).map(submissionOf))
          isMore = rows.length === reach
          from = rows.at(-1)?.id ?? from
        })
      }
      return found.slice(0, mostListed)
    },

    /**
     * Brings submissions that nobody has claimed, and that came in before `before`, to the admins, once: of up to
     * `most` that came in next. How far it has come is kept, so that each look costs what is new since the last one.
     * Says how many were looked at. Where there may be more, the mail waits a little, and tells of all.
     */
    async escalate(admins: Editor[], before: number, most: number, now: number): Promise<number> {
      return db.transaction().execute(async (trx) => {
        const from = await escalatedUntil(trx, firstIdAt(before - firstLook), now)
        const rows = await trx
          .selectFrom('submissions')
          .select(['id', 'state', 'assignee_id'])
          .where('id', '>', from)
          .where('id', '<', firstIdAt(before))
          .orderBy('id')
          .limit(most)
          .execute()
        const last = rows.at(-1)
        if (!last) return 0
        await keepEscalatedUntil(trx, rows.length < most ? firstIdAt(before) : last.id, now)
        const unclaimed = rows.filter((row) => row.state === 'waiting' && row.assignee_id === '')
        if (unclaimed.length === 0) return rows.length
        const ids = unclaimed.map((row) => row.id)
        await trx.updateTable('submissions').set({ escalated_at: now }).where('id', 'in', ids).execute()
        for (const id of ids) await insertHistory(trx, id, null, [{ action: 'escalated' }], now)
        const adminIds = admins.map(({ id }) => id)
        const notified = await withoutMail(trx, 'escalation', adminIds)
        const dueAt = rows.length < most ? now : now + gatheringTime
        const mails = notified.map((editorId) => ({ type: 'escalation' as const, editorId, dueAt }))
        await insertJobs(trx, mails, now)
        return rows.length
      })
    },

    /** What was escalated from that moment on and is still unclaimed, in that order, at most a thousand. */
    async escalated(since: number): Promise<Submission[]> {
      const rows = await db
        .selectFrom('submissions')
        .selectAll()
        .where('escalated_at', '>=', since)
        .where('escalated_at', 'is not', null)
        .where('state', '=', sql.lit('waiting' as const))
        .where('assignee_id', '=', sql.lit(''))
        .orderBy('escalated_at')
        .orderBy('id')
        .limit(mostListed)
        .execute()
      return rows.map(submissionOf)
    },
  }

  /**
   * Submissions of these kinds, no spam, in which a sender wrote one of these messages, and which the editor has not
   * opened since their sender last wrote. The messages are the only way in: by kind or state SQLite would go through
   * the whole pile.
   */
  async function unopened(
    editorId: string,
    kinds: Kind[],
    after: string,
    until: string,
  ): Promise<Submission[]> {
    const rows = await db
      .selectFrom('messages')
      .innerJoin('submissions', 'submissions.id', 'messages.submission_id')
      .leftJoin('attention', (join) =>
        join.onRef('attention.submission_id', '=', 'submissions.id').on('attention.editor_id', '=', editorId),
      )
      .selectAll('submissions')
      .where('messages.id', '>', after)
      .where('messages.id', '<=', until)
      .where('author', '=', 'sender')
      .where((eb) => eb(eb.fn.coalesce('opened_revision', eb.lit(0)), '<', eb.ref('heard_revision')))
      .execute()
    return rows.map(submissionOf).filter(({ kind, state }) => kinds.includes(kind) && state !== 'spam')
  }
}

type Notified = { submission: Submission; messageId: string; isOpening: boolean }

/** When it came, and what a notice of it to this editor may say although it is encrypted. */
type Planned = { at: number; payloadFor: (editorId: string) => EphemeralPayload | undefined }

async function newsOf(trx: Database, submissionId: string, messageId: string): Promise<Notified | undefined> {
  const row = await trx
    .selectFrom('submissions')
    .selectAll()
    .where('id', '=', submissionId)
    .executeTakeFirst()
  if (!row) return undefined
  const opening = await trx
    .selectFrom('messages')
    .select((eb) => eb.fn.min('id').as('id'))
    .where('submission_id', '=', submissionId)
    .executeTakeFirst()
  return { submission: submissionOf(row), messageId, isOpening: opening?.id === messageId }
}

async function planOne(
  trx: Database,
  { submission, messageId, isOpening, at, payloadFor }: Notified & Planned,
  editors: Editor[],
  inBurst: boolean,
  now: number,
): Promise<NewJob[]> {
  const { id, kind, assigneeId, spamBefore } = submission
  // What comes after spam waits in the inbox, and is in digests, but rings for nobody.
  if (submission.state === 'spam' || (spamBefore && assigneeId === null)) return []
  const jobs: NewJob[] = []
  const notified: Notification[] = []
  const attentionOf = await attentionsOf(trx, id)
  for (const editor of editors) {
    const dueAt = noticeTime(editor, { kind, isOpening, assigneeId, at }, attentionOf(editor.id), now)
    if (dueAt === undefined) continue
    if (inBurst && isOpening) {
      const burstEnds = now + burst.span
      jobs.push({ type: 'burst-digest', editorId: editor.id, dueAt: burstEnds })
      continue
    }
    notified.push({ submissionId: id, editorId: editor.id, notifiedAt: dueAt })
    const ephemeralPayload = payloadFor(editor.id)
    jobs.push({
      type: 'editor-notice',
      editorId: editor.id,
      submissionId: id,
      messageId,
      dueAt,
      ...(ephemeralPayload && { ephemeralPayload }),
    })
  }
  await markNotified(trx, notified)
  return jobs
}

type Notification = { submissionId: string; editorId: string; notifiedAt: number }

/**
 * When each was told, at most some thousands in one statement, to the minute: it follows at once upon what they were
 * told of.
 */
async function markNotified(db: Database, notified: Notification[]): Promise<void> {
  const rows = notified.map(({ submissionId, editorId, notifiedAt }) => ({
    submission_id: submissionId,
    editor_id: editorId,
    opened_revision: 0,
    notified_at: minuteOf(notifiedAt),
  }))
  if (rows.length === 0) return
  await db
    .insertInto('attention')
    .values(rows)
    .onConflict((oc) =>
      oc
        .columns(['submission_id', 'editor_id'])
        .doUpdateSet((eb) => ({ notified_at: eb.ref('excluded.notified_at') })),
    )
    .execute()
}

async function isBurst(db: Database, now: number): Promise<boolean> {
  return haveCome(db, burst, now)
}

/** True if more submissions than these have come in within the span. */
async function haveCome(
  db: Database,
  many: { submissions: number; span: number },
  now: number,
): Promise<boolean> {
  const rows = await db
    .selectFrom('submissions')
    .select('id')
    .where('id', '>=', firstIdAt(minuteOf(now - many.span)))
    .limit(many.submissions + 1)
    .execute()
  return rows.length > many.submissions
}

const watermark = 'escalated until'

/** How far the looks have come; ours to move on until the transaction ends, for another machine may be looking too. */
async function escalatedUntil(trx: Database, atFirst: string, now: number): Promise<string> {
  const row = await trx
    .insertInto('settings')
    .values({ name: watermark, value: atFirst, revision: 1, changed_at: now })
    .onConflict((oc) => oc.column('name').doUpdateSet({ changed_at: now }))
    .returning('value')
    .executeTakeFirstOrThrow()
  return row.value
}

async function keepEscalatedUntil(trx: Database, id: string, now: number): Promise<void> {
  await trx
    .updateTable('settings')
    .set({ value: id, changed_at: now })
    .where('name', '=', watermark)
    .execute()
}
