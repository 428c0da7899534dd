import { connect, type Socket } from 'node:net'

/** A client that says to a mail server just what it is told to, byte by byte, and hears its replies. */
export type SmtpClient = Awaited<ReturnType<typeof openSmtpClient>>

export async function openSmtpClient(port: number) {
  const socket: Socket = connect(port, '127.0.0.1')
  let heard = ''
  let isClosed = false
  let wake = (): void => undefined
  socket.on('data', (chunk) => {
    heard += chunk.toString()
    wake()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    wake()
  })

  const client = {
    /** The next reply, whole; its last line. Empty where the connection was closed. */
    async reply(): Promise<string> {
      for (;;) {
        const whole = /^(?:\d{3}-[^\n]*\n)*(\d{3}(?: [^\n]*)?)\r?\n/.exec(heard)
        if (whole) {
          heard = heard.slice(whole[0].length)
          return (whole[1] as string).trim()
        }
        if (isClosed) return ''
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },

    send(bytes: string | Buffer): void {
      socket.write(bytes)
    },

    /** Says a line and gives the reply. */
    async say(line: string): Promise<string> {
      client.send(`${line}\r\n`)
      return client.reply()
    },

    /** Everything up to the point where the mail itself is to come. */
    async begin(to: string, from = 'sender@example.org', hello = 'EHLO'): Promise<string> {
      await client.reply()
      await client.say(`${hello} client.example.org`)
      await client.say(`MAIL FROM:<${from}>`)
      await client.say(`RCPT TO:<${to}>`)
      return client.say('DATA')
    },

    cut(): void {
      socket.destroy()
    },

    /** Resolves when the other side has closed the connection. */
    async closed(): Promise<void> {
      while (!isClosed) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return client
}
