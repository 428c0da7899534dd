import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const src = resolve(import.meta.dirname, '../src')
const neighbours = [
  'channels/api',
  'channels/email',
  'channels/form',
  'channels/telegram',
  'intake',
  'storage',
  'sealing',
  'erasing',
  'export',
  'notification',
  'pgp',
  'previews',
  'cleaning',
  'desk',
  'web',
]
/** Where everything meets. */
const meetingPlaces = [
  'main.ts',
  'serve.ts',
  'commands.ts',
  'mail-commands.ts',
  'application.ts',
  'afterwards.ts',
  'answer-files.ts',
  'bot-side.ts',
  'parts.ts',
  'pgp-side.ts',
  'first-links.ts',
  'readiness.ts',
  'site.ts',
  'stores.ts',
  'uploads.ts',
  'desk-side.ts',
  'letterbox.ts',
  'mail-side.ts',
  'outbox.ts',
  'rounds.ts',
]
/** Beneath all: what threads are handed streams by, the pace of what is done beside the requests, and how processes are begun. */
const beneath = ['threads', 'background', 'children']
/** Libraries with one user only. */
const onlyUsers: Record<string, string | string[]> = {
  multer: 'channels/form',
  grammy: 'channels/telegram',
  '@grammyjs': 'channels/telegram',
  nodemailer: 'notification',
  'smtp-server': 'channels/email',
  mailparser: 'channels/email',
  imapflow: 'channels/email',
  jszip: 'channels/email',
  htmlparser2: 'channels/email',
  sax: 'channels/email',
  'dingbat-to-unicode': 'channels/email',
  '@zone-eu/mailsplit': 'channels/email',
  libmime: 'channels/email',
  'iconv-lite': 'channels/email',
  chardet: 'channels/email',
  'franc-min': 'channels/email',
  'rtf-stream-parser': 'channels/email',
  kysely: 'storage',
  'node:sqlite': 'storage',
  pg: 'storage',
  sharp: ['children/open-picture.ts', 'cleaning/picture.ts'],
  unpdf: 'previews',
  '@simplewebauthn': 'desk',
  otpauth: 'desk',
  'csv-stringify': 'desk',
  'modern-tar': 'export',
  'age-encryption': 'sealing',
  openpgp: 'pgp',
  '@scure/base': 'sealing',
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((found) => found[1] as string)
}

function folderOf(file: string): string | undefined {
  return neighbours.find((folder) => file.startsWith(`${folder}/`))
}

function isBeneath(file: string): boolean {
  return beneath.some((folder) => file.startsWith(`${folder}/`))
}

function isDomain(file: string): boolean {
  return !file.includes('/') && !meetingPlaces.includes(file)
}

test('the house has no rooms that nobody knows', () => {
  for (const file of files) assert.ok(!file.includes('/') || folderOf(file) || isBeneath(file), file)
})

test('imports run one way', () => {
  for (const file of files) {
    for (const imported of importsOf(file).filter((name) => name.startsWith('.'))) {
      const target = relative(src, resolve(src, dirname(file), imported))
      const allowed = meetingPlaces.includes(file)
        ? true
        : isDomain(file)
          ? isDomain(target)
          : isDomain(target) || isBeneath(target) || folderOf(target) === folderOf(file)
      assert.ok(allowed, `${file} imports ${target}`)
    }
  }
})

test('domain files import nothing but zod, uuid and node:crypto', () => {
  for (const file of files.filter(isDomain)) {
    for (const name of importsOf(file))
      assert.ok(/^(\.|zod$|uuid$|node:crypto$)/.test(name), `${file} imports ${name}`)
  }
})

test('each outside has one user', () => {
  for (const file of files) {
    for (const name of importsOf(file)) {
      const users = [onlyUsers[name.split('/')[0] as string] ?? []].flat()
      const isOneOfThem = users.some((user) => file.startsWith(user))
      assert.ok(users.length === 0 || isOneOfThem, `${file} imports ${name}`)
    }
  }
})

test('processes are begun in one place, and what reads a sender’s file is confined', () => {
  const holding = (pattern: RegExp) =>
    files.filter((file) => pattern.test(readFileSync(join(src, file), 'utf8')))
  assert.deepEqual(holding(/child_process|node:cluster/), ['children/child.ts'])
  assert.deepEqual(holding(/\bmadeBy\(/).sort(), [
    'children/child.ts',
    'children/confined.ts',
    'cleaning/cleaner.ts',
    'cleaning/sandbox.ts',
    'previews/preview.ts',
  ])
  // Commands are put together where they are confined, and nowhere else.
  assert.deepEqual(holding(/\bexecPath\b|'bwrap'|'prlimit'/), ['children/confined.ts'])
})

test('only main.ts uses the process, and no SQL is written outside storage', () => {
  for (const file of files) {
    const text = readFileSync(join(src, file), 'utf8')
    assert.ok(file === 'main.ts' || !/\bprocess\.(env|exit|argv|on|stdout|stderr)/.test(text), file)
    assert.ok(
      file.startsWith('storage/') || !/\bsql`|selectFrom|insertInto|updateTable|deleteFrom/.test(text),
      file,
    )
  }
})
