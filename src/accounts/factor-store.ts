import type { Noted } from '../audit/security-event.ts'
import { noteIf } from '../audit/store.ts'
import type { Database } from '../db/open.ts'
import type { Passkey } from './editor.ts'
import { hasSecondFactor } from './session-store.ts'

export type FactorStore = ReturnType<typeof factorStore>

/** What editors prove who they are with. Hashes and encrypted secrets only. */
export function factorStore(db: Database) {
  return {
    /** The hash of the editor's passphrase; undefined until there is one. */
    async passphrase(editorId: string): Promise<string | undefined> {
      const row = await account(editorId)
      return row?.passphrase ?? undefined
    },

    /** The encrypted TOTP secret; undefined where there is none. */
    async totp(editorId: string): Promise<string | undefined> {
      const row = await account(editorId)
      return row?.totp_secret ?? undefined
    },

    /** Keeps an encrypted TOTP secret and the hashes of new recovery codes; the old ones are no good any more. */
    async setTotp(
      editorId: string,
      encrypted: string,
      usedStep: number,
      codeHashes: string[],
      noted?: Noted,
    ): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await trx
          .updateTable('editors')
          .set({ totp_secret: encrypted, totp_used: usedStep, wrong_codes: 0 })
          .where('id', '=', editorId)
          .execute()
        await replaceCodes(trx, editorId, codeHashes)
        await noteIf(trx, noted)
      })
    },

    /**
     * Counts a guess at a code of the app, before it is looked at: those at the same moment are all counted. The number of
     * guesses since the last right one; undefined, and not to be looked at, if that were more than `most`.
     */
    async countCode(editorId: string, most: number): Promise<number | undefined> {
      const row = await db
        .updateTable('editors')
        .set((eb) => ({ wrong_codes: eb('wrong_codes', '+', 1) }))
        .where('id', '=', editorId)
        .where('wrong_codes', '<', most)
        .returning('wrong_codes')
        .executeTakeFirst()
      return row?.wrong_codes
    },

    /** The guess that was counted was right. */
    async uncountCode(editorId: string): Promise<void> {
      await db
        .updateTable('editors')
        .set((eb) => ({ wrong_codes: eb('wrong_codes', '-', 1) }))
        .where('id', '=', editorId)
        .where('wrong_codes', '>', 0)
        .execute()
    },

    /** How many codes of the app were wrong since the last sign-in with a second factor. */
    async wrongCodes(editorId: string): Promise<number> {
      return (await account(editorId))?.wrong_codes ?? 0
    },

    /** The editor has proven who they are: what was guessed before counts no more. */
    async forgetWrongCodes(editorId: string): Promise<void> {
      await db
        .updateTable('editors')
        .set({ wrong_codes: 0 })
        .where('id', '=', editorId)
        .where('wrong_codes', '>', 0)
        .execute()
    },

    /** Uses the code of a step of the clock up. False if it, or a later one, was used before. */
    async useTotp(editorId: string, step: number): Promise<boolean> {
      const row = await db
        .updateTable('editors')
        .set({ totp_used: step })
        .where('id', '=', editorId)
        .where((eb) => eb.or([eb('totp_used', 'is', null), eb('totp_used', '<', step)]))
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    /** Gives the TOTP up; recovery codes go with the last second factor. */
    async removeTotp(editorId: string, noted?: Noted): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await trx
          .updateTable('editors')
          .set({ totp_secret: null, totp_used: null })
          .where('id', '=', editorId)
          .execute()
        await dropUnneededCodes(trx, editorId)
        await noteIf(trx, noted)
      })
    },

    async setRecoveryCodes(editorId: string, codeHashes: string[], noted?: Noted): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await replaceCodes(trx, editorId, codeHashes)
        await noteIf(trx, noted)
      })
    },

    /** Uses a recovery code up. False if there is no such code. */
    async useRecoveryCode(editorId: string, codeHash: string): Promise<boolean> {
      const row = await db
        .deleteFrom('recovery_codes')
        .where('editor_id', '=', editorId)
        .where('code_hash', '=', codeHash)
        .returning('code_hash')
        .executeTakeFirst()
      return row !== undefined
    },

    /** How many recovery codes are left. */
    async recoveryCodesLeft(editorId: string): Promise<number> {
      const rows = await db
        .selectFrom('recovery_codes')
        .select('code_hash')
        .where('editor_id', '=', editorId)
        .execute()
      return rows.length
    },

    async passkeys(editorId: string): Promise<Passkey[]> {
      const rows = await db
        .selectFrom('passkeys')
        .selectAll()
        .where('editor_id', '=', editorId)
        .orderBy('created_at')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        editorId: row.editor_id,
        publicKey: row.public_key,
        counter: row.counter,
        name: row.name,
        host: row.host,
        createdAt: row.created_at,
        usedAt: row.used_at,
      }))
    },

    async usePasskey(id: string, counter: number, now: number): Promise<void> {
      await db.updateTable('passkeys').set({ counter, used_at: now }).where('id', '=', id).execute()
    },

    async hasSecond(editorId: string): Promise<boolean> {
      return hasSecondFactor(db, editorId)
    },

    /** True if the editor has something of their own to sign in with: a passphrase or a passkey. */
    async hasSetUp(editorId: string): Promise<boolean> {
      if ((await account(editorId))?.passphrase) return true
      const passkey = await db
        .selectFrom('passkeys')
        .select('id')
        .where('editor_id', '=', editorId)
        .limit(1)
        .executeTakeFirst()
      return passkey !== undefined
    },
  }

  async function account(editorId: string) {
    return db
      .selectFrom('editors')
      .select(['passphrase', 'totp_secret', 'wrong_codes'])
      .where('id', '=', editorId)
      .executeTakeFirst()
  }
}

