import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const src = resolve(import.meta.dirname, '../src')
/** A folder imports only itself and the folders above it in this list. */
const folders = [
  'core',
  'db',
  'encryption',
  'jobs',
  'audit',
  'submissions',
  'files',
  'documents',
  'accounts',
  'editorial',
  'statistics',
  'export',
  'outbound-mail',
  'notifications',
  'retention',
  'confidentiality',
  'web',
  'channels/form',
  'channels/chat',
  'channels/telegram',
  'channels/email',
  'channels/api',
  'desk/http',
  'desk/pages',
  'app',
  'cli',
]
/** What may be imported from anywhere, and what imports anything. */
const atTheRoot = ['config.ts', 'main.ts']
/** Libraries that one folder, or one file, wraps. */
const onlyUsers: Record<string, string | string[]> = {
  multer: 'web',
  grammy: 'channels/telegram',
  '@grammyjs': 'channels/telegram',
  nodemailer: 'outbound-mail',
  'smtp-server': 'channels/email',
  mailparser: 'channels/email',
  imapflow: 'channels/email',
  jszip: ['documents', 'channels/email'],
  htmlparser2: ['documents', 'channels/email'],
  sax: 'documents',
  'dingbat-to-unicode': 'documents',
  '@zone-eu/mailsplit': 'channels/email',
  libmime: 'channels/email',
  'iconv-lite': ['core', 'channels/email'],
  chardet: 'core',
  'franc-min': 'documents',
  'rtf-stream-parser': 'channels/email',
  'node:sqlite': 'db',
  pg: 'db',
  sharp: ['files/open-picture.ts', 'files/metadata/picture-process.ts'],
  unpdf: 'files/preview',
  '@simplewebauthn': ['accounts', 'desk/http'],
  otpauth: 'accounts',
  'csv-stringify': 'desk',
  'modern-tar': 'export',
  'age-encryption': 'encryption',
  openpgp: 'outbound-mail/pgp',
  '@scure/base': ['core', 'encryption', 'outbound-mail/pgp'],
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
)
const texts = new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]))
const imports = new Map(files.map((file) => [file, importsOf(file)]))

function textOf(file: string): string {
  return texts.get(file) as string
}

function importsOf(file: string): string[] {
  return [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((found) => found[1] as string)
}

/** The files of ours that a file imports, types included. */
function targetsOf(file: string): string[] {
  const ours = (imports.get(file) ?? []).filter((name) => name.startsWith('.'))
  return ours.map((name) => relative(src, resolve(src, dirname(file), name)))
}

function folderOf(file: string): string | undefined {
  return folders.find((folder) => file.startsWith(`${folder}/`))
}

function mayImport(file: string, target: string): boolean {
  if (atTheRoot.includes(file) || target === 'config.ts') return true
  return folders.indexOf(folderOf(target) ?? '') <= folders.indexOf(folderOf(file) ?? '')
}

test('the house has no rooms that nobody knows', () => {
  for (const file of files) assert.ok(atTheRoot.includes(file) || folderOf(file), file)
})

test('imports run one way', () => {
  const wrong = files.flatMap((file) =>
    targetsOf(file)
      .filter((target) => !mayImport(file, target))
      .map((target) => `${file} imports ${target}`),
  )
  assert.deepEqual(wrong, [])
})

test('no files import each other in a circle, types included', () => {
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const target of targetsOf(file)) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  assert.deepEqual(circles, [])
})

test('each outside has one user', () => {
  for (const [file, names] of imports) {
    for (const name of names) {
      const users = [onlyUsers[name] ?? onlyUsers[name.split('/')[0] as string] ?? []].flat()
      const isOneOfThem = users.some((user) => file === user || file.startsWith(`${user}/`))
      assert.ok(users.length === 0 || isOneOfThem, `${file} imports ${name}`)
    }
  }
})

