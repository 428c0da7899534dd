import type { Chat, NewDraftItem } from '../channels/chat/draft.ts'
import { type ChatWords, saferForm as formOf } from '../channels/chat/words/words.ts'
import { createBot, type HandleUpdate } from '../channels/telegram/bot.ts'
import { botName } from '../channels/telegram/bot-username.ts'
import { chatKeys } from '../channels/telegram/chat-id-hash.ts'
import { apiOf, errorCodeOf, type GetApi, maxFetchableBytes } from '../channels/telegram/client.ts'
import { telegramFileFetcher } from '../channels/telegram/download-file.ts'
import { liveMessages, speaking } from '../channels/telegram/draft-status.ts'
import { fileNotices } from '../channels/telegram/file-notices.ts'
import { chatReceipts } from '../channels/telegram/send-receipt.ts'
import { telegramAnswers } from '../channels/telegram/send-reply.ts'
import { draftSubmitter } from '../channels/telegram/submit-draft.ts'
import { updateReceiver } from '../channels/telegram/webhook.ts'
import { readWebhook, type WebhookState } from '../channels/telegram/webhook-setup.ts'
import { receivingAtOnce } from '../channels/telegram/without-token.ts'
import { Failure } from '../core/errors.ts'
import { groupCommit } from '../core/group-commit.ts'
import { loadedOnce } from '../core/loaded-once.ts'
import { makeToken, readToken } from '../core/signed-token.ts'
import type { JobType } from '../db/values.ts'
import { tidyFileName } from '../files/name.ts'
import { fileTypeCheck } from '../files/type.ts'
import { afterwards } from '../jobs/afterwards.ts'
import type { TelegramSender } from '../jobs/contact.ts'
import { JobError, type JobHandler } from '../jobs/job.ts'
import type { StagedFile } from '../submissions/incoming.ts'
import type { Intake } from '../submissions/intake.ts'
import { requestDigest } from '../submissions/request-digest.ts'
import { type App, hour, onionSiteUrl, siteUrl } from './context.ts'

type TelegramJobType = Extract<
  JobType,
  | 'chat-update'
  | 'chat-live'
  | 'chat-send'
  | 'chat-receipt'
  | 'upload-link'
  | 'file-refused'
  | 'answer-telegram'
  | 'telegram-file'
>

/** The channel for Telegram, both ways: what comes in, what goes out, and what the rest of the house asks of it. */
export type TelegramChannel = {
  /** Takes an update in durably, whichever way it came. */
  take: ReturnType<typeof updateReceiver>
  channel: Parameters<typeof updateReceiver>[0]
  handlers: Record<TelegramJobType, JobHandler>
  api: GetApi
  /** A link by which the holder of this submission goes on in Telegram; undefined where there is no bot. */
  linkToChat: (submissionId: string) => string | undefined
  /** Throws unless this upload link may still be used. @throws Failure `not-found`, `forbidden` */
  checkUpload: (token: string) => Promise<void>
  /** Adds files to the submission that an upload link is for. @throws Failure as `checkUpload` */
  receiveUpload: (
    token: string,
    files: StagedFile[],
    isConfidential: boolean,
  ) => Promise<{ reference: string }>
  /** How the webhook stood when it was last asked for. */
  webhook: () => { state: WebhookState; at: number } | undefined
  /** Asks Telegram who the bot is and how its webhook stands. */
  lookAfter: () => Promise<void>
}

const mostInOneCommit = 200
const day = 24 * hour

/** What is asked once a minute, and what a stop waits for, is not waited for longer. Milliseconds. */
const shortPatience = 4_000

/** For so long a link into Telegram can be used. */
const linkTime = hour

