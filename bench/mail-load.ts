import { asData, hostileMails } from '../test/support/hostile-mail.ts'
import { openSmtpClient, type SmtpClient } from '../test/support/smtp-client.ts'

// The other side of the mail bench, in a process of its own: sends mails for so many seconds, or the hostile ones, and
// prints as JSON how many were taken and how long each took.
const [port = '', what = '', seconds = '5', connections = '10', hostileCount = '1000'] = process.argv.slice(2)

const words = 'He has mended typewriters at the same corner for fifty years. '.repeat(90)
let made = 0

function ordinaryMail(): Buffer {
  made += 1
  return Buffer.from(
    `Message-ID: <${process.pid}-${made}@example.org>\r\nFrom: Jane <jane${made % 500}@example.org>\r\nSubject: Mail ${made}\r\nAuto-Submitted: auto-generated\r\n\r\n${words}${made}\r\n`,
  )
}

function* ordinary(until: number): Generator<Buffer> {
  while (performance.now() < until) yield ordinaryMail()
}

function* hostile(): Generator<Buffer> {
  for (const { raw } of hostileMails(Number(hostileCount))) yield raw
}

const times: number[] = []
let taken = 0

async function send(client: SmtpClient, mails: Iterator<Buffer>): Promise<void> {
  await client.reply()
  await client.say('EHLO bench.example.org')
  for (let next = mails.next(); !next.done; next = mails.next()) {
    const begun = performance.now()
    await client.say('MAIL FROM:<jane@example.org>')
    await client.say('RCPT TO:<stories@newsroom.test>')
    await client.say('DATA')
    client.send(asData(next.value))
    if ((await client.reply()).startsWith('250')) taken += 1
    times.push(performance.now() - begun)
  }
  client.cut()
}

const begun = performance.now()
const mails = what === 'hostile' ? hostile() : ordinary(begun + Number(seconds) * 1000)
const clients = await Promise.all(
  Array.from({ length: Number(connections) }, () => openSmtpClient(Number(port))),
)
await Promise.all(clients.map((client) => send(client, mails)))
times.sort((a, b) => a - b)
const at = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0)
const took = (performance.now() - begun) / 1000
process.stdout.write(JSON.stringify({ taken, sent: times.length, took, p50: at(0.5), p99: at(0.99) }))
