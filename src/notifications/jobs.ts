import type { Editor } from '../accounts/editor.ts'
import type { EditorStore } from '../accounts/editor-store.ts'
import { burst, longestBurst } from '../accounts/notification-policy.ts'
import { type Job, JobError, type Unsent } from '../jobs/job.ts'
import type { Composer } from '../outbound-mail/compose.ts'
import type { Mail } from '../outbound-mail/mail.ts'
import type { Submission } from '../submissions/model.ts'
import type { NoticeStore } from './store.ts'

type NoticeContext = {
  compose: Composer
  send: (mail: Mail, signal: AbortSignal) => Promise<void>
  editors: EditorStore
  notices: NoticeStore
  /** What will be erased soon, of what concerns this editor, at most `most`. */
  soonErased(editorId: string, most: number): Promise<{ submission: Submission; at: number }[]>
  now: () => number
}

type Handled = Promise<Unsent | undefined>

const day = 86_400_000

/** Of what will be erased no more are counted for one mail. */
const mostErased = 500
const seenMeanwhile: Unsent = { skipped: 'seen-meanwhile' }
const nothingNew: Unsent = { skipped: 'nothing-new' }

/** Carries the mails that editors hear by. What nobody needs any more when its time comes is dropped. */
export function noticeHandlers(app: NoticeContext) {
  return {
    async notice(job: Job, signal: AbortSignal): Handled {
      const mail = await app.compose.editorNotice(job)
      if (mail) return sent(mail, signal)
      await app.notices.untell(job.submissionId ?? '', job.editorId ?? '')
      return seenMeanwhile
    },

    async assignment(job: Job, signal: AbortSignal): Handled {
      const mail = await app.compose.assignment(job)
      return mail ? sent(mail, signal) : { skipped: 'given-on' }
    },

    /** The digest at an hour the editor chose. */
    async digest(job: Job, signal: AbortSignal): Handled {
      const editor = await editorOf(job)
      if (editor.policy.rhythm !== 'digest') return { skipped: 'policy-changed' }
      const now = app.now()
      const since = (await app.editors.digestedAt(editor.id)) ?? now - day
      const submissions = await app.notices.unseen(editor.id, editor.policy.kinds, since)
      if (submissions.length === 0) return nothingNew
      const lead = 'This came in since your last digest, and you have not opened it yet.'
      const mail = await app.compose.digest(job, submissions, { subject: digestSubject(submissions), lead })
      await app.send(mail, signal)
      await app.editors.digested(editor.id, now)
      return undefined
    },

    /** One mail for the many submissions of a burst, when it is over or has gone on for long. */
    async burstDigest(job: Job, signal: AbortSignal): Handled {
      const now = app.now()
      const goesOn = (await app.notices.isBurst(now)) && now - job.createdAt < longestBurst
      if (goesOn) return { deferredUntil: now + burst.span / 2 }
      const editor = await editorOf(job)
      const since = job.createdAt - burst.span
      const submissions = await app.notices.unnotified(editor.id, editor.policy.kinds, since)
      if (submissions.length === 0) return nothingNew
      const lead = 'Many pieces came in within a short time, so here they are in one mail.'
      const mail = await app.compose.digest(job, submissions, { subject: digestSubject(submissions), lead })
      await app.send(mail, signal)
      const ids = submissions.map((submission) => submission.id)
      await app.notices.tell(ids, editor.id, now)
      return undefined
    },

    /** Tells an editor what will be erased within a week if nobody does anything. */
    async erasureWarning(job: Job, signal: AbortSignal): Handled {
      const soon = await app.soonErased(job.editorId ?? '', mostErased)
      if (soon.length === 0) return { skipped: 'kept-meanwhile' }
      return sent(await app.compose.erasureWarning(job, soon), signal)
    },

    /** Reminds an admin of submissions that nobody has claimed in time. */
    async escalation(job: Job, signal: AbortSignal): Handled {
      const submissions = await app.notices.escalated(job.createdAt)
      if (submissions.length === 0) return { skipped: 'claimed-meanwhile' }
      const words = {
        subject:
          submissions.length === 1
            ? 'Nobody has claimed a piece yet'
            : `Nobody has claimed ${submissions.length} pieces yet`,
        lead: 'These have been waiting for long, and nobody has claimed them. You are told of them this once.',
      }
      return sent(await app.compose.digest(job, submissions, words), signal)
    },
  }

  async function sent(mail: Mail, signal: AbortSignal): Promise<undefined> {
    await app.send(mail, signal)
  }

  async function editorOf(job: Job): Promise<Editor> {
    const editor = await app.editors.byId(job.editorId ?? '')
    if (!editor) throw new JobError('recipient-gone', { permanent: true })
    return editor
  }
}

function digestSubject(submissions: Submission[]): string {
  return submissions.length === 1
    ? 'One piece for you to look at'
    : `${submissions.length} pieces for you to look at`
}
