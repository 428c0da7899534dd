import type { Database } from '../../../db/open.ts'
import type { Step } from '../../../db/values.ts'
import type { ProcessKey } from '../../../encryption/types.ts'
import type { Draft, DraftItem, DraftToSubmit, UpdateName } from '../draft.ts'
import { digestOf, draftOf, draftToSubmitOf, itemOf } from './rows.ts'

/** `digest` is that of its words and files. */
type ItemFate = {
  digest: string
  editedAt: number
  field: Step | null
  state: Draft['state']
  isTaken: boolean
  /** What it was gathered for is, or will be, encrypted. */
  isEncrypted: boolean
  /** The submission that it goes on with; empty for a new one. */
  joins: string
  submissionId: string | null
}

/** What chats have gathered, and what became of it. */
export function draftReads(db: Database, processKey: ProcessKey) {
  return {
    /** What the chat has open: a new submission, and replies. */
    async ofChat(chat: string): Promise<Draft[]> {
      const rows = await db
        .selectFrom('drafts')
        .selectAll()
        .where('chat', '=', chat)
        .where('state', '=', 'open')
        .orderBy('joins')
        .execute()
      return rows.map(draftOf)
    },

    async byId(id: string): Promise<DraftToSubmit | undefined> {
      const row = await db.selectFrom('drafts').selectAll().where('id', '=', id).executeTakeFirst()
      return row && draftToSubmitOf(row, processKey)
    },

    /** When something last joined a piece of this chat, milliseconds; 0 for never. */
    async lastHeardAt(chat: string): Promise<number> {
      const row = await db
        .selectFrom('drafts')
        .select((eb) => eb.fn.max('heard_at').as('at'))
        .where('chat', '=', chat)
        .executeTakeFirst()
      return Number(row?.at ?? 0)
    },

    /**
     * The parts of a submission that have not been taken into a message yet: those that make it, or those that came
     * late.
     */
    async items(draftId: string, isLate = false): Promise<DraftItem[]> {
      const rows = await db
        .selectFrom('draft_items')
        .selectAll()
        .where('draft_id', '=', draftId)
        .where('is_taken', '=', 0)
        .where('is_late', '=', isLate ? 1 : 0)
        .orderBy('message_id')
        .execute()
      return rows.map((row) => itemOf(row, processKey))
    },

    /** What a draft has of each sort. Without what it says. */
    async sorts(draftId: string): Promise<Pick<DraftItem, 'field' | 'sort'>[]> {
      return db.selectFrom('draft_items').select(['field', 'sort']).where('draft_id', '=', draftId).execute()
    },

    /**
     * True if an edit says nothing that was not known. What another process knew in confidence cannot be compared any more:
     * then it is told by when the words were last changed.
     */
    isKnown(
      { digest, editedAt }: ItemFate,
      item: Pick<DraftItem, 'words' | 'files' | 'rawUpdate' | 'editedAt'>,
    ): boolean {
      const plain = digestOf(item)
      if (digest === plain || digest === processKey.digest(plain)) return true
      return isHidden(digest) && !processKey.isOurs(digest) && editedAt >= item.editedAt
    },

    /** Tells something that was said from something else that was, within this process only. */
    digestOf: (content: string): string => processKey.digest(content),

    /** The keys of those files that were taken in before, with the same message. */
    async knownFiles(names: UpdateName[]): Promise<Set<string>> {
      if (names.length === 0) return new Set()
      const rows = await db
        .selectFrom('seen_updates')
        .select('update_id')
        .where((eb) => eb.or(names.map(({ bot, key }) => eb.and({ bot, update_id: key }))))
        .execute()
      return new Set(rows.map((row) => row.update_id))
    },

    /** What became of the part that this message was, if it was one. */
    async fateOf(chat: string, messageId: number): Promise<ItemFate | undefined> {
      const row = await db
        .selectFrom('draft_items')
        .innerJoin('drafts', 'drafts.id', 'draft_items.draft_id')
        .select([
          'digest',
          'field',
          'is_taken',
          'edited_at',
          'drafts.state',
          'joins',
          'context_id',
          'drafts.submission_id',
        ])
        .where('draft_items.chat', '=', chat)
        .where('draft_items.message_id', '=', messageId)
        .executeTakeFirst()
      if (!row) return undefined
      const { digest, field, state, joins, edited_at: editedAt, submission_id: submissionId } = row
      const [isTaken, isEncrypted] = [row.is_taken === 1, row.context_id !== '']
      return { digest, editedAt, field, state, joins, isTaken, isEncrypted, submissionId }
    },
  }
}

/** A digest that only the process that made it can compare. */
function isHidden(digest: string): boolean {
  return digest.includes('.')
}
