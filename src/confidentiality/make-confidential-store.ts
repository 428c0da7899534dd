import { sql } from 'kysely'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import { type Keys, noKeys, type Recipients, whomFor } from '../encryption/types.ts'
import type { Contact } from '../jobs/contact.ts'
import { isMailLeaving } from '../jobs/in-flight-store.ts'
import type { EphemeralPayload } from '../jobs/job.ts'
import { forgetSearch, noteErasedFiles, noteToWipe } from '../retention/erasure-store.ts'
import { contactOf } from '../submissions/contact.ts'
import { insertHistory } from '../submissions/history-store.ts'
import type { EncryptedAs } from '../submissions/intake-record.ts'
import type { Content, Message } from '../submissions/model.ts'
import type { Writing } from '../submissions/write-context.ts'

export type ConfidentialStore = ReturnType<typeof confidentialStore>

/** A clear file of a submission, and the encrypted copy that takes its place, by the clear one's id. */
export type ClearFile = { id: string; type: string; size: number }
type EncryptedCopies = Map<string, EncryptedAs & { id: string }>

/** Who marks which submission as confidential, as they saw it. */
export type MakingConfidential = { submissionId: string; revision: number; editorId: string; at: number }

type ConfidentialStoreContext = Writing & {
  conversation: (submissionId: string, keys: Keys) => Promise<Message[]>
}

/**
 * An editor marks a submission as confidential that came in clear: it is encrypted where it lies, and what was clear is
 * wiped.
 */
export function confidentialStore(db: Database, app: ConfidentialStoreContext) {
  const { contents, recipientsStore, processCodec } = app
  return {
    /** For whom a submission is encrypted that is marked now: no receipt of it is known here. */
    async recipientsFor(submissionId: string): Promise<Recipients> {
      const row = await db
        .selectFrom('submissions')
        .select('context_id')
        .where('id', '=', submissionId)
        .executeTakeFirstOrThrow()
      return { contextId: row.context_id, desk: await recipientsStore.desk(), sender: null }
    },

    clearFiles: (submissionId: string) => clearFiles(db, submissionId),

    /**
     * Encrypts every text, and lets the copies take the place of the files.
     * @throws Failure `conflict` if the submission is no longer as it was seen, a file came meanwhile, or a mail that
     * tells of it is just being written
     */
    async mark(
      confidential: MakingConfidential,
      recipients: Recipients,
      copies: EncryptedCopies,
    ): Promise<void> {
      const { submissionId, editorId, at } = confidential
      const messages = await app.conversation(submissionId, noKeys)
      const texts = await encryptedTexts(messages, submissionId, recipients, copies)
      const contact = contactOf(messages)
      await db.transaction().execute(async (trx) => {
        await advance(trx, confidential, recipients, processCodec.encrypt(contact))
        if (await isMailLeaving(trx, submissionId, app.isPostgres))
          throw new Failure('conflict', 'A mail about it is just leaving. Please try again in a moment.')
        for (const [id, content] of texts.messages)
          await trx.updateTable('messages').set({ content }).where('id', '=', id).execute()
        for (const [id, content] of texts.notes)
          await trx.updateTable('notes').set({ content }).where('id', '=', id).execute()
        await encryptPayloads(trx, messages, contact, copies)
        await forgetDigests(trx, submissionId)
        await replaceFiles(trx, submissionId, copies, texts.files)
        const wasIndexed = await forgetSearch(trx, submissionId, app.isPostgres)
        await noteToWipe(trx, submissionId, wasIndexed, at)
        await insertHistory(trx, submissionId, editorId, [{ action: 'encrypted' }], at)
      })
    },
  }

  async function encryptedTexts(
    messages: Message[],
    submissionId: string,
    recipients: Recipients,
    copies: EncryptedCopies,
  ) {
    const notes = await db
      .selectFrom('notes')
      .select(['id', 'content'])
      .where('submission_id', '=', submissionId)
      .execute()
    const encryptedMessages = new Map<string, string>()
    const files = new Map<string, string>()
    for (const { id, author, content, attachments } of messages) {
      const whom = whomFor(author)
      encryptedMessages.set(
        id,
        await contents.writeContent(relabelled(content, copies), recipients, `message ${id}`, whom),
      )
      for (const { id: before, type } of attachments) {
        const copy = copies.get(before)
        if (!copy) continue
        const file = { id: copy.id, type: type ?? '', mark: copy.mark, desk: copy.desk }
        files.set(before, await contents.writeFile(file, recipients, whom))
      }
    }
    const encryptedNotes = new Map<string, string>()
    for (const { id, content } of notes) {
      const { content: noteContent } = await contents.readContent(content, '', noKeys, 'note')
      encryptedNotes.set(id, await contents.writeContent(noteContent, recipients, 'note', 'desk'))
    }
    return { messages: encryptedMessages, notes: encryptedNotes, files }
  }

  /** What waits in the outbox says nothing any more, and is carried all the same. */
  async function encryptPayloads(
    trx: Database,
    messages: Message[],
    contact: Contact,
    copies: EncryptedCopies,
  ): Promise<void> {
    const submissionId = messages[0]?.submissionId ?? ''
    const rows = await trx
      .selectFrom('jobs')
      .select(['id', 'type', 'message_id', 'target', 'receipt'])
      .where('submission_id', '=', submissionId)
      .where('state', '=', sql.lit('pending' as const))
      .execute()
    for (const row of rows) {
      const ephemeralPayload = payloadOf(row, messages, contact, copies)
      if (!ephemeralPayload) continue
      await trx
        .updateTable('jobs')
        .set({ ephemeral_payload: processCodec.encrypt(ephemeralPayload), target: null, receipt: null })
        .where('id', '=', row.id)
        .execute()
    }
  }
}

