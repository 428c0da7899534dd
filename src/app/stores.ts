import { apiTokenStore } from '../accounts/api-token-store.ts'
import { editorStore } from '../accounts/editor-store.ts'
import { factorStore } from '../accounts/factor-store.ts'
import { keyRingStore } from '../accounts/keyring/keyring-store.ts'
import { loginAttemptStore } from '../accounts/login-attempt-store.ts'
import { sessionStore } from '../accounts/session-store.ts'
import { auditStore, securityEventStore } from '../audit/store.ts'
import { chatStore } from '../channels/chat/chat-store.ts'
import { draftStore } from '../channels/chat/draft-store/draft-store.ts'
import { confidentialStore } from '../confidentiality/make-confidential-store.ts'
import { reEncryptionStore } from '../confidentiality/re-encryption-store.ts'
import { leavingStore } from '../confidentiality/sender-deletion-store.ts'
import { firstIdAt, minuteOf } from '../core/ids.ts'
import { lately } from '../core/lately.ts'
import { createPace } from '../core/pace.ts'
import { isUnavailable, orUnavailable, translated } from '../db/errors.ts'
import { installationStore } from '../db/installation-store.ts'
import { openDatabase } from '../db/open.ts'
import { actionStore } from '../editorial/action-store.ts'
import { failedJobStore } from '../editorial/failed-job-store.ts'
import { settingStore } from '../editorial/settings-store.ts'
import { processCodecOf } from '../encryption/process-codec.ts'
import type { ProcessKey, Recipient, TextCipher } from '../encryption/types.ts'
import { leaseStore } from '../jobs/lease-store.ts'
import { jobStore } from '../jobs/store.ts'
import { noticeStore } from '../notifications/store.ts'
import { pgpKeyStore } from '../outbound-mail/pgp/key-store.ts'
import { erasureStore } from '../retention/erasure-store.ts'
import { forgettingStore } from '../retention/forgetting-store.ts'
import { retentionStore } from '../retention/store.ts'
import { statisticsStore } from '../statistics/store.ts'
import { attachmentStore } from '../submissions/attachment-store.ts'
import { contentsOf } from '../submissions/content-codec.ts'
import { deadLetterStore } from '../submissions/dead-letter-store.ts'
import { historyStore } from '../submissions/history-store.ts'
import { receivedAs } from '../submissions/idempotency-store.ts'
import { inboxStore } from '../submissions/inbox-store.ts'
import type { NewRecord, ReceivedBefore } from '../submissions/intake-record.ts'
import { type RecordOutcome, record } from '../submissions/intake-store.ts'
import { mailStore } from '../submissions/mail-thread-store.ts'
import { noteStore } from '../submissions/note-store.ts'
import { attentionStore } from '../submissions/presence-store.ts'
import { recipientsStore } from '../submissions/recipients-store.ts'
import { searchStore } from '../submissions/search-store.ts'
import { submissionStore } from '../submissions/store.ts'

export type Storage = Awaited<ReturnType<typeof openStorage>>

export type StorageContext = {
  now: () => number
  cipher: TextCipher
  /** What is hidden with it is lost with this process. */
  processKey: ProcessKey
  /** A desk key whose secret half never comes here: then nothing can be opened here either. */
  offline?: Recipient | undefined
  /** A new receipt, and for whom what it opens is encrypted. */
  newReceipt: () => { receipt: string; recipient: Recipient }
  /** The usual quiet time of a chat, in milliseconds. */
  quiet?: number
  /** Told once where the database does not answer yet. */
  onWaiting?: () => void
}

