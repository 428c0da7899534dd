import { randomBytes } from 'node:crypto'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import { type FilesToEncrypt, type Keys, narrowed } from '../encryption/types.ts'
import { deleteDrafts, noteToWipe } from '../retention/erasure-store.ts'
import { insertHistory } from '../submissions/history-store.ts'
import type { Writing } from '../submissions/write-context.ts'
import { reEncrypted, replaceTexts, storedTexts } from './re-encrypt-row-store.ts'

export type LeavingStore = ReturnType<typeof leavingStore>

/** The sender deletes their side: from then on a submission opens for the desk only. */
export function leavingStore(db: Database, writing: Writing) {
  return {
    /**
     * Encrypts every text of a submission for the desk only, which the sender's `keys` can do, and forgets the receipt,
     * how the sender is reached, and which chat or mails the submission belongs to. The files have been encrypted so
     * before.
     * @throws Failure `conflict` if the submission changed meanwhile
     */
    async leave(
      submissionId: string,
      { revision, recipients }: Pick<FilesToEncrypt, 'revision' | 'recipients'>,
      keys: Keys,
      at: number,
    ): Promise<void> {
      const texts = await storedTexts(db, submissionId)
      // What the receipt does not open is not the sender's, or damaged: it stays as it is.
      const { renewed } = await reEncrypted(writing, texts, narrowed(recipients, 'desk'), keys)
      await db.transaction().execute(async (trx) => {
        await forgetSender(trx, submissionId, revision, at)
        await replaceTexts(trx, renewed)
        await noteToWipe(trx, submissionId, false, at)
        await insertHistory(trx, submissionId, null, [{ action: 'sender-left' }], at)
      })
    },
  }
}

async function forgetSender(
  trx: Database,
  submissionId: string,
  revision: number,
  at: number,
): Promise<void> {
  const row = await trx
    .updateTable('submissions')
    .set((eb) => ({
      // No receipt has this one.
      receipt_hash: `left ${randomBytes(32).toString('base64url')}`,
      sender_recipient: null,
      contact: null,
      sender_left_at: at,
      // The rest of it may be encrypted for an earlier key.
      encrypted_for: null,
      revision: eb('revision', '+', 1),
    }))
    .where('id', '=', submissionId)
    .where('revision', '=', revision)
    .where('sender_left_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new Failure('conflict', 'Something was written here meanwhile. Please try again.')
  await deleteDrafts(trx, submissionId)
  for (const table of ['chat_submissions', 'chat_answers', 'mail_threads'] as const)
    await trx.deleteFrom(table).where('submission_id', '=', submissionId).execute()
  await trx
    .updateTable('jobs')
    .set({
      state: 'dropped',
      error_code: 'sender-left',
      done_at: at,
      target: null,
      receipt: null,
      ephemeral_payload: null,
      lane: null,
    })
    .where('submission_id', '=', submissionId)
    .where('state', '=', 'pending')
    .where('type', 'in', toSender)
    .execute()
}

const toSender = [
  'sender-receipt',
  'answer-mail',
  'answer-telegram',
  'answer-webhook',
  'chat-receipt',
] as const
