// A mail server that accepts everything and counts it. GET / on the second port gives the count; anything else there is
// answered as Telegram’s Bot API answers.
import { createServer } from 'node:http'
import { SMTPServer } from 'smtp-server'

let mails = 0
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  logger: false,
  onData(stream, _session, done) {
    stream.on('end', () => {
      mails += 1
      done(null)
    })
    stream.resume()
  },
})
server.on('error', () => undefined)
server.listen(Number(process.env.SMTP_PORT), '127.0.0.1')
const said = JSON.stringify({ ok: true, result: { message_id: 1, username: 'bench_bot' } })
createServer((req, res) => {
  req.resume()
  res.setHeader('content-type', 'application/json').end(req.url === '/' ? String(mails) : said)
}).listen(Number(process.env.COUNT_PORT), '127.0.0.1')
