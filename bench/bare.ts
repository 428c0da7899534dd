// The bare baseline: what a developer would write in an afternoon without this project. Files on the disk by multer,
// one insert and one commit a request, and a mail sent without waiting for it. It forgets mails when it dies.
import { mkdirSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import express from 'express'
import multer from 'multer'
import { createTransport } from 'nodemailer'
import { z } from 'zod'

const { PORT = '3000', DATA_DIR = 'data', SMTP_URL = '', SECRET = '' } = process.env
mkdirSync(DATA_DIR, { recursive: true })

const db = new DatabaseSync(`${DATA_DIR}/bare.db`)
db.exec('pragma journal_mode = wal; pragma synchronous = full')
db.exec(
  'create table submissions (id integer primary key, kind text, title text, body text, name text, email text, files text, at integer)',
)
const insert = db.prepare(
  'insert into submissions (kind, title, body, name, email, files, at) values (?, ?, ?, ?, ?, ?, ?)',
)
// nodemailer's own default is a connection a mail; BARE_POOL=1 gives the baseline a pool as Barua has one.
const pool = process.env.BARE_POOL === '1' ? '?pool=true' : ''
const transport = createTransport(SMTP_URL + pool)
const upload = multer({ dest: `${DATA_DIR}/uploads`, limits: { fileSize: 25 * 1024 * 1024 } })

const Submission = z.object({
  title: z.string().min(3).max(150),
  body: z.string().min(20).max(100_000),
  name: z.string().max(100).optional(),
  email: z.email().optional(),
})
const Update = z.object({
  update_id: z.number(),
  message: z.object({ text: z.string(), chat: z.object({ id: z.number() }) }),
})

function notify(subject: string, text: string): void {
  transport.sendMail({ from: 'bare@localhost', to: 'editor@localhost', subject, text }).catch(() => undefined)
}

const app = express()

app.post('/submit/:kind', upload.array('files', 10), (req, res) => {
  const submission = Submission.safeParse(req.body)
  if (!submission.success) return void res.status(422).json({ error: submission.error.issues })
  const { title, body, name = null, email = null } = submission.data
  const files = JSON.stringify((req.files as Express.Multer.File[]).map((file) => file.filename))
  const { lastInsertRowid } = insert.run(
    req.params.kind as string,
    title,
    body,
    name,
    email,
    files,
    Date.now(),
  )
  notify(title, body)
  res.status(201).json({ reference: String(lastInsertRowid) })
})

app.post('/webhooks/telegram', express.json(), (req, res) => {
  if (req.get('x-telegram-bot-api-secret-token') !== SECRET) return void res.status(401).end()
  const update = Update.safeParse(req.body)
  if (!update.success) return void res.json({})
  const { text, chat } = update.data.message
  const { lastInsertRowid } = insert.run('news-tip', null, text, null, null, '[]', Date.now())
  notify('News tip', text)
  res.json({ method: 'sendMessage', chat_id: chat.id, text: `Received: ${lastInsertRowid}` })
})

app.listen(Number(PORT), '127.0.0.1')
