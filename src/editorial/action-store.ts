import { sql } from 'kysely'
import { Failure } from '../core/errors.ts'
import { idBehind } from '../core/ids.ts'
import { orUnavailable } from '../db/errors.ts'
import type { Database } from '../db/open.ts'
import type { Recipients } from '../encryption/types.ts'
import { insertJobs } from '../jobs/enqueue-store.ts'
import type { NewJob } from '../jobs/job.ts'
import { insertHistory } from '../submissions/history-store.ts'
import { idempotencyRow } from '../submissions/idempotency-store.ts'
import { attachmentRows } from '../submissions/intake-rows.ts'
import type { Submission } from '../submissions/model.ts'
import { forReEncryption, stillEncryptedFor } from '../submissions/recipients-store.ts'
import { queueForSearch } from '../submissions/search-store.ts'
import { lastTurnOf, submissionOf } from '../submissions/store.ts'
import type { Writing } from '../submissions/write-context.ts'
import type { Act, AnswerFate, Change, Original, Written } from './actions.ts'

export type ActionStore = ReturnType<typeof actionStore>

/** Writes what editors do. Each change is one transaction with its history and its jobs. */
export function actionStore(db: Database, writing: Writing) {
  return {
    /**
     * Writes a change down.
     * @throws Failure `conflict` if the submission is no longer at the revision the change was made on.
     */
    async apply(change: Change): Promise<Submission> {
      const texts = await textsOf(writing, change)
      return db.transaction().execute((trx) => write(trx, writing, change, texts))
    },

    /**
     * Writes a change down that came by a channel, once however often it comes. Undefined for a repeat.
     * @throws Failure as `apply` does; then the idempotency key is not taken in either.
     */
    async applyOnce(
      change: Change & Required<Pick<Change, 'idempotencyKey'>>,
    ): Promise<Submission | undefined> {
      const texts = await orUnavailable(() => textsOf(writing, change))
      return orUnavailable(() =>
        db.transaction().execute(async (trx) => {
          const isFirst = await trx
            .insertInto('idempotency_keys')
            .values(idempotencyRow(change))
            .onConflict((oc) => oc.columns(['source', 'key']).doNothing())
            .returning('key')
            .executeTakeFirst()
          return isFirst && (await write(trx, writing, change, texts))
        }),
      )
    },

    /** The last thing this editor did with the submission, as far as it can still be taken back. */
    async lastAct(submissionId: string, editorId: string, at: number): Promise<Act | undefined> {
      const message = await db
        .selectFrom('messages')
        .select(['id', 'created_at', 'visible_at'])
        .where('submission_id', '=', submissionId)
        .where('editor_id', '=', editorId)
        .where('visible_at', '>', at)
        .where('withdrawn_at', 'is', null)
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst()
      const moved = await lastMove(db, submissionId)
      const isTheirs = moved?.editor_id === editorId && (moved.visibleAt ?? 0) > at
      // Whoever claims a submission moves it too; to take that back, they put the submission back.
      const movedAt = isTheirs && !(await wasTakenOn(db, submissionId, moved.at)) ? moved.at : undefined
      const latest = Math.max(message?.created_at ?? 0, movedAt ?? 0)
      if (latest === 0) return undefined
      // A decision and its letter were one act, and have one time.
      return {
        submissionId,
        editorId,
        at,
        messageId: message?.created_at === latest ? message.id : undefined,
        movedAt: movedAt === latest ? movedAt : undefined,
        visibleAt: message?.created_at === latest ? message.visible_at : (moved?.visibleAt ?? undefined),
      }
    },

    /** What an editor did by this message, and whether it can still be stopped; undefined if there is no such message. */
    async answered(messageId: string, at: number): Promise<{ fate: AnswerFate; act: Act } | undefined> {
      const message = await db
        .selectFrom('messages')
        .innerJoin('submissions', 'submissions.id', 'submission_id')
        .select([
          'submission_id',
          'editor_id',
          'messages.created_at',
          'visible_at',
          'withdrawn_at',
          'moved_at',
        ])
        .where('messages.id', '=', messageId)
        .where('author', '=', 'editor')
        .executeTakeFirst()
      if (!message?.editor_id) return undefined
      const { submission_id: submissionId, editor_id: editorId, created_at: createdAt } = message
      const movedAt = message.moved_at === createdAt ? createdAt : undefined
      const isWaiting = message.visible_at > at
      const fate = message.withdrawn_at !== null ? 'stopped' : isWaiting ? 'waiting' : 'sent'
      return { fate, act: { submissionId, editorId, at, messageId, movedAt } }
    },

    /**
     * Tells the sender at once what was to be told a little later. False if it is told already, or was stopped.
     * @throws Failure `unavailable`
     */
    async tellNow({ submissionId, messageId = '', movedAt, at }: Act): Promise<boolean> {
      return orUnavailable(() =>
        db.transaction().execute(async (trx) => {
          const updated = await trx
            .updateTable('messages')
            .set({ visible_at: at })
            .where('id', '=', messageId)
            .where('visible_at', '>', at)
            .where('withdrawn_at', 'is', null)
            .returning('id')
            .executeTakeFirst()
          if (!updated) return false
          await trx
            .updateTable('jobs')
            .set({ due_at: at })
            .where('submission_id', '=', submissionId)
            .where('message_id', '=', messageId)
            .where('state', '=', 'pending')
            .where('due_at', '>', at)
            .execute()
          if (movedAt !== undefined) {
            await trx
              .updateTable('submissions')
              .set({ moved_visible_at: at })
              .where('id', '=', submissionId)
              .where('moved_at', '=', movedAt)
              .execute()
          }
          return true
        }),
      )
    },

    /**
     * Takes back what this editor did, as long as the sender has not been told and nothing of it has left yet: the move is
     * undone, the message withdrawn, its jobs dropped.
     * @throws Failure `conflict` if it is too late, `unavailable`
     */
    async takeBack(act: Act): Promise<void> {
      const { submissionId, editorId, at } = act
      await orUnavailable(() =>
        db.transaction().execute(async (trx) => {
          // First, as erasing does; and whoever encrypts the submission anew just now sees that it has changed.
          await trx
            .updateTable('submissions')
            .set((eb) => ({ revision: eb('revision', '+', 1) }))
            .where('id', '=', submissionId)
            .execute()
          if (act.messageId !== undefined) await withdraw(trx, act, act.messageId)
          if (act.movedAt !== undefined) await moveBack(trx, act, act.movedAt)
          await queueForSearch(trx, [submissionId])
          await insertHistory(trx, submissionId, editorId, [{ action: 'undone' }], at)
        }),
      )
    },

    /** Remembers senders whose submission was spam; their next ones are marked, and no editor is mailed at once. */
    async rememberSpammers(senders: string[], at: number): Promise<void> {
      if (senders.length === 0) return
      await db
        .insertInto('spam_senders')
        .values(senders.map((sender) => ({ sender, created_at: at })))
        .onConflict((oc) => oc.column('sender').doNothing())
        .execute()
    },

    /** Forgets those of these senders who have been remembered since then. */
    async forgetSpammers(senders: string[], since: number): Promise<void> {
      if (senders.length === 0) return
      await db
        .deleteFrom('spam_senders')
        .where('sender', 'in', senders)
        .where('created_at', '>=', since)
        .execute()
    },
  }
}

