import type { Noted } from '../audit/security-event.ts'
import { noteIf } from '../audit/store.ts'
import { Failure } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { isDuplicate } from '../db/errors.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { ApiToken, NewApiToken } from './api-token.ts'

export type ApiTokenStore = ReturnType<typeof apiTokenStore>

/** How exactly the last use of a token is known. */
const exactness = 60_000

/** The API's tokens, by their hashes. */
export function apiTokenStore(db: Database) {
  return {
    /** @throws Failure `conflict` if a token that is not revoked has this name. */
    async add(
      { name, tokenHash, hourlyLimit, hookUrl }: NewApiToken,
      now: number,
      noted?: Noted,
    ): Promise<ApiToken> {
      const row = {
        id: newId(now),
        name,
        token_hash: tokenHash,
        hourly_limit: hourlyLimit,
        hook_url: hookUrl,
        created_at: now,
        used_at: null,
        revoked_at: null,
      }
      await db
        .transaction()
        .execute(async (trx) => {
          await trx.insertInto('api_tokens').values(row).execute()
          await noteIf(trx, noted)
        })
        .catch((error: unknown) => {
          if (!isDuplicate(error)) throw error
          throw new Failure('conflict', 'There is a token of this name already.')
        })
      return tokenOf(row)
    },

    /** Those that are not revoked, by name. */
    async active(): Promise<ApiToken[]> {
      const rows = await db
        .selectFrom('api_tokens')
        .selectAll()
        .where('revoked_at', 'is', null)
        .orderBy('name')
        .execute()
      return rows.map(tokenOf)
    },

    async byHash(tokenHash: string): Promise<ApiToken | undefined> {
      const row = await db
        .selectFrom('api_tokens')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return row && tokenOf(row)
    },

    async byId(id: string): Promise<ApiToken | undefined> {
      const row = await db
        .selectFrom('api_tokens')
        .selectAll()
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return row && tokenOf(row)
    },

    /** Remembers, to the minute, when the token was last used. */
    async used(token: ApiToken, now: number): Promise<void> {
      if (token.usedAt !== null && now - token.usedAt < exactness) return
      await db.updateTable('api_tokens').set({ used_at: now }).where('id', '=', token.id).execute()
    },

    /** False if there is no such token. */
    async revoke(name: string, now: number, noted?: Noted): Promise<boolean> {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('api_tokens')
          .set({ revoked_at: now })
          .where('name', '=', name)
          .where('revoked_at', 'is', null)
          .returning('id')
          .executeTakeFirst()
        if (row) await noteIf(trx, noted)
        return row !== undefined
      })
    },
  }
}

function tokenOf(row: Tables['api_tokens']): ApiToken {
  return {
    id: row.id,
    name: row.name,
    hourlyLimit: row.hourly_limit,
    hookUrl: row.hook_url,
    createdAt: row.created_at,
    usedAt: row.used_at,
  }
}
