import type { AddressInfo, Socket } from 'node:net'
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
  connections(): number
  close(): Promise<void>
}

/** A real SMTP server that keeps what it is sent. */
export async function openMailServer(port = 0): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const refuse: MailServer['refuse'] = {}
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
    onRcptTo(_address, _session, done) {
      done(refuse.recipient ? coded(refuse.recipient) : null)
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
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
    connections: () => connections,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function coded(responseCode: number): Error {
  return Object.assign(new Error('refused by the test'), { responseCode })
}
