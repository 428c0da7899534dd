import { v7 as newId } from 'uuid'
import type { Database } from './database.ts'
import { insertDeliveries } from './record.ts'

export type EditorStore = ReturnType<typeof editorStore>

export type Editor = { id: string; email: string }

/** The editors' accounts. Addresses are compared without regard to case. */
export function editorStore(db: Database) {
  return {
    async active(): Promise<Editor[]> {
      return db
        .selectFrom('editors')
        .select(['id', 'email'])
        .where('removed_at', 'is', null)
        .orderBy('id')
        .execute()
    },

    async byEmail(email: string): Promise<Editor | undefined> {
      return db
        .selectFrom('editors')
        .select(['id', 'email'])
        .where('email', '=', email.trim().toLowerCase())
        .where('removed_at', 'is', null)
        .executeTakeFirst()
    },

    async byId(id: string): Promise<Editor | undefined> {
      return db
        .selectFrom('editors')
        .select(['id', 'email'])
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .executeTakeFirst()
    },

    /** Makes the account, or brings a removed one back. */
    async add(email: string, now: number): Promise<Editor> {
      return db
        .insertInto('editors')
        .values({ id: newId(), email: email.trim().toLowerCase(), created_at: now })
        .onConflict((oc) => oc.column('email').doUpdateSet({ removed_at: null }))
        .returning(['id', 'email'])
        .executeTakeFirstOrThrow()
    },

    /** Ends the account with its sessions and links. False if there was none. */
    async remove(email: string, now: number): Promise<boolean> {
      const editor = await this.byEmail(email)
      if (!editor) return false
      await db.transaction().execute(async (trx) => {
        await trx.updateTable('editors').set({ removed_at: now }).where('id', '=', editor.id).execute()
        await trx.deleteFrom('sessions').where('editor_id', '=', editor.id).execute()
        await trx.deleteFrom('sign_in_links').where('editor_id', '=', editor.id).execute()
      })
      return true
    },

    /** Makes the first editors, each with a sign-in mail, where there has never been one. Says who was made. */
    async addFirst(emails: string[], now: number): Promise<Editor[]> {
      return db.transaction().execute(async (trx) => {
        const { n } = await trx
          .selectFrom('editors')
          .select((eb) => eb.fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
        if (Number(n) > 0 || emails.length === 0) return []
        const unique = [...new Set(emails.map((email) => email.toLowerCase()))]
        const made = await trx
          .insertInto('editors')
          .values(unique.map((email) => ({ id: newId(), email, created_at: now })))
          .onConflict((oc) => oc.column('email').doNothing())
          .returning(['id', 'email'])
          .execute()
        const mails = made.map(({ id }) => ({ purpose: 'sign-in' as const, editorId: id }))
        await insertDeliveries(trx, mails, now)
        return made
      })
    },
  }
}