/** What a change says, as it will be stored: encrypted before the transaction, where nobody waits for it. */
type Texts = {
  message: string
  note: string
  original: string
  files: Map<string, string>
  recipients: Recipients | undefined
}

async function textsOf({ contents, recipientsStore }: Writing, change: Change): Promise<Texts> {
  const { message, note, original, submissionId, quarantinedFiles = {} } = change
  const hasText = message !== undefined || note !== undefined || original !== undefined
  const recipients = hasText ? await recipientsStore.ofOne(submissionId) : undefined
  const sent = Object.fromEntries((message?.files ?? []).map(({ id, name }) => [id, { name }]))
  const content = {
    fields: { title: message?.title, body: message?.body ?? '' },
    files: { ...quarantinedFiles, ...sent },
  }
  const noted = { fields: { body: note?.body ?? '' }, files: {} }
  const files = new Map<string, string>()
  for (const file of message?.files ?? []) {
    if (recipients) files.set(file.id, await contents.writeFile(file, recipients))
  }
  for (const file of original?.files ?? []) {
    if (recipients) files.set(file.id, await contents.writeFile(file, recipients, 'desk'))
  }
  return {
    message: message ? await contents.writeContent(content, recipients, `message ${message.id}`) : '',
    note: note ? await contents.writeContent(noted, recipients, 'note', 'desk') : '',
    original: original
      ? await contents.writeContent(original.content, recipients, `message ${original.id}`, 'desk')
      : '',
    files,
    recipients,
  }
}

