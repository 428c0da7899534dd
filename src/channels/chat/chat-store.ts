import type { Database } from '../../db/open.ts'
import type { Submission } from '../../submissions/model.ts'
import { isThere, submissionOf } from '../../submissions/store.ts'

export type ChatStore = ReturnType<typeof chatStore>

/** How many submissions a chat is shown. */
const listed = 10

/**
 * What is known of chats, each by a keyed hash: their sessions, their submissions, and which of our messages answered
 * which.
 */
export function chatStore(db: Database) {
  return {
    /** Sessions in the form that grammY's session storage has. */
    sessions: {
      async read(chat: string): Promise<{ language?: string } | undefined> {
        const row = await db
          .selectFrom('chat_sessions')
          .select('value')
          .where('chat', '=', chat)
          .executeTakeFirst()
        return row && JSON.parse(row.value)
      },

      async write(chat: string, session: { language?: string }): Promise<void> {
        const value = JSON.stringify(session)
        await db
          .insertInto('chat_sessions')
          .values({ chat, value })
          .onConflict((oc) => oc.column('chat').doUpdateSet({ value }))
          .execute()
      },

      async delete(chat: string): Promise<void> {
        await db.deleteFrom('chat_sessions').where('chat', '=', chat).execute()
      },
    },

    /** The submissions that this chat sent or was linked to, the newest first. */
    async submissions(chat: string): Promise<Submission[]> {
      const rows = await db
        .selectFrom('chat_submissions')
        .innerJoin('submissions', 'submissions.id', 'chat_submissions.submission_id')
        .selectAll('submissions')
        .where('chat', '=', chat)
        .orderBy('submissions.id', 'desc')
        .limit(listed)
        .execute()
      return rows.map(submissionOf)
    },

    async link(chat: string, submissionId: string): Promise<void> {
      await db
        .insertInto('chat_submissions')
        .values({ chat, submission_id: submissionId })
        .onConflict((oc) => oc.doNothing())
        .execute()
    },

    /**
     * Remembers that this message of the bot is about the submission: a reply to it joins that. `answeredAt` for an
     * editor's answer.
     */
    async remember(
      chat: string,
      messageId: number,
      submissionId: string,
      answeredAt: number | null,
    ): Promise<void> {
      await db.transaction().execute(async (trx) => {
        // It may have been erased while it was spoken of.
        if (!(await isThere(trx, submissionId))) return
        await trx
          .insertInto('chat_answers')
          .values({ chat, message_id: messageId, submission_id: submissionId, answered_at: answeredAt })
          .onConflict((oc) => oc.doNothing())
          .execute()
      })
    },

    async answered(chat: string, messageId: number): Promise<string | undefined> {
      const row = await db
        .selectFrom('chat_answers')
        .select('submission_id')
        .where('chat', '=', chat)
        .where('message_id', '=', messageId)
        .executeTakeFirst()
      return row?.submission_id
    },

    /** The submission that an editor last answered since then. */
    async lastAnswered(chat: string, since: number): Promise<string | undefined> {
      const row = await db
        .selectFrom('chat_answers')
        .select('submission_id')
        .where('chat', '=', chat)
        .where('answered_at', '>', since)
        .orderBy('answered_at', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.submission_id
    },
  }
}
