import { ConfigError } from '../config.ts'
import { StartError } from '../core/start-error.ts'

/** Of the system: https://man7.org/linux/man-pages/man3/errno.3.html */
const systemErrors: Record<string, string> = {
  EACCES: 'Barua may not read or write this. Does it belong to the user that Barua runs as?',
  EPERM: 'Barua may not do that. Does it belong to the user that Barua runs as?',
  EROFS: 'This file system can only be read.',
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The disk quota is used up.',
  EMFILE: 'Too many files are open: look at the limit (ulimit -n).',
  ENOTDIR: 'A file is where a folder should be.',
  EEXIST: 'A file is where a folder should be.',
  EISDIR: 'A folder is where a file should be.',
  EIO: 'The disk has a fault.',
}

/** Of SQLite: https://www.sqlite.org/rescode.html */
const sqliteErrors: Record<number, string> = {
  5: 'Another process holds the database locked.',
  8: 'The database can only be read. Does it belong to the user that Barua runs as?',
  10: 'The disk of the database has a fault, or is full.',
  11: 'The database is damaged. Put it back from a backup.',
  13: 'The disk of the database is full.',
  14: 'The database cannot be opened. May the user that Barua runs as read and write DATA_DIR?',
  26: 'The file of the database is none of SQLite’s. Is DATA_DIR, or DATABASE_URL, right?',
}

/** Of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html; and of the way to it. */
const databaseErrors: Record<string, string> = {
  '28P01': 'PostgreSQL does not accept the password in DATABASE_URL.',
  '28000': 'PostgreSQL does not let the user in DATABASE_URL in.',
  '3D000': 'The database in DATABASE_URL does not exist. Make it first.',
  '42501': 'The user in DATABASE_URL may not make tables in the database.',
  '25006': 'The database in DATABASE_URL can only be read. Is it a standby?',
  '53100': 'The disk of PostgreSQL is full.',
  '53300': 'PostgreSQL has no connection left for Barua.',
  '57P03': 'PostgreSQL is still starting up, or going down.',
  ECONNREFUSED: 'PostgreSQL does not answer at DATABASE_URL.',
  ECONNRESET: 'PostgreSQL ended the connection.',
  ENOTFOUND: 'The host in DATABASE_URL is not known.',
  EAI_AGAIN: 'The host in DATABASE_URL cannot be looked up now.',
  ETIMEDOUT: 'PostgreSQL does not answer at DATABASE_URL.',
}

/** Why the program ends before it has begun, for whoever started it: sentences, and what to do. */
export function whyNotStarted(error: unknown): string {
  if (error instanceof ConfigError)
    return `The configuration has faults:\n${error.message.replace(/^/gm, '  ')}`
  if (error instanceof StartError) return `Barua does not start.\n${error.message}`
  return `Barua does not start.\n${sentenceFor(error)}`
}

function sentenceFor(thrown: unknown): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const { code, errcode, path } = error as { code?: unknown; errcode?: unknown; path?: unknown }
  if (/previously executed migration .* is missing/.test(error.message))
    return 'This database was last used by a newer Barua, or by one from before the first release, whose databases are not taken over. Start that one, or put a backup from before back.'
  const known =
    typeof errcode === 'number'
      ? sqliteErrors[errcode & 0xff]
      : (systemErrors[String(code)] ?? databaseErrors[String(code)])
  if (known !== undefined) return typeof path === 'string' ? `${path}: ${known}` : known
  return `This was not foreseen: ${error.message} (${placeIn(error)})`
}

/** Where in the code it happened, for a report of it. */
function placeIn({ name, stack = '' }: Error): string {
  const [place = ''] = /(?<![\w./-])[\w./-]+\.ts:\d+/.exec(stack) ?? []
  return [name, place].filter((part) => part !== '').join(', ')
}