export function createTelegramChannel(app: App, letterbox: Intake): TelegramChannel {
  const { config, storage, files, secrets, outside, nudge } = app
  const { drafts, chats, submissions } = storage
  const token = config.TELEGRAM_BOT_TOKEN
  const { now } = outside
  const site = siteUrl(config)
  const saferForm = (words: ChatWords) => formOf(words, site, onionSiteUrl(config))
  const getApi = apiOf(token, config.TELEGRAM_API_ROOT)
  const name = botName(getApi)
  const keys = chatKeys(secrets.keyFor('chat'), token)
  const oneTime = secrets.keyFor('one-time')
  const quiet = config.TELEGRAM_QUIET_SECONDS * 1000
  const maxFileBytes = maxFetchableBytes(config.TELEGRAM_API_ROOT, config.MAX_FILE_BYTES)
  const reading = { tidyFileName, maxFileBytes }
  const wordsFor = speaking(chats.sessions.read)
  const referenceOf = async (id: string) => (await submissions.byId(id))?.reference
  let webhook: { state: WebhookState; at: number } | undefined

  const handle = token ? conversing(token) : atOnce()
  const channel = { handle, ...kept() }

  const submitDraft = draftSubmitter({
    ...letterbox,
    drafts: drafts,
    keepDeadLetter: kept().keepDeadLetter,
    nudge: wake,
    quiet,
    now,
  })
  const notices = fileNotices({
    getApi,
    draftById: drafts.byId,
    conversation: (id) => submissions.conversation(id),
    contact: submissions.contact,
    wordsFor,
    linkFor: (id) => `${site}/upload/${makeToken(oneTime, 'upload', id, now() + 7 * day)}`,
  })
  const remember = afterwards(outside.log, chats.remember)
  const handlers: Record<TelegramJobType, JobHandler> = {
    'chat-update': handleAgain(handle),
    'chat-live': liveMessages({
      getApi,
      drafts: { ...drafts, shown: afterwards(outside.log, drafts.shown) },
      readSession: chats.sessions.read,
      referenceOf,
      saferForm,
      quiet,
    }),
    'chat-send': ({ submissionId }) => submitDraft(submissionId ?? ''),
    'chat-receipt': chatReceipts({
      getApi,
      draftById: drafts.byId,
      wordsFor,
      submissionById: submissions.byId,
      siteUrl: site,
      remember: (chat, messageId, id) => remember(chat, messageId, id, null),
    }),
    'upload-link': notices.uploadLink,
    'file-refused': notices.fileRefused,
    'answer-telegram': telegramAnswers({
      getApi,
      conversation: (id) => submissions.conversation(id),
      siteUrl: site,
      remember: (address, messageId, id) => remember(keys.chat(address), messageId, id, now()),
      readFile: files.read,
      readOpen: files.readOpen,
    }),
    'telegram-file': fetchingFiles(),
  }

  return {
    take: updateReceiver(channel),
    channel,
    handlers,
    api: getApi,
    linkToChat(submissionId) {
      const bot = name.known()
      if (!token || !bot) return undefined
      return `https://t.me/${bot}?start=${makeToken(oneTime, 'link', submissionId, now() + linkTime)}`
    },
    async checkUpload(given) {
      const { hash } = readUpload(given)
      if (await submissions.wasReceived('upload', hash)) throw usedUp()
    },
    async receiveUpload(given, staged, isConfidential) {
      const { id, hash } = readUpload(given)
      const submissionId = await submittedFrom(id)
      const reference = await referenceOf(submissionId)
      if (!reference) throw noSuchLink()
      const { isChanged } = await letterbox.receiveFurther({
        submissionId,
        isConfidential,
        // With the token, which is kept nowhere: without it nobody can try out which files came.
        idempotencyKey: {
          source: 'upload',
          key: hash,
          digest: requestDigest([given, staged.map(({ sha256 }) => sha256)]),
        },
        fields: { body: '' },
        files: staged,
      })
      if (isChanged) throw usedUp()
      return { reference }
    },
    webhook: () => webhook,
    async lookAfter() {
      if (!token) return
      const signal = AbortSignal.timeout(shortPatience)
      await name.learn(signal)
      await getApi()
        .then((api) => readWebhook(api, `${site}/webhooks/telegram`, signal))
        .then((state) => {
          webhook = { state, at: now() }
        })
        .catch((error: unknown) => warn(errorCodeOf(error).code))
    },
  }

  function readUpload(given: string) {
    const read = readToken(oneTime, 'upload', given, now())
    if (!read) throw noSuchLink()
    return read
  }

  /** The submission that a submission is, or becomes just now: who adds the last file has said all. */
  async function submittedFrom(id: string): Promise<string> {
    const draft = await drafts.byId(id)
    if (!draft) return id
    if (draft.state === 'discarded')
      throw new Failure('not-found', 'The piece that this was for has been discarded.')
    if (draft.step !== null) {
      throw new Failure(
        'conflict',
        'Please answer the bot’s questions and send your piece first. The link stays good for this file.',
      )
    }
    if (draft.state === 'open') await drafts.close(id, now())
    if (draft.state !== 'sent') await submitDraft(id)
    return (await drafts.byId(id))?.becomes?.submissionId ?? id
  }

  function common() {
    return {
      reading,
      siteUrl: site,
      saferForm,
      newsroom: config.NEWSROOM_NAME,
      keepDeadLetter: kept().keepDeadLetter,
    }
  }

  function kept() {
    const keep = (how: 'keep' | 'keepToRetry') => async (reason: string, raw: string) => {
      await storage.deadLetters[how]({ source: 'telegram', reason, raw, createdAt: now() })
      outside.log.warn({ channel: 'telegram', reason }, 'kept unread')
      nudge('chat')
    }
    return { keepDeadLetter: keep('keep'), keepToRetry: keep('keepToRetry') }
  }

  function atOnce(): HandleUpdate {
    return receivingAtOnce({
      ...common(),
      ...letterbox,
      keys,
      digestOf: drafts.digestOf,
      submissionOf: chats.answered,
      async remember(chat, messageId, reference) {
        const submission = await submissions.byReference(reference)
        if (submission) await chats.remember(chat, messageId, submission.id, null)
      },
      files: { known: drafts.knownFiles, note: (names) => drafts.noteFiles(names, now()) },
    })
  }

  /** The bot is made with the first update, so that starting up does not wait for it. */
  function conversing(ofToken: string): HandleUpdate {
    const take = groupCommit((some: NewDraftItem[]) => drafts.take(some), mostInOneCommit)
    const bot = loadedOnce(() =>
      createBot(
        {
          ...common(),
          token: ofToken,
          getApi,
          keys,
          take,
          drafts: drafts,
          chats,
          link,
          receive: letterbox.receive,
          receiveFurther: letterbox.receiveFurther,
          submissionById: submissions.byId,
          nudge: wake,
          now,
          onError: warn,
        },
        name.known,
      ),
    )
    return async (heard, reply) => {
      await (await bot())(heard, reply)
    }
  }

  /** Ties a chat to a submission, once for each token: the conversation says so, and holds where to answer. */
  async function link(given: string, chat: Chat, sender: TelegramSender): Promise<string | undefined> {
    const read = readToken(oneTime, 'link', given, now())
    const reference = read && (await referenceOf(read.id))
    if (!read || !reference) return undefined
    const { repeat, isChanged } = await letterbox.receiveFurther({
      submissionId: read.id,
      idempotencyKey: { source: 'telegram-link', key: read.hash, digest: chat.key },
      fields: { body: 'The sender goes on in Telegram: answers are sent there too.' },
      files: [],
      telegram: sender,
      author: 'system',
    })
    if (repeat && isChanged) return undefined
    await chats.link(chat.key, read.id)
    return reference
  }

  /** What a handler failed at is handled again as it came, and no longer shown as unread when that went well. */
  function handleAgain(again: HandleUpdate): JobHandler {
    const take = updateReceiver({
      handle: again,
      keepDeadLetter: async () => undefined,
      keepToRetry: async (reason) => {
        throw new JobError(reason)
      },
    })
    return async ({ target, ephemeralPayload }) => {
      // Editors see it among what could not be read.
      if (!target || ephemeralPayload === 'lost' || ephemeralPayload?.text === undefined) {
        throw new JobError('sealed-away', { permanent: true })
      }
      await take(JSON.parse(ephemeralPayload.text), ephemeralPayload.text)
      await storage.deadLetters.forget(target)
      return undefined
    }
  }

  function fetchingFiles(): JobHandler {
    const typeOf = fileTypeCheck(config.FILE_TYPES)
    const fetchFile = telegramFileFetcher({
      token,
      apiRoot: config.TELEGRAM_API_ROOT,
      getApi,
      maxBytes: maxFileBytes,
      stage: (source, id, maxBytes) =>
        files.stage(source, { id, isEncrypted: true, maxBytes, typeOf: (sample) => typeOf(sample, '') }),
      keep: files.keep,
      erase: files.erase,
      discard: files.discard,
      attachments: storage.attachments,
      now,
    })
    return async (job, signal) => {
      await fetchFile(job, signal)
      nudge('preview')
      return undefined
    }
  }

  function wake(): void {
    nudge('chat')
    nudge('telegram')
    nudge('file')
  }

  function warn(code: string): void {
    outside.log.warn({ channel: 'telegram', errorCode: code }, 'Telegram could not be told')
  }
}

function noSuchLink(): Failure {
  return new Failure(
    'not-found',
    'This link is not one of ours, or it is too old. Please use the form instead.',
  )
}

function usedUp(): Failure {
  return new Failure('forbidden', 'This link has been used. It was good for one time.')
}
