import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

export type ReceivedMail = ParsedMail & {
  raw: string
  recipient: string
  returnPath: string
  /** How the client called itself. */
  helo: string
}

export type MailServer = {
  url: string
  mails: ReceivedMail[]
  /** Answers the next recipients or messages with this SMTP code; undefined to accept again. */
  refuse: { recipient?: number | undefined; message?: number | undefined; cutAfterAccepting?: boolean }
  /** Does what some servers do at times. */
  slow: {
    /** Milliseconds from the end of a message until it is accepted. */
    accepting?: number
    /** Milliseconds for each 64 KiB of a message. */
    reading?: number
    /** Says nothing any more to whom a recipient at this domain is named, or who sends a message there. */
    hangs?: { domain: string; at: 'recipient' | 'message' } | undefined
  }
  /** How many recipients and messages it has heard of and not answered yet. */
  inHand(): number
  connections(): number
  close(): Promise<void>
}

/** A real SMTP server that keeps what it is sent. */
export async function openMailServer(port = 0): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const refuse: MailServer['refuse'] = {}
  const slow: MailServer['slow'] = {}
  let inHand = 0
  const hangs = (at: 'recipient' | 'message', address = '') =>
    slow.hangs?.at === at && address.endsWith(`@${slow.hangs.domain}`)
  const sockets = new Set<Socket>()
  let connections = 0
  const server = new SMTPServer({
    authOptional: true,
    lenientAddressParsing: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    closeTimeout: 100,
    onConnect(_session, done) {
      connections += 1
      done()
    },
    onRcptTo({ address }, _session, done) {
      if (hangs('recipient', address)) {
        inHand += 1
        return
      }
      done(refuse.recipient ? coded(refuse.recipient) : null)
    },
    onData(stream, session, done) {
      inHand += 1
      // What is not read fills the connection, and what is sent through it stands still.
      if (hangs('message', session.envelope.rcptTo[0]?.address)) return
      const chunks: Buffer[] = []
      const read = Readable.from(slowly(stream, () => slow.reading ?? 0))
      read.on('error', () => undefined)
      read.on('data', (chunk: Buffer) => chunks.push(chunk))
      read.on('end', async () => {
        await sleep(slow.accepting ?? 0)
        inHand -= 1
        if (refuse.message) return done(coded(refuse.message))
        const raw = Buffer.concat(chunks)
        void simpleParser(raw).then((mail) => {
          const recipient = session.envelope.rcptTo[0]?.address ?? ''
          const { mailFrom } = session.envelope
          const returnPath = mailFrom ? mailFrom.address : ''
          mails.push({ ...mail, raw: raw.toString(), recipient, returnPath, helo: session.hostNameAppearsAs })
          // The mail is taken, but the other side never hears of it.
          if (refuse.cutAfterAccepting) for (const socket of sockets) socket.destroy()
          else done(null)
        })
      })
    },
  })
  server.on('error', () => undefined)
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  const address = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    mails,
    refuse,
    slow,
    inHand: () => inHand,
    connections: () => connections,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

async function* slowly(stream: Readable, pause: () => number): AsyncIterable<Buffer> {
  let read = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    yield chunk
    const before = Math.floor(read / 65_536)
    read += chunk.length
    if (pause() > 0 && Math.floor(read / 65_536) > before) await sleep(pause())
  }
}

function coded(responseCode: number): Error {
  return Object.assign(new Error('refused by the test'), { responseCode })
}
