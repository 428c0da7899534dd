import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ImapFlow } from 'imapflow'
import { Failure } from '../../core/errors.ts'
import type { Envelope } from './inbound-email.ts'
import { isOnThisMachine } from './rate-limit.ts'
import type { InboundResult } from './router.ts'

type ImapContext = {
  /** `imaps://USER:PASSWORD@HOST/MAILBOX`; with `imap:` the connection is made safe by STARTTLS. */
  url: string
  take: (source: Readable, envelope: Envelope) => Promise<InboundResult>
  /** Told of a fault by its code only, and when all is well again. */
  onChange: (state: MailboxState) => void
  now: () => number
}

/** How it stands with the mailbox: since when it is so, and with what fault. */
export type MailboxState = { since: number; errorCode: string | undefined }

export type Mailbox = { stop: () => Promise<void> }

const second = 1000
const minute = 60 * second

/** How often it is looked without being told: some servers tell of nothing. */
const look = minute
const firstPause = second
const longestPause = 5 * minute

/** Until the first connection stands. */
const notYet = 'imap-not-connected'

/** Where mail goes that has been taken in, and mail that cannot be. */
const folders = { taken: 'Barua', refused: 'Barua-refused' } as const

/**
 * Fetches mail from a mailbox for as long as it runs: unseen mail is taken in, and moved to a folder of its own only
 * when it is durable. What cannot be taken just now stays where it is, unseen, and is tried again.
 */
export function watchMailbox(app: ImapContext): Mailbox {
  const stopping = new AbortController()
  let client: ImapFlow | undefined
  let wake = (): void => undefined
  let reported: string | undefined = notYet
  const done = run()

  return {
    async stop() {
      stopping.abort()
      wake()
      await done
    },
  }

  async function run(): Promise<void> {
    let pause = firstPause
    while (!stopping.signal.aborted) {
      try {
        client = newClient(app.url)
        client.on('error', () => undefined)
        client.on('exists', () => wake())
        client.on('close', () => wake())
        await client.connect()
        tell(undefined)
        pause = firstPause
        await watch(client)
      } catch (error) {
        tell(errorCodeOf(error))
      } finally {
        client?.close()
      }
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => undefined)
      pause = Math.min(longestPause, pause * 2)
    }
  }

  async function watch(open: ImapFlow): Promise<void> {
    await makeFolders(open)
    // Opened, not locked: while a lock is held the library does not ask the server to tell of new mail (IDLE).
    await open.mailboxOpen(mailboxOf(app.url))
    while (!stopping.signal.aborted) {
      const woken = rung()
      await takeAll(open)
      if (!open.usable) return
      await woken
    }
    await open.logout().catch(() => undefined)
  }

  /** Until something happens, or it is time to look. */
  async function rung(): Promise<void> {
    const over = new AbortController()
    const bell = new Promise<void>((resolve) => {
      wake = resolve
    })
    await Promise.race([bell, sleep(look, undefined, { signal: over.signal }).catch(() => undefined)])
    over.abort()
  }

  async function takeAll(open: ImapFlow): Promise<void> {
    const uids = (await open.search({ seen: false }, { uid: true })) || []
    let errorCode: string | undefined
    for (const uid of uids) {
      if (stopping.signal.aborted || !open.usable) return
      // It stays where it is; the next mails are taken all the same.
      errorCode = (await takeOne(open, String(uid))) ?? errorCode
    }
    tell(errorCode)
  }

  /** Takes a mail in, or says why that has to wait. */
  async function takeOne(open: ImapFlow, uid: string): Promise<string | undefined> {
    const { content } = await open.download(uid, undefined, { uid: true })
    if (!content) return undefined
    // A connection that ends breaks it, also when nobody reads.
    content.on('error', () => undefined)
    let folder: string = folders.taken
    try {
      await app.take(content, { from: undefined, to: undefined })
    } catch (error) {
      content.destroy()
      const isForGood = error instanceof Failure && (error.code === 'too-large' || error.code === 'forbidden')
      if (!isForGood) return errorCodeOf(error)
      folder = folders.refused
    }
    await open.messageMove(uid, folder, { uid: true })
    return undefined
  }

  function tell(errorCode: string | undefined): void {
    if (errorCode === reported) return
    reported = errorCode
    app.onChange({ since: app.now(), errorCode })
  }
}

function newClient(url: string): ImapFlow {
  const { protocol, hostname, port, username, password } = new URL(url)
  const secure = protocol === 'imaps:'
  return new ImapFlow({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (secure ? 993 : 143),
    secure,
    // Over a network a password is not sent in the clear; on this machine there is nobody to listen.
    ...(!secure && !isLocal(hostname) && { doSTARTTLS: true }),
    auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    logger: false,
    connectionTimeout: 30 * second,
    greetingTimeout: 30 * second,
    autoIdleDelay: second,
  })
}

function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || isOnThisMachine(hostname.replace(/^\[|\]$/g, ''))
}

function mailboxOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || 'INBOX'
}

async function makeFolders(client: ImapFlow): Promise<void> {
  for (const folder of Object.values(folders)) await client.mailboxCreate(folder)
}

/** A code without what the server said, for that can hold a name or an address. */
function errorCodeOf(error: unknown): string {
  if (error instanceof Failure) return error.code
  const { authenticationFailed, code } = error as { authenticationFailed?: unknown; code?: unknown }
  if (authenticationFailed) return 'imap-refused-password'
  return typeof code === 'string' ? `imap-${code.toLowerCase()}` : 'imap-trouble'
}
