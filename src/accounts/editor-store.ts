import { sql } from 'kysely'
import type { Noted } from '../audit/security-event.ts'
import { noteIf } from '../audit/store.ts'
import { Failure } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { Database } from '../db/open.ts'
import type { Tables } from '../db/schema.ts'
import type { Role } from '../db/values.ts'
import { insertJobs } from '../jobs/enqueue-store.ts'
import type { Colleague, Editor } from './editor.ts'
import { defaultPolicy, NoticePolicy, nextDigestAt } from './notification-policy.ts'

export type EditorStore = ReturnType<typeof editorStore>

const columns = ['id', 'email', 'name', 'role', 'policy'] as const
type EditorRow = Pick<Tables['editors'], (typeof columns)[number]>

/** The editors' accounts. Addresses are compared without regard to case. */
export function editorStore(db: Database) {
  return {
    /** All who have an account, the oldest first. */
    async active(): Promise<Editor[]> {
      return (await accounts(db).orderBy('id').execute()).map(editorOf)
    },

    /**
     * The same without how they want to hear of things, which is dearer to read than all else: for lists of who there
     * is.
     */
    async team(): Promise<Colleague[]> {
      return accounts(db).clearSelect().select(['id', 'email', 'name', 'role']).orderBy('id').execute()
    },

    async byEmail(email: string): Promise<Editor | undefined> {
      const row = await accounts(db).where('email', '=', normal(email)).executeTakeFirst()
      return row && editorOf(row)
    },

    async byId(id: string): Promise<Editor | undefined> {
      const row = await accounts(db).where('id', '=', id).executeTakeFirst()
      return row && editorOf(row)
    },

    /** What everybody is called who ever had an account, by id. */
    async names(): Promise<Map<string, Pick<Editor, 'name' | 'email'>>> {
      const rows = await db.selectFrom('editors').select(['id', 'email', 'name']).execute()
      return new Map(rows.map(({ id, ...row }) => [id, row]))
    },

    add: (email: string, role: Role, now: number): Promise<Editor> => addEditor(db, email, role, now),

    async rename(id: string, name: string): Promise<void> {
      await db.updateTable('editors').set({ name }).where('id', '=', id).execute()
    },

    /** @throws Failure `conflict` if there would be no admin left. */
    async setRole(id: string, role: Role, noted?: Noted): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await lockAccounts(trx)
        await trx.updateTable('editors').set({ role }).where('id', '=', id).execute()
        await mustHaveAdmin(trx)
        await noteIf(trx, noted)
      })
    },

    /** Keeps how the editor wants to hear of submissions, and puts the next digest into the outbox. */
    async setPolicy(id: string, policy: NoticePolicy, now: number): Promise<void> {
      await db.transaction().execute(async (trx) => {
        await trx
          .updateTable('editors')
          .set({ policy: JSON.stringify(policy), digested_at: now })
          .where('id', '=', id)
          .execute()
        await trx
          .updateTable('jobs')
          .set({ state: 'dropped', done_at: now, error_code: 'policy-changed' })
          .where('editor_id', '=', id)
          .where('type', '=', 'digest')
          .where('state', '=', 'pending')
          .execute()
        await scheduleDigest(trx, { id, policy }, now)
      })
    },

    /**
     * Puts the next digest into the outbox, where it is not there yet, of those who want one among up to `most` editors
     * behind an id. Gives the last id, and how many were looked at.
     */
    async scheduleDigests(
      after: string,
      most: number,
      now: number,
    ): Promise<{ last: string; count: number }> {
      const rows = await accounts(db)
        .select((eb) =>
          eb
            .exists(
              eb
                .selectFrom('jobs')
                .select('jobs.id')
                .whereRef('editor_id', '=', 'editors.id')
                .where('type', '=', 'digest')
                .where(waitsAsDigest),
            )
            .as('waits'),
        )
        .where('id', '>', after)
        .orderBy('id')
        .limit(most)
        .execute()
      const missing = rows.filter(({ waits }) => !waits).map(editorOf)
      const wanting = missing.filter(({ policy }) => policy.rhythm === 'digest')
      if (wanting.length > 0) {
        await db.transaction().execute(async (trx) => {
          for (const editor of wanting) await scheduleDigest(trx, editor, now)
        })
      }
      return { last: rows.at(-1)?.id ?? after, count: rows.length }
    },

    /** Up to when the editor's last digest told; undefined if there was none. */
    async digestedAt(id: string): Promise<number | undefined> {
      const row = await db.selectFrom('editors').select('digested_at').where('id', '=', id).executeTakeFirst()
      return row?.digested_at ?? undefined
    },

    async digested(id: string, at: number): Promise<void> {
      await db.updateTable('editors').set({ digested_at: at }).where('id', '=', id).execute()
    },

    /**
     * Makes the first editors, where there has never been one. The first of them is the admin. Says who was made.
     */
    async addFirst(emails: string[], now: number): Promise<Editor[]> {
      return db.transaction().execute(async (trx) => {
        const { n } = await trx
          .selectFrom('editors')
          .select((eb) => eb.fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
        if (Number(n) > 0 || emails.length === 0) return []
        const unique = [...new Set(emails.map(normal))]
        const made = await trx
          .insertInto('editors')
          .values(
            unique.map((email, i) => ({
              id: newId(now),
              email,
              created_at: now,
              name: '',
              role: i === 0 ? ('admin' as const) : ('editor' as const),
            })),
          )
          .onConflict((oc) => oc.column('email').doNothing())
          .returning(columns)
          .execute()
        return made.map(editorOf)
      })
    },
  }
}

