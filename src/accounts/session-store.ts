import type { SecurityEvent } from '../audit/security-event.ts'
import { noteSecurityEvent } from '../audit/store.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { SessionWay } from '../db/values.ts'
import type { Editor, ListedSession, SessionFacts, SessionLimits } from './editor.ts'
import { editorOf } from './editor-store.ts'

/** Who sits at the desk by a session, and their identity, encrypted under the session's token. */
type Seated = { editor: Editor; secret: string | null; session: SessionFacts }

/** How a session is begun: by what, and whether its editor has proved with that who they are. */
type Beginning = { way: SessionWay; isConfirmed: boolean }

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

    /** Whose link this is, while it can still be used. */
    async linkFor(tokenHash: string, now: number): Promise<string | undefined> {
      const row = await db
        .selectFrom('sign_in_links')
        .select('editor_id')
        .where('token_hash', '=', tokenHash)
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row?.editor_id
    },

    /**
     * Uses the link up, once for all, and begins a session, which waits for the second factor where the editor has one.
     * Undefined if the link is no good.
     */
    async useLink(
      tokenHash: string,
      sessionHash: string,
      secret: string | null,
      now: number,
      beginning: Beginning = { way: 'link', isConfirmed: false },
    ): Promise<{ editorId: string; waitsForFactor: boolean } | undefined> {
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
        const waitsForFactor = await begin(trx, sessionHash, used.editor_id, secret, beginning, now)
        return { editorId: used.editor_id, waitsForFactor }
      })
    },

    /** Begins a session. True if it waits for the editor's second factor. */
    async begin(
      sessionHash: string,
      editorId: string,
      secret: string | null,
      now: number,
      beginning: Beginning = { way: 'passphrase', isConfirmed: true },
    ): Promise<boolean> {
      return db.transaction().execute((trx) => begin(trx, sessionHash, editorId, secret, beginning, now))
    },

    /** Whose second factor this session waits for. */
    async waitingEditor(sessionHash: string, begunSince: number): Promise<Seated | undefined> {
      const row = await sessions(db, sessionHash)
        .where('sessions.created_at', '>', begunSince)
        .where('waits_for_factor', '=', 1)
        .executeTakeFirst()
      return row && { editor: editorOf(row), secret: row.secret, session: factsOf(row) }
    },

    /** The second factor was right: begins the session anew, under another token. A passkey proves who it is. */
    async complete(
      waitingHash: string,
      sessionHash: string,
      secret: string | null,
      now: number,
      { isPasskey } = { isPasskey: false },
    ): Promise<void> {
      await db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('sessions')
          .set({
            token_hash: sessionHash,
            secret,
            waits_for_factor: 0,
            created_at: now,
            seen_at: now,
            challenge: null,
            ...(isPasskey && { confirmed_at: now }),
          })
          .where('token_hash', '=', waitingHash)
          .where('waits_for_factor', '=', 1)
          .returning(['editor_id', 'begun_by'])
          .executeTakeFirst()
        if (row) await noteSignIn(trx, row.editor_id, row.begun_by, now)
      })
    },

    /** Their editor has proved in this session who they are. */
    async confirm(sessionHash: string, now: number): Promise<void> {
      await db
        .updateTable('sessions')
        .set({ confirmed_at: now })
        .where('token_hash', '=', sessionHash)
        .execute()
    },

    /** Keeps what a passkey is asked to sign in this session. */
    async challenge(sessionHash: string, challenge: string): Promise<void> {
      await db.updateTable('sessions').set({ challenge }).where('token_hash', '=', sessionHash).execute()
    },

    /** What a passkey was asked to sign, once. */
    async takeChallenge(sessionHash: string): Promise<string | undefined> {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('sessions')
          .select('challenge')
          .where('token_hash', '=', sessionHash)
          .executeTakeFirst()
        await trx
          .updateTable('sessions')
          .set({ challenge: null })
          .where('token_hash', '=', sessionHash)
          .execute()
        return row?.challenge ?? undefined
      })
    },

    /**
     * The editor of a good session, with what opens for them as it is kept; marks it as seen unless only asked whether
     * it is still good.
     */
    async seated(sessionHash: string, limits: SessionLimits, isSeen = true): Promise<Seated | undefined> {
      const row = await sessions(db, sessionHash)
        .where('sessions.created_at', '>', limits.begunSince)
        .where('sessions.seen_at', '>', limits.seenSince)
        .where('waits_for_factor', '=', 0)
        .executeTakeFirst()
      if (!row) return undefined
      // A commit a minute is enough to tell an idle session from a used one.
      if (isSeen && limits.now - row.seen_at > 60_000) await see(db, sessionHash, limits.now)
      return { editor: editorOf(row), secret: row.secret, session: factsOf(row) }
    },

    /** Keeps what opens, encrypted under the session's token, from now on. */
    async open(sessionHash: string, secret: string, event?: SecurityEvent, now = 0): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await trx.updateTable('sessions').set({ secret }).where('token_hash', '=', sessionHash).execute()
        if (event) await noteSecurityEvent(trx, event, now)
      })
    },

    /** The good sessions of an editor, the last used first. */
    async of(editorId: string, sessionHash: string, limits: SessionLimits): Promise<ListedSession[]> {
      const rows = await db
        .selectFrom('sessions')
        .select(['token_hash', 'created_at', 'seen_at', 'begun_by'])
        .where('editor_id', '=', editorId)
        .where('created_at', '>', limits.begunSince)
        .where('seen_at', '>', limits.seenSince)
        .where('waits_for_factor', '=', 0)
        .orderBy('seen_at', 'desc')
        .execute()
      return rows.map((row) => ({
        createdAt: row.created_at,
        seenAt: row.seen_at,
        isThis: row.token_hash === sessionHash,
        way: row.begun_by,
      }))
    },

    async end(sessionHash: string): Promise<void> {
      await db.deleteFrom('sessions').where('token_hash', '=', sessionHash).execute()
    },

    /** Ends all sessions of an editor but this one. */
    async endOthers(editorId: string, sessionHash: string): Promise<void> {
      await endSessions(db, editorId, sessionHash)
    },
  }
}

