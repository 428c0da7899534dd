import { z } from 'zod'
import { addressOf } from './core/email-address.ts'
import { deskAddress, isOnionName, type SiteAddresses } from './core/public-urls.ts'
import { Kind, kinds } from './db/values.ts'

const MiB = 1024 * 1024

const bytes = z.coerce.number().int().positive()
const perClient = z.coerce.number().int().min(0)
const mailbox = /^(?:[^<>\r\n]*<)?[^\s<>@]+@[^\s<>@]+>?$/

const defaultFileTypes = [
  'image/*',
  'audio/*',
  'video/*',
  'text/*',
  'application/pdf',
  'application/rtf',
  'application/zip',
  'application/x-cfb',
  'application/epub+zip',
  'application/vnd.openxmlformats-officedocument.*',
  'application/vnd.oasis.opendocument.*',
  // What is encrypted is evidence; nobody opens it here.
  'application/pgp-*',
  'application/pkcs7-*',
  'application/x-age',
  'application/x-keepass2',
]

function list(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** An address of the newsroom, and the kind of submission that mail to it is. */
const ReceivingAddress = z.string().transform((text, context) => {
  const [, address = '', kind] = /^([^\s@<>=]+@[^\s@<>=]+)\s*=\s*(\S+)$/.exec(text) ?? []
  const parsed = Kind.safeParse(kind)
  if (parsed.success) return { ...addressOf(address), kind: parsed.data }
  context.addIssue({
    code: 'custom',
    message: `lists addresses and their kinds, such as tips@example.org=news-tip; the kinds are ${kinds.join(', ')}`,
  })
  return z.NEVER
})

/** The environment, as documented in the README. */
const Variables = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(3000),
  HOST: z.string().default('127.0.0.1'),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  ONION_URL: z
    .url({ protocol: /^http$/, hostname: /\.onion$/ })
    .refine(
      (url) => URL.canParse(url) && isOnionName(new URL(url).host),
      'is http:// and the name of an onion service, as in the file hostname of its folder',
    )
    .optional(),
  DESK_URL: z
    .url({ protocol: /^https?$/ })
    .refine((url) => pathOf(url) === '/', 'has no path: the desk has a host of its own')
    .optional(),
  DATA_DIR: z.string().default('data'),
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'starts with sqlite: or postgres://')
    .optional(),
  UPLOADS_DIR: z.string().default('uploads'),
  OFFLINE_DESK_KEY: z
    .string()
    .regex(/^age1[02-9ac-hj-np-z]{58}$/, 'has to be an age recipient, such as age1…')
    .optional(),
  MEMORY_KEY: z.string().min(32, 'has at least 32 characters, made by chance').optional(),
  NEWSROOM_NAME: z.string().min(1).max(100).default('The Newsroom'),
  EDITORS: z
    .string()
    .default('editor@localhost')
    .transform(list)
    .pipe(z.array(z.string().regex(/^[^\s@<>,]+@[^\s@<>,]+$/, 'lists mail addresses, separated by commas'))),
  SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  MAIL_FROM: z
    .string()
    .regex(mailbox, 'is one address, such as Barua <barua@example.org>')
    .default('Barua <barua@localhost>'),
  TELEGRAM_BOT_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]+$/, 'looks like 123456:ABC-DEF')
    .optional(),
  TELEGRAM_WEBHOOK_SECRET: z
    .string()
    .regex(/^[\w-]{1,256}$/, 'is 1 to 256 of A-Z, a-z, 0-9, _ and -')
    .optional(),
  TELEGRAM_API_ROOT: z
    .url({ protocol: /^https?$/ })
    .default('https://api.telegram.org')
    .transform((root) => root.replace(/(?<!\/)\/+$/, '')),
  TELEGRAM_QUIET_SECONDS: z.coerce.number().positive().max(86_400).default(600),
  WEBHOOK_HOSTS: z.string().default('').transform(list),
  EMAIL_LISTEN: z
    .url({ protocol: /^(smtp|lmtp)$/ })
    .refine((url) => new URL(url).port !== '', 'has a port, such as smtp://127.0.0.1:2525')
    .optional(),
  EMAIL_ADDRESSES: z.string().default('').transform(list).pipe(z.array(ReceivingAddress)),
  EMAIL_REPLY_ADDRESS: z
    .string()
    .regex(/^[^\s@<>]+@[^\s@<>]+$/, 'is one address')
    .optional(),
  EMAIL_TLS_KEY: z.string().optional(),
  EMAIL_TLS_CERT: z.string().optional(),
  EMAIL_LIMIT: perClient.default(300),
  IMAP_URL: z
    .url({ protocol: /^imaps?$/ })
    .refine(isDecodable, 'writes a % as %25, and @ / : in a name or password as %40 %2F %3A')
    .optional(),
  MAX_FILE_BYTES: bytes.default(25 * MiB),
  MAX_SUBMISSION_BYTES: bytes.default(100 * MiB),
  DISK_RESERVE: z.coerce.number().int().min(0).optional(),
  FILE_TYPES: z.string().default(defaultFileTypes.join(',')).transform(list),
  SUBMIT_LIMIT: perClient.default(30),
  ONION_SUBMIT_LIMIT: perClient.default(300),
  STATUS_LIMIT: perClient.default(30),
  TRUST_PROXY: z
    .string()
    .regex(
      /^(true|false|\d+|[\da-f.:/, a-z]+)$/i,
      'is false, a number of proxies, or a list of their addresses',
    )
    .default('false')
    .transform(proxies),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

