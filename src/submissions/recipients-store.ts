import { sql } from 'kysely'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import { openableDeskKey } from '../encryption/desk-key-store.ts'
import type { Recipient, Recipients } from '../encryption/types.ts'
import type { NewRecord } from './intake-record.ts'

export type RecipientsStore = ReturnType<typeof recipientsStore>

type RecordRef = Pick<NewRecord, 'submissionId' | 'submission'>

/** How conversations are encrypted. `offline` is a desk key whose secret half never comes here. */
export function recipientsStore(db: Database, offline: Recipient | undefined) {
  return {
    desk,

    /** How the conversations that these are part of are encrypted; nothing for those that are not. */
    async of(asked: RecordRef[]): Promise<Map<string, Recipients>> {
      const fresh = asked.filter(({ submission }) => submission)
      const others = asked.filter(({ submission }) => !submission).map(({ submissionId }) => submissionId)
      const known = [
        ...fresh.flatMap(({ submissionId, submission }) =>
          submission?.isConfidential
            ? [{ id: submissionId, contextId: submission.contextId, sender: submission.senderRecipient }]
            : [],
        ),
        ...(await confidential(others)),
      ]
      if (known.length === 0) return new Map()
      const key = await desk()
      return new Map(known.map(({ id, ...recipients }) => [id, { ...recipients, desk: key }]))
    },

    /** How this conversation is encrypted; undefined where it is not. Inside a transaction it asks in that. */
    async ofOne(submissionId: string, trx: Database = db): Promise<Recipients | undefined> {
      const [found] = await confidential([submissionId], trx)
      return found && { contextId: found.contextId, sender: found.sender, desk: await desk(trx) }
    },
  }

  /**
   * For whom everything new is encrypted. @throws Failure `unavailable` while nobody at the newsroom has a way to open it:
   * nothing is taken in then
   */
  async function desk(trx: Database = db): Promise<Recipient> {
    const recipient = offline ?? (await openableDeskKey(trx))
    if (recipient === undefined) throw nobodyOpens()
    return recipient
  }

  async function confidential(ids: string[], trx: Database = db) {
    if (ids.length === 0) return []
    const rows = await trx
      .selectFrom('submissions')
      .select(['id', 'context_id', 'sender_recipient'])
      .where('id', 'in', ids)
      .where('is_confidential', '=', 1)
      .execute()
    return rows.map((row) => ({ id: row.id, contextId: row.context_id, sender: row.sender_recipient }))
  }
}

function nobodyOpens(): Failure {
  return new Failure(
    'unavailable',
    'Nobody at the newsroom can open what is confidential yet, so nothing was taken in. Please try again later.',
    { retryAfter: 60, isUndone: true },
  )
}

/** Where something is written for another key than the rest, all of it is to be re-encrypted. */
export function stillEncryptedFor(recipients: Recipients | undefined) {
  if (!recipients) return {}
  return {
    encrypted_for: sql<string | null>`case when encrypted_for = ${recipients.desk} then encrypted_for end`,
  }
}

/** What is encrypted for others than it is for now: what a stranger sent, for instance, when an editor has sent it on. */
export const forReEncryption = { encrypted_for: null }
