import { pino } from 'pino'
import { hashToken, newToken, tokenRules, usualHourlyLimit } from '../accounts/api-token.ts'
import { setUpLines } from '../accounts/first-run.ts'
import { acknowledgementFor, losing } from '../accounts/keyring/key-holders.ts'
import type { KeyStep } from '../accounts/keyring/key-step.ts'
import type { LinkMaker } from '../accounts/sign-in-link.ts'
import { type Application, createApplication } from '../app/app.ts'
import { hour, type Outside } from '../app/context.ts'
import { adoptStores } from '../app/open-stores.ts'
import { verifyAuditLog } from '../audit/log.ts'
import { errorCodeOf } from '../channels/telegram/client.ts'
import { poll } from '../channels/telegram/long-polling.ts'
import {
  connect,
  noWebhook,
  readWebhook,
  setCommands,
  warnings,
  webhookError,
} from '../channels/telegram/webhook-setup.ts'
import { basePath, type Config } from '../config.ts'
import { Failure } from '../core/errors.ts'
import { StartError } from '../core/start-error.ts'
import { holdAlone } from '../db/instance-lock.ts'
import { dkimRecord, makeDkimKey } from '../outbound-mail/dkim.ts'
import { checkMail, dnsLines, importMail, type Print } from './email.ts'

type ShellCommand = (
  args: string[],
  application: Application,
  print: Print,
  /** `signal` ends what runs until it is stopped. */
  more: { config: Config; signal: AbortSignal },
) => Promise<number>

const usage = `Usage: npm run barua -- COMMAND

  editor add EMAIL [admin]   makes an editor, or an admin; the last line is the link to sign in with, once
  editor list                lists the editors
  editor reset EMAIL         takes passphrase, keys and second factors away, and makes a new sign-in link
  editor remove EMAIL        ends the account and its sessions, and goes on with a key that they never had
  token add NAME [--limit N] [--webhook URL]
                             lets another bot in by the API; the last line is its token, shown this once
  token list                 lists the tokens
  token revoke NAME          ends a token
  telegram connect           tells Telegram where to post updates, and which commands people are shown
  telegram check             tells how the webhook stands
  telegram poll              fetches updates, for those without a public address; until it is stopped
  storage adopt              takes database, files and secrets as belonging together, after a restore; says what is missing
  storage sweep              moves files that nothing speaks of to UPLOADS_DIR/swept, which is emptied after 14 days
  audit verify [HASH]        reads the whole audit trail, and tells whether it is as it was written
  email check                sends a mail to ourselves, and waits for it to come back in
  email keys                 makes the key that mail is signed with, and tells what DNS has to say
  email import PATH          takes in the mails of a file, an mbox or a Maildir`