const replyAddress = /^[^\s@<>+]{1,18}@[^\s@<>]+$/
const longReply =
  'has to be set where mail comes in: the address in MAIL_FROM has a plus, or more than 18 characters before the @'

/** Some belong together. */
const Environment = Variables.check(({ value, issues }) => {
  const errorCode = (variable: string, message: string) =>
    issues.push({ code: 'custom', message, path: [variable], input: undefined })
  const hears = value.EMAIL_LISTEN !== undefined || value.IMAP_URL !== undefined
  const reply = value.EMAIL_REPLY_ADDRESS ?? bareAddress(value.MAIL_FROM)
  if (hears && !replyAddress.test(reply)) errorCode('EMAIL_REPLY_ADDRESS', longReply)
  if ((value.EMAIL_TLS_KEY === undefined) !== (value.EMAIL_TLS_CERT === undefined))
    errorCode('EMAIL_TLS_KEY', 'and EMAIL_TLS_CERT go together')
  const onionPath = pathOf(value.ONION_URL)
  if (onionPath !== '/' && onionPath !== pathOf(value.PUBLIC_URL))
    errorCode('ONION_URL', 'has the same path as PUBLIC_URL, or none')
  const deskError = errorOfDesk(value)
  if (deskError !== undefined) errorCode('DESK_URL', deskError)
})

/**
 * What is wrong with the desk's address. A browser keeps pages apart by host and port, but cookies and passkeys by the
 * host alone, so another port is not enough.
 */
function errorOfDesk(values: z.infer<typeof Variables>): string | undefined {
  const desk = parsedUrl(values.DESK_URL)
  if (desk === undefined) return undefined
  const site = parsedUrl(values.PUBLIC_URL) ?? new URL('http://localhost')
  if ([site.hostname, parsedUrl(values.ONION_URL)?.hostname].includes(desk.hostname))
    return 'has a host name that neither PUBLIC_URL nor ONION_URL has'
  if (desk.hostname.endsWith('.onion'))
    return desk.protocol === 'http:' && isOnionName(desk.host)
      ? undefined
      : 'is http:// and the name of an onion service, where it is one'
  if (site.protocol === 'https:' && desk.protocol !== 'https:') return 'is https, as PUBLIC_URL is'
  return undefined
}

function parsedUrl(url: string | undefined): URL | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url) : undefined
}

/** The path of an address that may be missing, or none at all. */
function pathOf(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? siteAddress(url).pathname : '/'
}