/**
 * Makes the account, or brings a removed one back: without the factors it had, and in this role. An account that is there
 * stays as it is.
 */
export async function addEditor(db: Database, email: string, role: Role, now: number): Promise<Editor> {
  const row = await db
    .insertInto('editors')
    .values({ id: newId(now), email: normal(email), created_at: now, name: '', role })
    .onConflict((oc) =>
      oc
        .column('email')
        .doUpdateSet({ removed_at: null, role, passphrase: null, totp_secret: null, totp_used: null })
        .where('editors.removed_at', 'is not', null),
    )
    .returning(columns)
    .executeTakeFirst()
  return editorOf(row ?? (await accounts(db).where('email', '=', normal(email)).executeTakeFirstOrThrow()))
}

/**
 * Ends the account with its sessions, links, factors and PGP key, and gives up what it had claimed.
 * @throws Failure `conflict` if there would be no admin left, unless that is wanted.
 */
export async function removeEditor(
  trx: Database,
  id: string,
  now: number,
  { lastAdminToo = false } = {},
): Promise<void> {
  await trx.updateTable('editors').set({ removed_at: now }).where('id', '=', id).execute()
  for (const table of ['sessions', 'sign_in_links', 'recovery_codes', 'passkeys', 'pgp_keys'] as const)
    await trx.deleteFrom(table).where('editor_id', '=', id).execute()
  if (!lastAdminToo) await mustHaveAdmin(trx)
  await trx
    .updateTable('submissions')
    .set({ assignee_id: '' })
    .where('assignee_id', '=', id)
    .where('state', 'in', ['waiting', 'in-review'])
    .execute()
}
// As the partial index has it, literally, so that SQLite sees that it fits.
const waitsAsDigest = sql<boolean>`state = 'pending' and type in ('digest', 'burst-digest')`

function accounts(db: Database) {
  return db.selectFrom('editors').select(columns).where('removed_at', 'is', null)
}

function normal(email: string): string {
  return email.trim().toLowerCase()
}

export function editorOf(row: EditorRow): Editor {
  const { id, email, name, role, policy } = row
  return { id, email, name, role, policy: policy ? NoticePolicy.parse(JSON.parse(policy)) : defaultPolicy }
}

/** Written with what they are, the rows are ours until the transaction ends: two admins cannot demote each other. */
export async function lockAccounts(trx: Database): Promise<void> {
  await trx
    .updateTable('editors')
    .set((eb) => ({ role: eb.ref('role') }))
    .where('removed_at', 'is', null)
    .execute()
}

async function mustHaveAdmin(trx: Database): Promise<void> {
  const admin = await accounts(trx).where('role', '=', 'admin').limit(1).executeTakeFirst()
  if (!admin) throw new Failure('conflict', 'There has to be at least one admin.')
}

async function scheduleDigest(
  trx: Database,
  { id, policy }: Pick<Editor, 'id' | 'policy'>,
  now: number,
): Promise<void> {
  const dueAt = policy.rhythm === 'digest' ? nextDigestAt(policy, now) : undefined
  if (dueAt !== undefined) await insertJobs(trx, [{ type: 'digest', editorId: id, dueAt }], now)
}
