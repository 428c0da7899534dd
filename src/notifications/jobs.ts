import type { Editor } from '../accounts/editor.ts'
import type { EditorStore } from '../accounts/editor-store.ts'
import { burst, longestBurst } from '../accounts/notification-policy.ts'
import { CarryFault, type Delivery, type Instead } from '../jobs/job.ts'
import type { Composer } from '../outbound-mail/compose.ts'
import type { Mail } from '../outbound-mail/mail.ts'
import type { Submission } from '../submissions/model.ts'
import type { NoticeStore } from './store.ts'

export type NoticeContext = {
  compose: Composer
  send: (mail: Mail, signal: AbortSignal) => Promise<void>
  editors: EditorStore
  notices: NoticeStore
  /** What will be erased soon, of what concerns this editor, at most `most`. */
  soonErased(editorId: string, most: number): Promise<{ piece: Submission; at: number }[]>
  now: () => number
}

type Carried = Promise<Instead | undefined>

const day = 86_400_000

/** Of what will be erased no more are counted for one mail. */
const mostErased = 500
const seenMeanwhile: Instead = { needless: 'seen-meanwhile' }
const nothingNew: Instead = { needless: 'nothing-new' }

/** Carries the mails that editors hear by. What nobody needs any more when its time comes is dropped. */
export function noticeCarriers(app: NoticeContext) {
  return {
    async notice(delivery: Delivery, signal: AbortSignal): Carried {
      const mail = await app.compose.editorNotice(delivery)
      if (mail) return sent(mail, signal)
      await app.notices.untell(delivery.submissionId ?? '', delivery.editorId ?? '')
      return seenMeanwhile
    },

    async assignment(delivery: Delivery, signal: AbortSignal): Carried {
      const mail = await app.compose.assignment(delivery)
      return mail ? sent(mail, signal) : { needless: 'given-on' }
    },

    /** The digest at an hour the editor chose. */
    async digest(delivery: Delivery, signal: AbortSignal): Carried {
      const editor = await editorOf(delivery)
      if (editor.policy.rhythm !== 'digest') return { needless: 'policy-changed' }
      const now = app.now()
      const since = (await app.editors.digestedAt(editor.id)) ?? now - day
      const pieces = await app.notices.unseen(editor.id, editor.policy.kinds, since)
      if (pieces.length === 0) return nothingNew
      const lead = 'This came in since your last digest, and you have not opened it yet.'
      const mail = await app.compose.digest(delivery, pieces, { subject: digestSubject(pieces), lead })
      await app.send(mail, signal)
      await app.editors.digested(editor.id, now)
      return undefined
    },

    /** One mail for the many pieces of a burst, when it is over or has gone on for long. */
    async burstDigest(delivery: Delivery, signal: AbortSignal): Carried {
      const now = app.now()
      const goesOn = (await app.notices.isBurst(now)) && now - delivery.createdAt < longestBurst
      if (goesOn) return { waitUntil: now + burst.span / 2 }
      const editor = await editorOf(delivery)
      const since = delivery.createdAt - burst.span
      const pieces = await app.notices.untold(editor.id, editor.policy.kinds, since)
      if (pieces.length === 0) return nothingNew
      const lead = 'Many pieces came in within a short time, so here they are in one mail.'
      const mail = await app.compose.digest(delivery, pieces, { subject: digestSubject(pieces), lead })
      await app.send(mail, signal)
      const ids = pieces.map((piece) => piece.id)
      await app.notices.tell(ids, editor.id, now)
      return undefined
    },

    /** Tells an editor what will be erased within a week if nobody does anything. */
    async erasureWarning(delivery: Delivery, signal: AbortSignal): Carried {
      const soon = await app.soonErased(delivery.editorId ?? '', mostErased)
      if (soon.length === 0) return { needless: 'kept-meanwhile' }
      return sent(await app.compose.erasureWarning(delivery, soon), signal)
    },

    /** Reminds an admin of pieces that nobody has claimed in time. */
    async escalation(delivery: Delivery, signal: AbortSignal): Carried {
      const pieces = await app.notices.escalated(delivery.createdAt)
      if (pieces.length === 0) return { needless: 'claimed-meanwhile' }
      const words = {
        subject: `Nobody has claimed ${pieces.length === 1 ? 'a piece' : `${pieces.length} pieces`} yet`,
        lead: 'These have been waiting for long, and nobody has claimed them. You are told of them this once.',
      }
      return sent(await app.compose.digest(delivery, pieces, words), signal)
    },
  }

  async function sent(mail: Mail, signal: AbortSignal): Promise<undefined> {
    await app.send(mail, signal)
  }

  async function editorOf(delivery: Delivery): Promise<Editor> {
    const editor = await app.editors.byId(delivery.editorId ?? '')
    if (!editor) throw new CarryFault('recipient-gone', { permanent: true })
    return editor
  }
}

function digestSubject(pieces: Submission[]): string {
  return pieces.length === 1 ? 'One piece for you to look at' : `${pieces.length} pieces for you to look at`
}