// `true` would believe any client about its address; one proxy in front is what people mean by it.
function proxies(value: string): number | string[] | false {
  if (value === 'false') return false
  if (value === 'true') return 1
  return /^\d+$/.test(value) ? Number(value) : list(value)
}

export type Config = Readonly<
  Omit<
    z.infer<typeof Environment>,
    'PUBLIC_URL' | 'ONION_URL' | 'DESK_URL' | 'DATABASE_URL' | 'EMAIL_REPLY_ADDRESS'
  > & {
    PUBLIC_URL: URL
    /** With the path of PUBLIC_URL. */
    ONION_URL: URL | undefined
    /** Without a path; where it is set, the desk answers there and nowhere else. */
    DESK_URL: URL | undefined
    DATABASE_URL: string
    EMAIL_REPLY_ADDRESS: string
    /** Where replies to our mail go. */
    replies: Replies
  }
>

/** A reply to our mail is taken in by the mail channel, goes to a mailbox that people read, or is read by nobody. */
export type Replies = 'collected' | 'to-people' | 'unread'

/** All that is wrong with the environment, one line a variable. */
export class ConfigError extends Error {}

/**
 * Reads the environment once. An empty variable counts as not set.
 * @throws ConfigError naming every faulty variable at once, without their values: they may be secrets.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = Environment.safeParse(given)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new ConfigError(lines.join('\n'))
  }
  const values = parsed.data
  const publicUrl = siteAddress(values.PUBLIC_URL ?? `http://localhost:${values.PORT}`)
  return Object.freeze({
    ...values,
    PUBLIC_URL: publicUrl,
    ONION_URL: values.ONION_URL === undefined ? undefined : new URL(publicUrl.pathname, values.ONION_URL),
    DESK_URL: values.DESK_URL === undefined ? undefined : siteAddress(values.DESK_URL),
    DATABASE_URL: values.DATABASE_URL ?? `sqlite:${values.DATA_DIR}/barua.db`,
    EMAIL_REPLY_ADDRESS: values.EMAIL_REPLY_ADDRESS ?? bareAddress(values.MAIL_FROM),
    replies: repliesOf(values),
  })
}

/** Where no mail comes in, an address for replies was set for people: nothing else could make use of it. */
function repliesOf(
  values: Pick<z.infer<typeof Environment>, 'EMAIL_LISTEN' | 'IMAP_URL' | 'EMAIL_REPLY_ADDRESS'>,
): Replies {
  if (values.EMAIL_LISTEN !== undefined || values.IMAP_URL !== undefined) return 'collected'
  return values.EMAIL_REPLY_ADDRESS === undefined ? 'unread' : 'to-people'
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url)
    return true
  } catch {
    return false
  }
}

function bareAddress(mailbox: string): string {
  const { local, domain } = addressOf(mailbox)
  return `${local}@${domain}`
}

/** True if mail can come in, by whichever way. */
export function hasInboundMail(config: Pick<Config, 'replies'>): boolean {
  return config.replies === 'collected'
}

function siteAddress(given: string): URL {
  const url = new URL(given)
  url.pathname = url.pathname.replace(/(?<!\/)\/+$/, '')
  url.search = ''
  url.hash = ''
  return url
}

/** By which addresses the site is reached. */
export function siteAddresses(config: Config): SiteAddresses {
  return { publicUrl: config.PUBLIC_URL, onionUrl: config.ONION_URL, deskUrl: config.DESK_URL }
}

/** The path that the letterbox is served under: empty, or such as `/tips`. */
export function basePath(config: Pick<Config, 'PUBLIC_URL'>): string {
  return pathWithoutEnd(config.PUBLIC_URL)
}

/** The path that `/desk` is served under: that of the letterbox, or none where the desk has an address of its own. */
export function deskBasePath(config: Config): string {
  return pathWithoutEnd(deskAddress(siteAddresses(config)))
}

function pathWithoutEnd({ pathname }: URL): string {
  return pathname.replace(/\/$/, '')
}
