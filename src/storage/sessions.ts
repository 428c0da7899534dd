import type { Database } from './database.ts'
import type { Editor } from './editors.ts'

export type SessionStore = ReturnType<typeof sessionStore>

/** One-time sign-in links and signed-in sessions, by the hashes of their tokens. */
export function sessionStore(db: Database) {
  return {
    async addLink(tokenHash: string, editorId: string, expiresAt: number): Promise<void> {
      await db
        .insertInto('sign_in_links')
        .values({ token_hash: tokenHash, editor_id: editorId, expires_at: expiresAt })
        .execute()
    },

    /** True while the link can still be used. */
    async linkIsGood(tokenHash: string, now: number): Promise<boolean> {
      const row = await db
        .selectFrom('sign_in_links')
        .select('editor_id')
        .where('token_hash', '=', tokenHash)
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row !== undefined
    },

    /** Uses the link up, once for all, and begins a session; says whose, or undefined if the link is no good. */
    async useLink(tokenHash: string, sessionHash: string, now: number): Promise<string | undefined> {
      return db.transaction().execute(async (trx) => {
        const used = await trx
          .updateTable('sign_in_links')
          .set({ used_at: now })
          .where('token_hash', '=', tokenHash)
          .where('used_at', 'is', null)
          .where('expires_at', '>', now)
          .returning('editor_id')
          .executeTakeFirst()
        if (!used) return undefined
        const { editor_id } = used
        await trx
          .insertInto('sessions')
          .values({ token_hash: sessionHash, editor_id, created_at: now, seen_at: now })
          .execute()
        return editor_id
      })
    },

    /** The editor of a session begun since `begunSince` and seen since `seenSince`; marks it as seen. */
    async editorOf(
      sessionHash: string,
      limits: { begunSince: number; seenSince: number; now: number },
    ): Promise<Editor | undefined> {
      const row = await db
        .selectFrom('sessions')
        .innerJoin('editors', 'editors.id', 'sessions.editor_id')
        .select(['editors.id', 'editors.email', 'sessions.seen_at'])
        .where('sessions.token_hash', '=', sessionHash)
        .where('sessions.created_at', '>', limits.begunSince)
        .where('sessions.seen_at', '>', limits.seenSince)
        .where('editors.removed_at', 'is', null)
        .executeTakeFirst()
      if (!row) return undefined
      // A commit a minute is enough to tell an idle session from a used one.
      if (limits.now - row.seen_at > 60_000) await see(db, sessionHash, limits.now)
      return { id: row.id, email: row.email }
    },

    async end(sessionHash: string): Promise<void> {
      await db.deleteFrom('sessions').where('token_hash', '=', sessionHash).execute()
    },

    /** Forgets what can no longer be used. */
    async forgetOld(begunBefore: number, now: number): Promise<void> {
      await db.deleteFrom('sessions').where('created_at', '<=', begunBefore).execute()
      await db.deleteFrom('sign_in_links').where('expires_at', '<=', now).execute()
    },
  }
}

async function see(db: Database, sessionHash: string, now: number): Promise<void> {
  await db.updateTable('sessions').set({ seen_at: now }).where('token_hash', '=', sessionHash).execute()
}
