import { sql } from 'kysely'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import { openableDeskKey } from '../encryption/desk-key-store.ts'
import type { Recipient, Sealing } from '../encryption/types.ts'
import type { NewRecord } from './intake-record.ts'

export type Sealings = ReturnType<typeof sealingsOf>

type Asked = Pick<NewRecord, 'submissionId' | 'submission'>

/** How conversations are sealed. `offline` is a desk key whose secret half never comes here. */
export function sealingsOf(db: Database, offline: Recipient | undefined) {
  return {
    desk,

    /** How the conversations that these are part of are sealed; nothing for those that are not. */
    async of(asked: Asked[]): Promise<Map<string, Sealing>> {
      const fresh = asked.filter(({ submission }) => submission)
      const others = asked.filter(({ submission }) => !submission).map(({ submissionId }) => submissionId)
      const known = [
        ...fresh.flatMap(({ submissionId, submission }) =>
          submission?.isConfidential
            ? [{ id: submissionId, bond: submission.bond, sender: submission.senderRecipient }]
            : [],
        ),
        ...(await confidential(others)),
      ]
      if (known.length === 0) return new Map()
      const key = await desk()
      return new Map(known.map(({ id, ...sealing }) => [id, { ...sealing, desk: key }]))
    },

    /** How this conversation is sealed; undefined where it is not. Inside a transaction it asks in that. */
    async ofOne(submissionId: string, trx: Database = db): Promise<Sealing | undefined> {
      const [found] = await confidential([submissionId], trx)
      return found && { bond: found.bond, sender: found.sender, desk: await desk(trx) }
    },
  }

  /**
   * For whom everything new is sealed. @throws Failure `unavailable` while nobody at the newsroom has a way to open it:
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
      .select(['id', 'bond', 'sender_recipient'])
      .where('id', 'in', ids)
      .where('is_confidential', '=', 1)
      .execute()
    return rows.map((row) => ({ id: row.id, bond: row.bond, sender: row.sender_recipient }))
  }
}

function nobodyOpens(): Failure {
  return new Failure(
    'unavailable',
    'Nobody at the newsroom can open what is confidential yet, so nothing was taken in. Please try again later.',
    { retryAfter: 60, isUndone: true },
  )
}

/** Where something is written for another key than the rest, all of it is to be sealed anew. */
export function stillSealedFor(sealing: Sealing | undefined) {
  if (!sealing) return {}
  return { sealed_for: sql<string | null>`case when sealed_for = ${sealing.desk} then sealed_for end` }
}

/** What is sealed for others than it is for now: what a stranger sent, for instance, when an editor has sent it on. */
export const forSealingAnew = { sealed_for: null }
