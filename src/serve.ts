import { join } from 'node:path'
import { pino } from 'pino'
import { type Application, createApplication } from './application.ts'
import { missingPrograms } from './clean-copy.ts'
import { basePath, type Config, ConfigFault } from './config.ts'
import { setUpLines } from './set-up-links.ts'
import { kindNames } from './submission.ts'
import { listen } from './web/server.ts'

/** Serves the letterbox and says where it is. Gives a function that stops it gracefully. */
export async function serve(config: Config, print: (line: string) => void): Promise<() => Promise<void>> {
  const log = pino({ level: config.LOG_LEVEL, base: null }, pino.destination({ sync: false }))
  const application = await createApplication(config, { now: Date.now, random: Math.random, log })
  const server = await openDoors(application, config)
  for (const line of introduction(config, application)) print(line)
  await application.startWork()
  tellOfFiles(application, print)
  return async () => {
    application.closeStreams()
    await server.stop()
    await application.stop()
    log.flush()
  }
}

/** Opens the doors, or none of them. @throws ConfigFault for one that cannot be opened */
async function openDoors(application: Application, config: Config) {
  try {
    await application.mail.open()
    return await listen(application.web, config.PORT, config.HOST).catch((error: NodeJS.ErrnoException) => {
      throw new ConfigFault(`PORT, HOST: this cannot be listened on (${error.code})`)
    })
  } catch (error) {
    await application.stop()
    throw error
  }
}

function introduction(config: Config, { webhook, setUpLinks }: Application): string[] {
  const site = config.PUBLIC_URL.origin + basePath(config)
  const keptMail = join(config.DATA_DIR, 'mail')
  const secret = webhook.isNew
    ? webhook.secret
    : 'the TELEGRAM_WEBHOOK_SECRET, or the one in DATA_DIR/secrets.json'
  return [
    `Letterbox   ${site}/`,
    `Desk        ${site}/desk`,
    config.SMTP_URL
      ? `Mail        goes out through ${new URL(config.SMTP_URL).host}`
      : `Mail        is kept as .eml files in ${keptMail}, for no SMTP_URL is set`,
    ...mailDoor(config),
    `Telegram    POST ${webhook.url}`,
    `            with the header X-Telegram-Bot-Api-Secret-Token: ${secret}`,
    ...setUpLines(setUpLinks),
    '',
  ]
}

/** Says what is not cleaned here, when that is known: nobody who sends a piece has to wait for it. */
async function tellOfFiles({ cleaner }: Application, print: (line: string) => void): Promise<void> {
  const missing = missingPrograms(await cleaner.programs())
  if (missing.length > 0)
    print(`Files       cannot all be cleaned without ${missing.join(', ')}: see docs/files.md`)
}

/** By which ways mail comes in, and what it is then. */
function mailDoor(config: Config): string[] {
  const ways = [
    ...(config.EMAIL_LISTEN ? [`at ${config.EMAIL_LISTEN}`] : []),
    ...(config.IMAP_URL ? [`from the mailbox at ${new URL(config.IMAP_URL).host}`] : []),
  ]
  if (ways.length === 0) return []
  const addresses = config.EMAIL_ADDRESSES.map(
    ({ local, domain, kind }) => `            ${local}@${domain} takes: ${kindNames[kind].toLowerCase()}`,
  )
  return [`            and comes in ${ways.join(' and ')}`, ...addresses]
}
