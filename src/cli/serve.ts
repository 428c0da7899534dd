import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { pino } from 'pino'
import { setUpLines, waysIn } from '../accounts/first-run.ts'
import { type Application, createApplication } from '../app/app.ts'
import { deskSiteUrl, siteUrl } from '../app/context.ts'
import { basePath, type Config, ConfigError } from '../config.ts'
import { placeOf } from '../core/error-place.ts'
import { isOfTheOutside } from '../core/last-resort.ts'
import { holdAlone } from '../db/instance-lock.ts'
import { missingPrograms } from '../files/metadata/types.ts'
import { kindNames } from '../submissions/model.ts'
import { listen } from '../web/server.ts'

type Service = {
  /** Finishes the work in hand and closes everything. */
  stop: () => Promise<void>
  /** Logs an error that nothing caught, and says whether to go on all the same. */
  survives: (error: unknown) => boolean
}

/** Serves the letterbox and says where it is. */
export async function serve(config: Config, print: (line: string) => void): Promise<Service> {
  const destination = pino.destination({ sync: false })
  // A log that cannot be written is no reason to take nothing in.
  destination.on('error', () => undefined)
  const log = pino({ level: config.LOG_LEVEL, base: null }, destination)
  const alone = holdAlone(config.DATABASE_URL)
  const application = await createApplication(config, { now: Date.now, random: Math.random, log })
  const desk = Promise.withResolvers<void>()
  const server = await listenEverywhere(application, config, desk.promise, (error) =>
    log.warn(placeOf(error), 'an answer broke'),
  )
  await application.openDesk()
  desk.resolve()
  for (const line of await introduction(config, application)) print(line)
  await application.startWork({ isAlone: !application.storage.isShared })
  void tellOfFiles(application, print).catch((error: unknown) => log.warn(placeOf(error), 'no word of files'))
  return {
    async stop() {
      application.closeStreams()
      await server.stop()
      await application.stop()
      alone.release()
      log.flush()
    },
    survives(error) {
      const survives = isOfTheOutside(error)
      log.error(placeOf(error), survives ? 'caught by nobody' : 'caught by nobody: stopping')
      return survives
    },
  }
}

/**
 * Opens the channels, or none of them; whoever comes before the desk is open waits that moment.
 * @throws ConfigError for one that cannot be opened
 */
async function listenEverywhere(
  application: Application,
  config: Config,
  deskIsOpen: Promise<void>,
  onError: (error: Error) => void,
) {
  const waiting: RequestListener = (req, res) => void deskIsOpen.then(() => application.web(req, res))
  try {
    await application.mail.open()
    return await listen(waiting, config.PORT, config.HOST, onError).catch((error: NodeJS.ErrnoException) => {
      throw new ConfigError(`PORT, HOST: this cannot be listened on (${error.code})`)
    })
  } catch (error) {
    await application.stop()
    throw error
  }
}

async function introduction(config: Config, application: Application): Promise<string[]> {
  const { webhook, setUpLinks } = application
  const waiting = await application.waitingEditors()
  const keptMail = join(config.DATA_DIR, 'mail')
  const secret = webhook.isNew
    ? webhook.secret
    : 'the TELEGRAM_WEBHOOK_SECRET, or the one in DATA_DIR/secrets.json'
  return [
    `Letterbox   ${siteUrl(config)}/`,
    `Desk        ${deskSiteUrl(config)}/desk`,
    ...sharedHost(config),
    config.SMTP_URL
      ? `Mail        goes out through ${new URL(config.SMTP_URL).host}`
      : `Mail        is kept as .eml files in ${keptMail}, for no SMTP_URL is set`,
    ...inboundMail(config),
    `Telegram    POST ${webhook.url}`,
    `            with the header X-Telegram-Bot-Api-Secret-Token: ${secret}`,
    ...setUpLines(setUpLinks),
    ...(waiting && setUpLinks.length === 0 ? waysIn(waiting, config.SMTP_URL !== undefined) : []),
    '',
  ]
}

/** Says what is not cleaned here, when that is known: nobody who sends a submission has to wait for it. */
async function tellOfFiles({ cleaner }: Application, print: (line: string) => void): Promise<void> {
  const missing = missingPrograms(await cleaner.programs())
  if (missing.length > 0)
    print(`Files       cannot all be cleaned without ${missing.join(', ')}: see docs/files.md`)
}

/** A path in PUBLIC_URL says that the host is another site’s too: to a browser its pages and the desk are one. */
function sharedHost(config: Config): string[] {
  if (basePath(config) === '' || config.DESK_URL) return []
  return [
    `            WARNING: every script on ${config.PUBLIC_URL.host} can act as a signed-in editor.`,
    '            Give the desk a host of its own with DESK_URL: see docs/desk-host.md',
  ]
}

/** By which ways mail comes in, and what it is then. */
function inboundMail(config: Config): string[] {
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