async function write(trx: Database, writing: Writing, change: Change, texts: Texts): Promise<Submission> {
  const submission = await advance(trx, change, texts.recipients)
  await writeTexts(trx, change, texts)
  await changeTags(trx, change)
  const { submissionId, jobs, entries, editorId, at } = change
  await insertJobs(trx, ofSubmission(submissionId, jobs), at, writing.processCodec)
  await insertHistory(trx, submissionId, editorId, entries, at)
  return submission
}

async function advance(
  trx: Database,
  change: Change,
  recipients: Recipients | undefined,
): Promise<Submission> {
  const { state, assigneeId, moved, legalHold } = change.set
  const isDecision = state === 'accepted' || state === 'declined'
  let update = trx
    .updateTable('submissions')
    .set((eb) => ({
      revision: eb('revision', '+', 1),
      ...(state && { state }),
      ...(assigneeId !== undefined && { assignee_id: assigneeId ?? '' }),
      ...(moved && { moved_from: moved.from, moved_at: moved.at, moved_visible_at: moved.visibleAt }),
      ...(isDecision && { decided_at: change.at }),
      ...(change.message && { updated_at: change.at }),
      ...(legalHold !== undefined && { legal_hold: legalHold ? 1 : 0 }),
      active_at: change.at,
      warned_at: null,
      ...stillEncryptedFor(recipients),
      ...(bringsQuarantinedFiles(change) && forReEncryption),
    }))
    .where('id', '=', change.submissionId)
  if (change.revision !== undefined) update = update.where('revision', '=', change.revision)
  const row = await update.returningAll().executeTakeFirst()
  if (!row) throw new Failure('conflict', 'Somebody changed this submission meanwhile.')
  return submissionOf(row)
}

async function writeTexts(trx: Database, change: Change, texts: Texts): Promise<void> {
  const { submissionId, editorId, at, message, note, original } = change
  if (original) await writeOriginal(trx, change, original, texts)
  const settles = change.settles ?? original?.id
  if (settles) await setAside(trx, change, settles)
  if (message) await writeMessage(trx, change, message, texts)
  if (note) {
    await trx
      .insertInto('notes')
      .values({
        id: idBehind(await lastTurnOf(trx, submissionId), at),
        submission_id: submissionId,
        editor_id: editorId,
        content: texts.note,
        created_at: at,
      })
      .execute()
  }
}

/** Keeps the mail that a reply came in as one that was quarantined and dealt with at once: stopped, it is that again. */
async function writeOriginal(trx: Database, change: Change, original: Original, texts: Texts): Promise<void> {
  await trx
    .insertInto('messages')
    .values({
      id: original.id,
      submission_id: change.submissionId,
      author: 'unverified',
      editor_id: null,
      content: texts.original,
      created_at: change.at,
      withdrawn_at: null,
      settles: null,
      visible_at: change.at,
    })
    .execute()
  const rows = attachmentRows({ messageId: original.id, attachments: original.files }, texts.files)
  if (rows.length > 0) await trx.insertInto('attachments').values(rows).execute()
}

async function writeMessage(trx: Database, change: Change, message: Written, texts: Texts): Promise<void> {
  const { submissionId, editorId, at, original, quarantinedFiles = {} } = change
  const settles = change.settles ?? original?.id
  await trx
    .insertInto('messages')
    .values({
      id: message.id,
      submission_id: submissionId,
      author: 'editor',
      editor_id: editorId,
      content: texts.message,
      created_at: at,
      settles: settles ?? null,
      visible_at: message.visibleAt,
    })
    .execute()
  const rows = attachmentRows({ messageId: message.id, attachments: message.files ?? [] }, texts.files)
  const cameWith = original?.id ?? null
  if (rows.length > 0)
    await trx
      .insertInto('attachments')
      .values(rows.map((row) => ({ ...row, came_with: cameWith })))
      .execute()
  if (settles && bringsQuarantinedFiles(change)) {
    await trx
      .updateTable('attachments')
      .set({ message_id: message.id, came_with: settles })
      .where('message_id', '=', settles)
      .where('state', '=', 'kept')
      .where('id', 'in', Object.keys(quarantinedFiles))
      .execute()
  }
  await queueForSearch(trx, [submissionId])
}

function bringsQuarantinedFiles({ settles, quarantinedFiles = {} }: Change): boolean {
  return settles !== undefined && Object.keys(quarantinedFiles).length > 0
}

