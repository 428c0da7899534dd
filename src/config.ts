import { z } from 'zod'

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
]

function list(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** The environment, as documented in the README. */
const Environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(3000),
  HOST: z.string().default('127.0.0.1'),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  DATA_DIR: z.string().default('data'),
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'starts with sqlite: or postgres://')
    .optional(),
  UPLOADS_DIR: z.string().default('uploads'),
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
    .transform((root) => root.replace(/\/+$/, '')),
  TELEGRAM_QUIET_SECONDS: z.coerce.number().positive().max(86_400).default(600),
  WEBHOOK_HOSTS: z.string().default('').transform(list),
  MAX_FILE_BYTES: bytes.default(25 * MiB),
  MAX_SUBMISSION_BYTES: bytes.default(100 * MiB),
  FILE_TYPES: z.string().default(defaultFileTypes.join(',')).transform(list),
  SUBMIT_LIMIT: perClient.default(30),
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

// `true` would believe any client about its address; one proxy in front is what people mean by it.
function proxies(value: string): number | string[] | false {
  if (value === 'false') return false
  if (value === 'true') return 1
  return /^\d+$/.test(value) ? Number(value) : list(value)
}

export type Config = Readonly<
  Omit<z.infer<typeof Environment>, 'PUBLIC_URL' | 'DATABASE_URL'> & { PUBLIC_URL: URL; DATABASE_URL: string }
>

/** All that is wrong with the environment, one line a variable. */
export class ConfigFault extends Error {}

/**
 * Reads the environment once. An empty variable counts as not set.
 * @throws ConfigFault naming every faulty variable at once, without their values: they may be secrets.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = Environment.safeParse(given)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new ConfigFault(lines.join('\n'))
  }
  const values = parsed.data
  return Object.freeze({
    ...values,
    PUBLIC_URL: publicUrl(values.PUBLIC_URL ?? `http://localhost:${values.PORT}`),
    DATABASE_URL: values.DATABASE_URL ?? `sqlite:${values.DATA_DIR}/barua.db`,
  })
}

function publicUrl(given: string): URL {
  const url = new URL(given)
  url.pathname = url.pathname.replace(/\/+$/, '')
  url.search = ''
  url.hash = ''
  return url
}

/** The path that everything is served under: empty, or such as `/tips`. */
export function basePath(config: Config): string {
  return config.PUBLIC_URL.pathname.replace(/\/$/, '')
}
