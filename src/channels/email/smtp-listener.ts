import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { SMTPServer, SMTPServerOptions, SMTPServerSession } from 'smtp-server'
import { Failure } from '../../core/errors.ts'
import type { Envelope } from './inbound-email.ts'
import { mailLimits } from './rate-limit.ts'
import type { InboundResult } from './router.ts'
import type { AddressBook } from './routing.ts'
import { TolerantServer } from './tolerant-smtp-server.ts'

type ListenContext = {
  /** `smtp://HOST:PORT` or `lmtp://HOST:PORT`. */
  url: string
  /** How we call ourselves to other servers. */
  name: string
  take: (source: Readable, envelope: Envelope) => Promise<InboundResult>
  addresses: Pick<AddressBook, 'destinationOf'>
  /** Bytes. */
  maxMailBytes: number
  /** Mails an hour from one server that is not on this machine; 0 for no limit. */
  limit: number
  /** Files of a key and a certificate for STARTTLS. */
  tls: { key: string; cert: string } | undefined
  /** Told of a fault by its name only. */
  onError: (name: string) => void
  now: () => number
}

export type Listener = { port: number; stop: () => Promise<void> }

const second = 1000
const minute = 60 * second

/** RFC 5321, 4.5.3.2: a server waits at least five minutes for the next command or submission. */
const patience = 5 * minute

/** A mail that takes longer to come is not waited for. */
const longestMail = 15 * minute
const mostClients = 1000
const mostRecipients = 100

/**
 * Opens the channel for mail: by LMTP behind another mail server, or by SMTP as the server of a domain. It says 250 only
 * when a mail is durable; what cannot be taken just now is put off with 451, and the other server tries again.
 */
export async function listenForMail(app: ListenContext): Promise<Listener> {
  const { protocol, hostname, port } = new URL(app.url)
  const limits = mailLimits(app.limit, app.now)
  const server = new TolerantServer({
    ...(await tlsOptions(app.tls)),
    lmtp: protocol === 'lmtp:',
    name: app.name,
    banner: 'Barua',
    hideENHANCEDSTATUSCODES: false,
    size: app.maxMailBytes,
    rejectOversized: true,
    maxClients: mostClients,
    socketTimeout: patience,
    closeTimeout: 5 * second,
    disableReverseLookup: true,
    logger: false,
    onConnect: (session, done) => refuseOr(done, () => rejectionOfServer(session)),
    onClose: (session) => limits.closed(serverOf(session)),
    onMailFrom: (_address, session, done) =>
      refuseOr(done, () => (limits.mayWrite(serverOf(session)) ? undefined : tooMany(450))),
    onRcptTo: ({ address }, session, done) => refuseOr(done, () => rejectionOfRecipient(address, session)),
    onData(stream, session, done) {
      // It may be broken off when nobody reads any more.
      stream.on('error', () => undefined)
      const late = setTimeout(() => stream.destroy(new Error('too slow')), longestMail).unref()
      takeIn(stream, session)
        .then(
          () => done(null, 'Received, and safe.'),
          (error: unknown) => done(rejectionOf(error)),
        )
        .finally(() => clearTimeout(late))
    },
  })
  server.on('error', (error: NodeJS.ErrnoException) => app.onError(error.code ?? error.name))
  const bound = await listening(server, Number(port), hostname.replace(/^\[|\]$/g, ''))
  return { port: bound, stop: () => new Promise((resolve) => server.close(() => resolve())) }

  function rejectionOfServer(session: SMTPServerSession): Error | undefined {
    return limits.connected(serverOf(session)) ? undefined : tooMany(421)
  }

  function rejectionOfRecipient(address: string, { envelope }: SMTPServerSession): Error | undefined {
    if (!app.addresses.destinationOf(address)) return coded(550, 'There is no such mailbox here.')
    return envelope.rcptTo.length >= mostRecipients ? coded(452, 'Too many recipients.') : undefined
  }

  /** The library catches nothing that is thrown while it asks: a mistake of ours refuses one command, and no more. */
  function refuseOr(done: (refused?: Error | null) => void, rejection: () => Error | undefined): void {
    let refused: Error | undefined
    try {
      refused = rejection()
    } catch (error) {
      refused = rejectionOf(error)
    }
    done(refused)
  }

  async function takeIn(stream: Readable, session: SMTPServerSession): Promise<void> {
    const { mailFrom, rcptTo } = session.envelope
    const to = rcptTo.map(({ address }) => address)
    try {
      await app.take(stream, { from: mailFrom ? mailFrom.address : '', to })
    } finally {
      // An answer is heard only after the whole mail, so what was not read is read away.
      stream.resume()
      await finished(stream).catch(() => undefined)
    }
  }

  function rejectionOf(error: unknown): Error {
    if (!(error instanceof Failure)) {
      app.onError(error instanceof Error ? error.name : typeof error)
      return coded(451, 'Something went wrong here. Please try again later.')
    }
    if (error.code === 'too-large') return coded(552, 'This mail is too large.')
    if (error.code === 'forbidden') return coded(554, error.message)
    return coded(451, 'This cannot be taken just now. Please try again later.')
  }
}

/** By which address a server is limited: all who were gone before they could be asked for theirs are one. */
function serverOf({ remoteAddress }: { remoteAddress?: string }): string {
  return remoteAddress ?? ''
}

async function tlsOptions(files: ListenContext['tls']): Promise<SMTPServerOptions> {
  // Without a certificate of our own there is no STARTTLS: the one that comes with the library hides nothing.
  if (!files) return { disabledCommands: ['AUTH', 'STARTTLS'] }
  return { disabledCommands: ['AUTH'], key: await readFile(files.key), cert: await readFile(files.cert) }
}

function listening(server: SMTPServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.server.once('error', reject)
    server.listen(port, host, () => {
      server.server.removeListener('error', reject)
      resolve((server.server.address() as AddressInfo).port)
    })
  })
}

/** The library adds the enhanced status code (RFC 3463). */
function coded(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

function tooMany(code: 421 | 450): Error {
  return coded(code, 'Too much at once from your server. Please try again later.')
}