test('processes are begun in one place, and what reads a sender’s file is confined', () => {
  const holding = (pattern: RegExp) => files.filter((file) => pattern.test(textOf(file))).sort()
  assert.deepEqual(holding(/child_process|node:cluster/), ['files/processes/child-process.ts'])
  assert.deepEqual(holding(/\bmadeBy\(/), [
    'files/metadata/cleaner.ts',
    'files/metadata/sandbox.ts',
    'files/preview/preview.ts',
    'files/processes/child-process.ts',
    'files/processes/confinement.ts',
  ])
  // Commands are put together where they are confined, and nowhere else.
  assert.deepEqual(holding(/\bexecPath\b|'bwrap'|'prlimit'/), ['files/processes/confinement.ts'])
})

test('only main.ts uses the process', () => {
  for (const file of files)
    assert.ok(file === 'main.ts' || !/\bprocess\.(env|exit|argv|on|stdout|stderr)/.test(textOf(file)), file)
})

test('SQL is written in stores only', () => {
  const holds = files.filter((file) =>
    /\bsql`|selectFrom|insertInto|updateTable|deleteFrom/.test(textOf(file)),
  )
  assert.deepEqual(
    holds.filter(
      (file) =>
        !file.startsWith('db/') && file !== 'app/stores.ts' && !/(?:^|[/-])store(?:\.ts$|\/)/.test(file),
    ),
    [],
  )
})

/** Words that mean too much or too little, or that the field has another word for: of each, what to say instead. */
const forbidden: Record<string, string> = {
  piece: 'submission; of bytes, chunk',
  deed: 'action',
  said: 'what it is: text, fields, content',
  told: 'what it is: view, visible, notified',
  door: 'channel',
  delivery: 'job',
  purpose: 'type; of a key or a token, use',
  carrier: 'queue',
  carry: 'handle',
  needless: 'skipped',
  arrival: 'idempotency key',
  held: 'quarantined; legal hold; used',
  seal: 'encrypt',
  sealed: 'encrypted',
  sealing: 'recipients',
  sealer: 'cipher',
  reveal: 'decrypt',
  bond: 'context id',
  anew: 're-encrypt; again',
  fault: 'error',
  trouble: 'failure, warning',
  refusal: 'rejection',
  hindrance: 'reason',
  stranger: 'unverified',
  trail: 'audit log',
  glance: 'statistics',
  ledger: 'jobs',
}
/** What mail itself calls a delivery report (RFC 3464). */
const standardTerms = /^(?:DeliveryReport|deliveryReport)/

/** The names in a file, without what stands in texts and comments. */
function namesIn(file: string): Set<string> {
  const code = textOf(file)
    .replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, '')
    .replace(/`(?:[^`\\]|\\.)*`/g, (text) => (text.match(/\$\{[^{}]*\}/g) ?? []).join(' '))
  return new Set(
    code
      .replace(/(?<=(?:[=(,:?|&]|return)\s*)\/(?![*/])(?:[^/\\\n]|\\.)+\/[a-z]*/g, '')
      .match(/[A-Za-z_$][\w$]*/g) ?? [],
  )
}

function wordsOf(name: string): string[] {
  const apart = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
  return apart.toLowerCase().split(/[ _]/)
}

test('one word for one thing: none that the house has given up', () => {
  const wrong = files.flatMap((file) =>
    [...namesIn(file)]
      .filter((name) => !standardTerms.test(name))
      .flatMap((name) => {
        const word = wordsOf(name).find((one) =>
          Object.hasOwn(forbidden, one.replace(/ies$/, 'y').replace(/(?<!s)s$/, '')),
        )
        const instead = word && forbidden[word.replace(/ies$/, 'y').replace(/(?<!s)s$/, '')]
        return instead ? [`${file}: ${name}; say ${instead}`] : []
      }),
  )
  assert.deepEqual(wrong, [])
})

test('no two types have one name', () => {
  const places = new Map<string, string[]>()
  for (const file of files)
    for (const [, name = ''] of textOf(file).matchAll(/^(?:export )?(?:type|class|interface) (\w+)/gm))
      places.set(name, [...(places.get(name) ?? []), file])
  assert.deepEqual(
    [...places].filter(([, found]) => found.length > 1),
    [],
  )
})
