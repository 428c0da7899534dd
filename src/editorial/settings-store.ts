import { z } from 'zod'
import type { SecurityEvent } from '../audit/security-event.ts'
import { noteSecurityEvent } from '../audit/store.ts'
import { Failure } from '../core/errors.ts'
import type { Database } from '../db/open.ts'
import { defaultRetention, RetentionRules } from '../submissions/retention-rules.ts'
import { defaultLetters, type Letter, type LetterName, letters, type Versioned } from './letter-templates.ts'

const StoredLetter = z.object({ subject: z.string(), body: z.string(), isOn: z.boolean() })

/** After so many hours a submission that nobody has claimed is brought before the admins. */
const defaultEscalation = 24

/** For so long a reply by mail can be stopped before the sender is told; in seconds. */
const defaultReplyWait = 120

export type SettingStore = ReturnType<typeof settingStore>

/**
 * What the newsroom has chosen at the desk: the wording of its letters, when unclaimed submissions are escalated, how
 * long submissions are kept, how long replies by mail wait, what encrypted mail may carry.
 */
export function settingStore(db: Database) {
  return {
    async letter(name: LetterName): Promise<Versioned<Letter>> {
      const row = await read(db, `letter ${name}`)
      if (!row) return { value: defaultLetters[name], revision: 0 }
      return { value: StoredLetter.parse(JSON.parse(row.value)), revision: row.revision }
    },

    async letters(): Promise<Record<LetterName, Versioned<Letter>>> {
      const all = await Promise.all(letters.map(async (name) => [name, await this.letter(name)] as const))
      return Object.fromEntries(all) as Record<LetterName, Versioned<Letter>>
    },

    /** @throws Failure `conflict` if the letter is no longer at this revision. */
    async saveLetter(
      name: LetterName,
      letter: Letter,
      revision: number,
      now: number,
      event?: SecurityEvent,
    ): Promise<void> {
      await write(db, `letter ${name}`, JSON.stringify(letter), revision, now, event)
    },

    /** Hours after which an unclaimed submission is escalated; 0 for never. */
    async escalationHours(): Promise<Versioned<number>> {
      const row = await read(db, 'escalation hours')
      if (!row) return { value: defaultEscalation, revision: 0 }
      return { value: Number(row.value), revision: row.revision }
    },

    /** After how many days what is erased. */
    async retention(): Promise<Versioned<RetentionRules>> {
      const row = await read(db, 'retention')
      if (!row) return { value: defaultRetention, revision: 0 }
      return { value: RetentionRules.parse(JSON.parse(row.value)), revision: row.revision }
    },

    /** @throws Failure `conflict` if they are no longer at this revision. */
    async saveRetention(
      rules: RetentionRules,
      revision: number,
      now: number,
      event?: SecurityEvent,
    ): Promise<void> {
      await write(db, 'retention', JSON.stringify(rules), revision, now, event)
    },

    /** @throws Failure `conflict` if it is no longer at this revision. */
    async saveEscalationHours(
      hours: number,
      revision: number,
      now: number,
      event?: SecurityEvent,
    ): Promise<void> {
      await write(db, 'escalation hours', String(hours), revision, now, event)
    },

    /** Seconds for which an editor's reply by mail waits before it goes to the sender. */
    async replyWait(): Promise<Versioned<number>> {
      const row = await read(db, 'reply wait')
      if (!row) return { value: defaultReplyWait, revision: 0 }
      return { value: Number(row.value), revision: row.revision }
    },

    /** @throws Failure `conflict` if it is no longer at this revision. */
    async saveReplyWait(
      seconds: number,
      revision: number,
      now: number,
      event?: SecurityEvent,
    ): Promise<void> {
      await write(db, 'reply wait', String(seconds), revision, now, event)
    },

    /** Whether encrypted mail to editors may carry what is confidential. */
    async confidentialByMail(): Promise<Versioned<boolean>> {
      const row = await read(db, 'confidential by mail')
      return { value: row?.value === 'yes', revision: row?.revision ?? 0 }
    },

    /** @throws Failure `conflict` if it is no longer at this revision. */
    async saveConfidentialByMail(
      may: boolean,
      revision: number,
      now: number,
      event?: SecurityEvent,
    ): Promise<void> {
      await write(db, 'confidential by mail', may ? 'yes' : 'no', revision, now, event)
    },
  }
}

async function read(db: Database, name: string) {
  return db.selectFrom('settings').select(['value', 'revision']).where('name', '=', name).executeTakeFirst()
}

async function write(
  db: Database,
  name: string,
  value: string,
  revision: number,
  now: number,
  event: SecurityEvent | undefined,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await writeIn(trx, name, value, revision, now)
    if (event) await noteSecurityEvent(trx, event, now)
  })
}

async function writeIn(
  trx: Database,
  name: string,
  value: string,
  revision: number,
  now: number,
): Promise<void> {
  const written = await trx
    .insertInto('settings')
    .values({ name, value, revision: 1, changed_at: now })
    .onConflict((oc) =>
      oc
        .column('name')
        .doUpdateSet({ value, revision: revision + 1, changed_at: now })
        .where('settings.revision', '=', revision),
    )
    .returning('revision')
    .executeTakeFirst()
  const isOurs = written?.revision === revision + 1
  if (!isOurs) throw new Failure('conflict', 'Somebody saved this meanwhile.')
}
