import { join } from 'node:path'
import { pino } from 'pino'
import { type Application, createApplication } from './application.ts'
import { basePath, type Config } from './config.ts'
import { listen } from './web/server.ts'

/** Serves the letterbox and says where it is. Gives a function that stops it gracefully. */
export async function serve(config: Config, print: (line: string) => void): Promise<() => Promise<void>> {
  const log = pino({ level: config.LOG_LEVEL, base: null }, pino.destination({ sync: false }))
  const application = await createApplication(config, { now: Date.now, random: Math.random, log })
  const server = await listen(application.web, config.PORT, config.HOST)
  for (const line of await introduction(config, application)) print(line)
  await application.startWork()
  return async () => {
    application.closeStreams()
    await server.stop()
    await application.stop()
    log.flush()
  }
}

async function introduction(
  config: Config,
  { webhook, newEditors, signInLink }: Application,
): Promise<string[]> {
  const site = config.PUBLIC_URL.origin + basePath(config)
  const keptMail = join(config.DATA_DIR, 'mail')
  const secret = webhook.isNew
    ? webhook.secret
    : 'the TELEGRAM_WEBHOOK_SECRET, or the one in DATA_DIR/secrets.json'
  const [editor] = newEditors
  return [
    `Letterbox   ${site}/`,
    `Desk        ${site}/desk`,
    config.SMTP_URL
      ? `Mail        goes out through ${new URL(config.SMTP_URL).host}`
      : `Mail        is kept as .eml files in ${keptMail}, for no SMTP_URL is set`,
    `Telegram    POST ${webhook.url}`,
    `            with the header X-Telegram-Bot-Api-Secret-Token: ${secret}`,
    ...(editor && !config.SMTP_URL
      ? ['', `Sign in as ${editor.email}, once, within a day:`, `  ${await signInLink(editor.id)}`]
      : []),
    '',
  ]
}