/** Sets a held message aside. @throws Failure `conflict` if a colleague was faster */
async function setAside(trx: Database, change: Change, id: string): Promise<void> {
  const row = await trx
    .updateTable('messages')
    .set({ withdrawn_at: change.at })
    .where('id', '=', id)
    .where('submission_id', '=', change.submissionId)
    .where('author', '=', 'unverified')
    .where('withdrawn_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new Failure('conflict', 'A colleague has dealt with it meanwhile.')
}

async function changeTags(trx: Database, change: Change): Promise<void> {
  const { submissionId, addTags = [], removeTags = [] } = change
  if (addTags.length > 0) {
    await trx
      .insertInto('tags')
      .values(addTags.map((name) => ({ name, submission_id: submissionId })))
      .onConflict((oc) => oc.columns(['name', 'submission_id']).doNothing())
      .execute()
  }
  if (removeTags.length > 0) {
    await trx
      .deleteFrom('tags')
      .where('submission_id', '=', submissionId)
      .where('name', 'in', removeTags)
      .execute()
  }
}

function ofSubmission(submissionId: string, jobs: NewJob[]): NewJob[] {
  return jobs.map((job) => ({ submissionId, ...job }))
}

async function withdraw(trx: Database, act: Act, messageId: string): Promise<void> {
  const message = await trx
    .updateTable('messages')
    .set({ withdrawn_at: act.at })
    .where('id', '=', messageId)
    .where('submission_id', '=', act.submissionId)
    .where('editor_id', '=', act.editorId)
    .where('visible_at', '>', act.at)
    .where('withdrawn_at', 'is', null)
    .returning('settles')
    .executeTakeFirst()
  if (!message) throw tooLate()
  if (message.settles) await quarantineAgain(trx, act.submissionId, message.settles, messageId)
  // What its editor was told of it is no reason to send it.
  const jobs = trx
    .updateTable('jobs')
    .set({
      state: 'dropped',
      done_at: act.at,
      error_code: 'called-back',
      target: null,
      receipt: null,
      ephemeral_payload: null,
      lane: null,
    })
    .where('submission_id', '=', act.submissionId)
    .where('message_id', '=', messageId)
    .where('editor_id', 'is', null)
  await jobs.where('state', '=', 'pending').where('lease', 'is', null).execute()
  const left = await trx
    .selectFrom('jobs')
    .select('id')
    .where('submission_id', '=', act.submissionId)
    .where('message_id', '=', messageId)
    .where('editor_id', 'is', null)
    .where('state', '!=', 'dropped')
    .executeTakeFirst()
  if (left) throw tooLate()
}

/** What an answer had settled is held again, with its files. */
async function quarantineAgain(
  trx: Database,
  submissionId: string,
  quarantinedId: string,
  messageId: string,
): Promise<void> {
  await trx.updateTable('messages').set({ withdrawn_at: null }).where('id', '=', quarantinedId).execute()
  await trx.updateTable('submissions').set(forReEncryption).where('id', '=', submissionId).execute()
  await trx
    .updateTable('attachments')
    .set({ message_id: quarantinedId, came_with: null })
    .where('message_id', '=', messageId)
    .where('came_with', '=', quarantinedId)
    .execute()
}

async function moveBack(trx: Database, act: Act, movedAt: number): Promise<void> {
  const last = await lastMove(trx, act.submissionId)
  const isTheirs = last?.editor_id === act.editorId && last.at === movedAt
  if (!isTheirs || (last.visibleAt ?? 0) <= act.at) throw tooLate()
  const moved = await trx
    .updateTable('submissions')
    .set({
      state: sql`moved_from`,
      moved_from: null,
      moved_at: null,
      moved_visible_at: null,
      decided_at: sql<
        number | null
      >`case when state in ('accepted', 'declined') then null else decided_at end`,
    })
    .where('id', '=', act.submissionId)
    .where('moved_at', '=', movedAt)
    .returning('id')
    .executeTakeFirst()
  if (!moved) throw tooLate()
}

/** The last move that stands: an undone one left no `moved_at`. */
async function lastMove(db: Database, submissionId: string) {
  return db
    .selectFrom('history')
    .innerJoin('submissions', 'submissions.id', 'history.submission_id')
    .select(['editor_id', 'at', 'moved_visible_at as visibleAt'])
    .where('submission_id', '=', submissionId)
    .where('action', '=', 'moved')
    .whereRef('history.at', '=', 'submissions.moved_at')
    .orderBy('history.id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

async function wasTakenOn(db: Database, submissionId: string, at: number): Promise<boolean> {
  const entry = await db
    .selectFrom('history')
    .select('id')
    .where('submission_id', '=', submissionId)
    .where('at', '=', at)
    .where('action', 'in', ['claimed', 'assigned'])
    .executeTakeFirst()
  return entry !== undefined
}

function tooLate(): Failure {
  return new Failure('conflict', 'It is too late to undo this: it has already been sent.')
}