/** What is kept of the editor's passphrase. */
export async function readPassphrase(db: Database, editorId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('editors')
    .select('passphrase')
    .where('id', '=', editorId)
    .executeTakeFirst()
  return row?.passphrase ?? undefined
}

/** Keeps the hash of an editor's passphrase. Links that were mailed before sign in no more. */
export async function writePassphrase(trx: Database, editorId: string, hash: string): Promise<void> {
  await trx.updateTable('editors').set({ passphrase: hash }).where('id', '=', editorId).execute()
  await trx.deleteFrom('sign_in_links').where('editor_id', '=', editorId).execute()
}

export async function insertPasskey(trx: Database, passkey: Omit<Passkey, 'usedAt'>): Promise<void> {
  await trx
    .insertInto('passkeys')
    .values({
      id: passkey.id,
      editor_id: passkey.editorId,
      public_key: passkey.publicKey,
      counter: passkey.counter,
      name: passkey.name,
      host: passkey.host,
      created_at: passkey.createdAt,
    })
    .execute()
}

/** Gives a passkey up; recovery codes go with the last second factor. */
export async function deletePasskey(trx: Database, editorId: string, id: string): Promise<void> {
  await trx.deleteFrom('passkeys').where('editor_id', '=', editorId).where('id', '=', id).execute()
  await dropUnneededCodes(trx, editorId)
}

/** Takes an account's passphrase and second factors away, so that a link alone lets its editor in. */
export async function resetFactors(trx: Database, editorId: string): Promise<void> {
  await trx
    .updateTable('editors')
    .set({ passphrase: null, totp_secret: null, totp_used: null, wrong_codes: 0 })
    .where('id', '=', editorId)
    .execute()
  for (const table of ['passkeys', 'recovery_codes', 'sessions', 'sign_in_links'] as const)
    await trx.deleteFrom(table).where('editor_id', '=', editorId).execute()
}

async function replaceCodes(trx: Database, editorId: string, codeHashes: string[]): Promise<void> {
  await trx.deleteFrom('recovery_codes').where('editor_id', '=', editorId).execute()
  if (codeHashes.length === 0) return
  await trx
    .insertInto('recovery_codes')
    .values(codeHashes.map((code_hash) => ({ code_hash, editor_id: editorId })))
    .execute()
}

async function dropUnneededCodes(trx: Database, editorId: string): Promise<void> {
  if (await hasSecondFactor(trx, editorId)) return
  await trx.deleteFrom('recovery_codes').where('editor_id', '=', editorId).execute()
}