function sessions(db: Database, sessionHash: string) {
  return db
    .selectFrom('sessions')
    .innerJoin('editors', 'editors.id', 'sessions.editor_id')
    .select([
      'editors.id',
      'email',
      'name',
      'role',
      'policy',
      'seen_at',
      'secret',
      'sessions.created_at as began_at',
      'begun_by',
      'confirmed_at',
    ])
    .where('token_hash', '=', sessionHash)
    .where('removed_at', 'is', null)
}

async function begin(
  trx: Database,
  sessionHash: string,
  editorId: string,
  secret: string | null,
  { way, isConfirmed }: Beginning,
  now: number,
): Promise<boolean> {
  const waitsForFactor = await hasSecondFactor(trx, editorId)
  await trx
    .insertInto('sessions')
    .values({
      token_hash: sessionHash,
      editor_id: editorId,
      created_at: now,
      seen_at: now,
      waits_for_factor: waitsForFactor ? 1 : 0,
      secret,
      begun_by: way,
      confirmed_at: isConfirmed ? now : null,
    })
    .execute()
  if (!waitsForFactor) await noteSignIn(trx, editorId, way, now)
  return waitsForFactor
}

function noteSignIn(trx: Database, editorId: string, way: SessionWay | null, now: number): Promise<void> {
  return noteSecurityEvent(trx, { action: 'signed-in', editorId, ...(way && { detail: way }) }, now)
}

/** Ends the sessions of an editor, all or all but one. */
export async function endSessions(db: Database, editorId: string, except?: string): Promise<void> {
  let ending = db.deleteFrom('sessions').where('editor_id', '=', editorId)
  if (except !== undefined) ending = ending.where('token_hash', '!=', except)
  await ending.execute()
}

function factsOf(
  row: Pick<Tables['sessions'], 'begun_by' | 'confirmed_at'> & { began_at: number },
): SessionFacts {
  return { beganAt: row.began_at, way: row.begun_by, confirmedAt: row.confirmed_at }
}

/** True if the editor proves more than a passphrase or a mailbox when signing in. */
export async function hasSecondFactor(db: Database, editorId: string): Promise<boolean> {
  const totp = await db
    .selectFrom('editors')
    .select('id')
    .where('id', '=', editorId)
    .where('totp_secret', 'is not', null)
    .executeTakeFirst()
  if (totp) return true
  const passkey = await db
    .selectFrom('passkeys')
    .select('id')
    .where('editor_id', '=', editorId)
    .limit(1)
    .executeTakeFirst()
  return passkey !== undefined
}

async function see(db: Database, sessionHash: string, now: number): Promise<void> {
  await db.updateTable('sessions').set({ seen_at: now }).where('token_hash', '=', sessionHash).execute()
}