const commands: Record<string, ShellCommand> = {
  async 'editor add'([email = '', role], { storage, keyRing, signInLink }, print, { config }) {
    if (!/^[^\s@<>,]+@[^\s@<>,]+$/.test(email)) return failed(print, 'That is no mail address.')
    if (role !== undefined && role !== 'admin') return failed(print, usage)
    const known = await storage.editors.byEmail(email)
    if (known && role === 'admin') {
      const event = { action: 'role' as const, editorId: null, aboutId: known.id, detail: 'admin' }
      await storage.editors.setRole(known.id, 'admin', { event, at: Date.now() })
    }
    if (known && (await keyRing.holdsAlready(known.id))) {
      print(
        `${known.email} is an editor already, and keeps their key. This link signs in, once, within a day:`,
      )
      print(await signInLink(known.id))
      return 0
    }
    const hasAdmin = (await storage.editors.active()).some((editor) => editor.role === 'admin')
    const { editor, link } = await keyRing.together(async (step) => {
      const added = await step.accounts.addEditor(email, role ?? (hasAdmin ? 'editor' : 'admin'), Date.now())
      const made = await keyLink(config, step, signInLink, added.id)
      await step.accounts.note({ action: 'invited', editorId: null, aboutId: added.id }, Date.now())
      return { editor: added, link: made }
    })
    print(`${editor.email} is an editor. This link is a key until a passphrase is set with it:`)
    print(link)
    return 0
  },
  async 'editor list'(_none, { storage }, print) {
    for (const { email, role } of await storage.editors.active())
      print(role === 'admin' ? `${email} (admin)` : email)
    return 0
  },
  async 'editor reset'([email = '', ...given], { storage, keyRing, signInLink }, print, { config }) {
    const editor = await storage.editors.byEmail(email)
    if (!editor) return failed(print, 'There is no such editor.')
    const acknowledged = acknowledgedBy(given)
    if (acknowledged === undefined) return failed(print, usage)
    return orSayWhatIsLost(print, email, async () => {
      const link = await keyRing.together(async (step) => {
        await step.accounts.resetFactors(editor.id)
        await step.forget(editor.id)
        const made = await keyLink(config, step, signInLink, editor.id)
        await step.accounts.note({ action: 'reset', editorId: null, aboutId: editor.id }, Date.now())
        return made
      }, acknowledged)
      print(
        `${editor.email} begins anew. What was sealed before opens for them when a colleague lets them in.`,
      )
      print('This link is a key to what comes in from now on, until a passphrase is set with it:')
      print(link)
    })
  },
  async 'editor remove'([email = '', ...given], { storage, keyRing }, print) {
    const editor = await storage.editors.byEmail(email)
    if (!editor) return failed(print, 'There is no such editor.')
    const acknowledged = acknowledgedBy(given)
    if (acknowledged === undefined) return failed(print, usage)
    return orSayWhatIsLost(print, email, async () => {
      await keyRing.together(async (step) => {
        await step.accounts.removeEditor(editor.id, Date.now(), { lastAdminToo: true })
        await step.expel(editor.id)
        await step.accounts.note({ action: 'removed', editorId: null, aboutId: editor.id }, Date.now())
      }, acknowledged)
      print(
        `${email} is no longer an editor. The recovery sheet stopped working: an admin makes a new one at the desk.`,
      )
    })
  },
  async 'token add'([name = '', ...options], { storage, hookSecretOf }, print, { config }) {
    const given = optionsIn(options)
    if (!given) return failed(print, usage)
    const parsed = tokenRules(config.WEBHOOK_HOSTS).safeParse({
      hourlyLimit: usualHourlyLimit,
      hookUrl: '',
      ...given,
      name,
    })
    if (!parsed.success) return failed(print, parsed.error.issues.map((issue) => issue.message).join('\n'))
    const token = newToken()
    const noted = { event: { action: 'token-added' as const, editorId: null }, at: Date.now() }
    const made = await storage.apiTokens.add({ ...parsed.data, tokenHash: hashToken(token) }, noted.at, noted)
    if (made.hookUrl) print(`Answers are posted to ${made.hookUrl}, signed with ${hookSecretOf(made)}`)
    print(`The token “${made.name}”, shown this once:`)
    print(token)
    return 0
  },
  async 'token list'(_none, { storage }, print) {
    for (const { name, hourlyLimit, usedAt, hookUrl } of await storage.apiTokens.active()) {
      const limit = hourlyLimit === 0 ? 'no limit' : `${hourlyLimit} an hour`
      const used = usedAt === null ? 'never used' : `last used ${new Date(usedAt).toISOString()}`
      print([name, limit, used, ...(hookUrl ? [`answers go to ${hookUrl}`] : [])].join(', '))
    }
    return 0
  },
  async 'token revoke'([name = ''], { storage }, print) {
    const noted = { event: { action: 'token-revoked' as const, editorId: null }, at: Date.now() }
    if (!(await storage.apiTokens.revoke(name, noted.at, noted)))
      return failed(print, 'There is no such token.')
    print(`The token “${name}” lets nobody in any more.`)
    return 0
  },
  async 'telegram connect'(_none, { bots, webhook }, print) {
    const errorCode = webhookError(webhook.url)
    if (errorCode) return failed(print, errorCode)
    return withTelegram(print, async () => {
      await connect(await bots.api(), webhook.url, webhook.secret)
      print(`Telegram posts to ${webhook.url} from now on. What waited there comes in now.`)
    })
  },
  async 'telegram check'(_none, { bots, webhook }, print) {
    return withTelegram(print, async () => {
      const state = await readWebhook(await bots.api(), webhook.url)
      const { lastError, pending, hasOwnCertificate } = state
      print(`Telegram posts to        ${state.url || 'nowhere'}`)
      print(`Updates that wait there  ${pending}`)
      print(
        `Last error               ${lastError ? `${new Date(lastError.at).toISOString()} ${lastError.message}` : 'none'}`,
      )
      print(
        `Certificate              ${hasOwnCertificate ? 'one uploaded to Telegram' : 'one that Telegram knows by itself'}`,
      )
      const found = warnings(state, Date.now())
      for (const failures of found) print(failures)
      if (found.length === 0) print(state.url === '' ? noWebhook : 'All is well.')
    })
  },
  async 'telegram poll'(_none, { bots, webhook }, print, { config, signal }) {
    return withTelegram(print, async () => {
      const api = await bots.api()
      await setCommands(api)
      print('Fetching updates from Telegram. Stop with Ctrl-C. “npm start” has to run too: it takes them in.')
      const host = config.HOST.includes(':') ? `[${config.HOST}]` : config.HOST
      const url = `http://${host}:${config.PORT}${basePath(config)}/webhooks/telegram`
      const channel = { url, secret: webhook.secret }
      await poll({ api, channel, onError: (code) => print(`Telegram: ${code}`), signal })
    })
  },
  async 'storage sweep'(_none, { files, storage }, print, { config }) {
    const { moved } = await files.sweep({
      // Beside a running service what is younger may just be coming in.
      before: storage.isShared || isServed(config) ? Date.now() - 2 * hour : Date.now(),
      keptAmong: storage.submissions.keptAmong,
      isAskedFor: true,
    })
    print(`${moved} files that nothing speaks of are in ${files.root}/swept now, and stay there for 14 days.`)
    return 0
  },
  async 'audit verify'([known], { storage }, print) {
    if (known !== undefined && !/^[\da-f]{64}$/.test(known)) return failed(print, usage)
    const result = await verifyAuditLog(storage.audit.all(), await storage.audit.head(), known)
    if (!result.isWhole)
      return failed(print, `The audit trail is not as it was written: look at line ${result.brokenAt}.`)
    print(`The audit trail is whole: ${result.entries} lines. The hash of the last one:`)
    print(result.head || 'none, for there is no line yet')
    return 0
  },
  async 'email check'(_none, application, print, { config, signal }) {
    return checkMail(application, config, print, signal)
  },
  async 'email keys'(_none, _application, print, { config }) {
    for (const line of dnsLines(config, dkimRecord(await makeDkimKey(config.DATA_DIR)))) print(line)
    return 0
  },
  async 'email import'([path], { mail }, print, { signal }) {
    if (path === undefined) return failed(print, usage)
    return importMail(path, mail.take, print, signal)
  },
}