/** Opens the database with all its stores. */
export async function openStorage(url: string, app: StorageContext) {
  const { now, processKey, quiet = 600_000 } = app
  const db = await openDatabase(url, app.onWaiting)
  const isPostgres = !url.startsWith('sqlite:')
  const contents = contentsOf(app.cipher)
  const recipients = recipientsStore(db, app.offline)
  const processCodec = processCodecOf(processKey)
  const settings = settingStore(db)
  const pgpKeys = pgpKeyStore(db)
  const mayTellInConfidence = async () =>
    (await settings.confidentialByMail()).value && (await pgpKeys.isAnyGood(now()))
  const writing = { contents, recipientsStore: recipients, processCodec, mayTellInConfidence, isPostgres }
  const submissions = submissionStore(db, writing)
  const installation = installationStore(db)
  const commits = lately()
  // Not that of the background: somebody waits for what is found, if only for a mail.
  const walks = createPace({ rest: 1 })
  return {
    /** Other machines may be working on the same database. */
    isShared: isPostgres,
    installation,
    submissions,
    inbox: inboxStore(db, contents, isPostgres),
    search: searchStore(db, contents, isPostgres),
    work: actionStore(db, writing),
    history: historyStore(db),
    audit: auditStore(db),
    securityEvents: securityEventStore(db),
    retention: retentionStore(db, walks),
    erasures: erasureStore(db, isPostgres),
    forgetting: forgettingStore(db),
    statistics: statisticsStore(db),
    notes: noteStore(db, contents),
    attention: attentionStore(db),
    attachments: attachmentStore(db, writing),
    jobs: jobStore(db, processCodec, isPostgres),
    failedJobs: failedJobStore(db, processCodec),
    leases: leaseStore(db),
    notices: noticeStore(db, processCodec, walks),
    deadLetters: deadLetterStore(db, writing, processKey),
    settings,
    editors: editorStore(db),
    factors: factorStore(db),
    pgpKeys,
    sessions: sessionStore(db),
    attempts: loginAttemptStore(db),
    drafts: draftStore(db, { ...writing, processKey, newReceipt: app.newReceipt, quiet }),
    chats: chatStore(db),
    apiTokens: apiTokenStore(db),
    mail: mailStore(db),
    keyRing: keyRingStore(db, processCodec),
    reEncryption: reEncryptionStore(db, writing),
    leaving: leavingStore(db, writing),
    confidential: confidentialStore(db, { ...writing, conversation: submissions.conversation }),
    recipientsStore: recipients,
    /**
     * Writes records durably, as many as fit in one transaction; each has its own outcome, and its error is a Failure
     * where it is one.
     */
    async record(records: NewRecord[]): Promise<RecordOutcome[]> {
      const outcomes = await record(db, writing, records, now)
      if (outcomes.some((one) => 'error' in one && isUnavailable(one.error))) commits.failed()
      else commits.succeeded()
      return outcomes.map((one) => ('error' in one ? { error: translated(one.error) } : one))
    },
    /** What this idempotency key was taken in as; undefined for one that is new. @throws Failure `unavailable` */
    receivedAs: (idempotencyKey: NewRecord['idempotencyKey']): Promise<ReceivedBefore | undefined> =>
      orUnavailable(() => receivedAs(db, idempotencyKey)),
    /**
     * The newest submission, how many came in within these minutes, for some ids tell no more than that, and the newest
     * entry of the history: whether anything has changed since one last looked.
     */
    async latest(): Promise<string> {
      const newest = await db
        .selectFrom('submissions')
        .select((eb) => eb.fn.max('id').as('id'))
        .executeTakeFirst()
      const recent = await db
        .selectFrom('submissions')
        .select((eb) => eb.fn.countAll().as('n'))
        .where('id', '>=', firstIdAt(minuteOf(now())))
        .executeTakeFirst()
      const last = await db
        .selectFrom('history')
        .select((eb) => eb.fn.max('id').as('id'))
        .executeTakeFirst()
      return `${newest?.id} ${recent?.n} ${last?.id}`
    },
    /** Resolves if the database can be read and written. */
    probe: (): Promise<void> =>
      orUnavailable(async () => {
        await db.selectFrom('submissions').select('id').limit(1).execute()
        await installation.probe(now())
      }),
    /** Whether what came in lately could be written. */
    commits,
    async close(): Promise<void> {
      walks.stop()
      await db.destroy()
    },
  }
}
