import type { Database } from '../db/open.ts'
import type { Recipient } from './types.ts'

/**
 * The same, if somebody has a way to open what is encrypted for it: a holder with a passphrase, a passkey or a link, or the
 * recovery sheet.
 */
export async function openableDeskKey(db: Database): Promise<Recipient | undefined> {
  const row = await db
    .selectFrom('desk_keys')
    .select('recipient')
    .where('retired_at', 'is', null)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('key_grants')
          .innerJoin('key_holders', 'key_holders.id', 'key_grants.holder_id')
          .leftJoin('key_wraps', 'key_wraps.holder_id', 'key_holders.id')
          .select('key_holders.id')
          .whereRef('desk_key', '=', 'desk_keys.recipient')
          .where('standing', '=', 'in')
          .where((or) => or.or([or('editor_id', 'is', null), or('key_wraps.id', 'is not', null)])),
      ),
    )
    .executeTakeFirst()
  return row?.recipient
}