/** Works before anything else, for without it nothing starts. */
async function adopt(config: Config, outside: Outside, print: Print): Promise<number> {
  if (isServed(config)) return failed(print, 'Stop Barua first: it is running with this database.')
  const { missing, spokenOf, hasOtherSecrets } = await adoptStores(config, outside)
  print('The database, UPLOADS_DIR and secrets.json belong together from now on.')
  print(
    missing === 0
      ? `All ${spokenOf} files that the database speaks of are there.`
      : `${missing} of the ${spokenOf} files that the database speaks of are missing. Where they are found, put them back.`,
  )
  if (hasOtherSecrets) for (const line of otherSecrets) print(line)
  return 0
}

const otherSecrets = [
  'The secrets are others than before. What hung on the earlier ones is dead: authenticator apps, links in mails that have',
  'gone out, and replies to those mails are held at the desk. What was sent before and is sent again will be there twice.',
  'Let each editor with an authenticator app in again: npm run barua -- editor reset EMAIL',
]

/** Makes an editor a holder of what comes in from now on, and gives the link that bears their key. */
async function keyLink(
  config: Config,
  step: KeyStep,
  signInLink: LinkMaker,
  editorId: string,
): Promise<string> {
  if (config.OFFLINE_DESK_KEY) return signInLink(editorId, undefined, step)
  const { identity } = await step.admit(editorId, [])
  return signInLink(editorId, identity, step)
}