/** The name of a file is told by its id, which is another one now. */
function relabelled(content: Content, copies: EncryptedCopies): Content {
  const files = Object.entries(content.files).map(([id, label]) => [copies.get(id)?.id ?? id, label])
  return { ...content, files: Object.fromEntries(files) }
}

type WaitingJob = Pick<Tables['jobs'], 'type' | 'message_id' | 'target' | 'receipt'>

function payloadOf(
  { type: jobType, message_id, target, receipt }: WaitingJob,
  messages: Message[],
  contact: Contact,
  copies: EncryptedCopies,
): EphemeralPayload | undefined {
  if (jobType === 'sender-receipt')
    return { contact: { ...contact, ...(target && { email: target }) }, ...(receipt && { receipt }) }
  const message = messages.find(({ id }) => id === message_id)
  if (!message || !['answer-mail', 'answer-telegram', 'answer-webhook'].includes(jobType)) return undefined
  const files = message.attachments.flatMap(({ id }) => {
    const copy = copies.get(id)
    const name = message.content.files[id]?.name ?? 'file'
    return copy ? [{ id: copy.id, name, key: Buffer.from(copy.fileKey).toString('base64url') }] : []
  })
  return { contact, text: message.content.fields.body, title: message.content.fields.title, files }
}

async function advance(
  trx: Database,
  { submissionId, revision, at }: MakingConfidential,
  { desk }: Recipients,
  contact: string,
): Promise<void> {
  const row = await trx
    .updateTable('submissions')
    .set({
      is_confidential: 1,
      sender_recipient: null,
      encrypted_for: desk,
      summary: null,
      contact,
      revision: revision + 1,
      active_at: at,
      warned_at: null,
    })
    .where('id', '=', submissionId)
    .where('revision', '=', revision)
    .where('is_confidential', '=', 0)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new Failure('conflict', 'Somebody changed this submission meanwhile.')
}

/** A digest of words tells to whoever guesses them that they guessed right. */
async function forgetDigests(trx: Database, submissionId: string): Promise<void> {
  await trx
    .updateTable('draft_items')
    .set({ digest: '' })
    .where('draft_id', 'in', (eb) =>
      eb.selectFrom('drafts').select('id').where('submission_id', '=', submissionId),
    )
    .execute()
}

async function clearFiles(db: Database, submissionId: string): Promise<ClearFile[]> {
  const rows = await db
    .selectFrom('attachments')
    .innerJoin('messages', 'messages.id', 'message_id')
    .select(['attachments.id', 'type', 'size'])
    .where('submission_id', '=', submissionId)
    .where('state', '=', 'kept')
    .where('is_encrypted', '=', 0)
    .execute()
  return rows.map(({ id, type, size }) => ({ id, type: type ?? '', size: size ?? 0 }))
}

async function replaceFiles(
  trx: Database,
  submissionId: string,
  copies: EncryptedCopies,
  encrypted: Map<string, string>,
): Promise<void> {
  const clear = await clearFiles(trx, submissionId)
  if (clear.some(({ id }) => !copies.has(id)))
    throw new Failure('conflict', 'A file came in meanwhile. Please try again.')
  const rows = await trx
    .selectFrom('attachments')
    .innerJoin('messages', 'messages.id', 'message_id')
    .select(['attachments.id', 'preview_id'])
    .where('submission_id', '=', submissionId)
    .where('is_encrypted', '=', 0)
    .where('state', '=', 'kept')
    .execute()
  const mails = await trx
    .selectFrom('jobs')
    .select('id')
    .where('submission_id', '=', submissionId)
    .where('queue', '=', 'mail')
    .where('state', '=', sql.lit('sent' as const))
    .execute()
  await noteErasedFiles(trx, submissionId, [
    ...rows.flatMap(({ id, preview_id: preview }) =>
      [id, ...(preview === null ? [] : [preview])].map((name) => ({ name, sort: 'file' as const })),
    ),
    ...mails.map(({ id }) => ({ name: id, sort: 'mail' as const })),
  ])
  for (const { id } of rows) {
    await trx
      .updateTable('attachments')
      .set({
        id: copies.get(id)?.id ?? id,
        type: encrypted.get(id) ?? null,
        sha256: null,
        is_encrypted: 1,
        preview_id: null,
      })
      .where('id', '=', id)
      .execute()
  }
}