function isServed(config: Config): boolean {
  try {
    holdAlone(config.DATABASE_URL).release()
    return false
  } catch (error) {
    if (error instanceof StartError) return true
    throw error
  }
}

const losingOption = '--lose-what-is-sealed'

/** What is said by the option that gives up what nobody could open any more; undefined if something else was given. */
function acknowledgedBy(given: string[]): string | undefined {
  const [option, count = ''] = given
  if (option === undefined) return ''
  return option === losingOption && /^\d+$/.test(count) && given.length === 2
    ? losing(Number(count))
    : undefined
}

/** Does it; where something would be lost by it, says what, and how to go on all the same. */
async function orSayWhatIsLost(print: Print, email: string, work: () => Promise<void>): Promise<number> {
  try {
    await work()
    return 0
  } catch (error) {
    const count = /\d+/.exec(acknowledgementFor(error) ?? '')?.[0]
    if (count === undefined) throw error
    return failed(
      print,
      [
        `${email} is the only one who can open ${count} of the confidential pieces that have come in.`,
        'Done this way, nobody will ever open those pieces again, and their senders will not be answered.',
        `If that is what you want, say so: add ${losingOption} ${count}`,
      ].join('\n'),
    )
  }
}

/** Options as `--name value`. Undefined if there are others. */
function optionsIn(args: string[]): Record<string, string> | undefined {
  const names: Record<string, string> = { '--limit': 'hourlyLimit', '--webhook': 'hookUrl' }
  const given: Record<string, string> = {}
  for (let i = 0; i < args.length; i += 2) {
    const name = names[args[i] ?? '']
    const value = args[i + 1]
    if (name === undefined || value === undefined) return undefined
    given[name] = value
  }
  return given
}

/** Says what Telegram refused, in a code: its errors hold the token. */
async function withTelegram(print: Print, act: () => Promise<void>): Promise<number> {
  try {
    await act()
    return 0
  } catch (error) {
    const { code } = errorCodeOf(error)
    return failed(print, hints[code] ?? `Telegram could not do that: ${code}`)
  }
}

const hints: Record<string, string> = {
  'telegram-no-token': 'TELEGRAM_BOT_TOKEN is not set. Ask @BotFather in Telegram for a bot and its token.',
  'telegram-401': 'Telegram does not know this token. Look at TELEGRAM_BOT_TOKEN.',
  'telegram-404': 'Telegram does not know this token. Look at TELEGRAM_BOT_TOKEN.',
  'telegram-unreachable': 'Telegram cannot be reached from here. Look at TELEGRAM_API_ROOT and the network.',
}

/** The shell side. It works on the same storage while the server runs. Gives the exit code. */
export async function runCommand(
  args: string[],
  config: Config,
  print: Print,
  signal: AbortSignal,
): Promise<number> {
  const outside = { now: Date.now, random: Math.random, log: pino({ level: 'silent' }) }
  const name = args.slice(0, 2).join(' ')
  if (name === 'storage adopt') return adopt(config, outside, print)
  const command = commands[name]
  if (!command) return failed(print, usage)
  const application = await createApplication(config, outside)
  try {
    await application.openDesk({ isStart: false })
    for (const line of setUpLines(application.setUpLinks)) print(line)
    return await command(args.slice(2), application, print, { config, signal })
  } catch (error) {
    if (error instanceof Failure) return failed(print, error.message)
    throw error
  } finally {
    await application.stop()
  }
}

function failed(print: Print, why: string): number {
  print(why)
  return 1
}
