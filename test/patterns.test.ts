import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { type Node, parse } from 'acorn'

const src = resolve(import.meta.dirname, '../src')

type Pattern = { file: string; source: string; flags: string }

/** Every regular expression that is written in the program, once. */
function patterns(): Pattern[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const found = new Map<string, Pattern>()
  for (const file of files) {
    const code = stripTypeScriptTypes(readFileSync(join(src, file), 'utf8'))
    walk(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), ({ pattern, flags }) =>
      found.set(`${pattern} ${flags}`, { file, source: pattern, flags }),
    )
  }
  return [...found.values()]
}

/**
 * Those that are put together from parts, when these files are loaded. What lines of devices are known by is asked of short
 * ones only.
 */
const putTogether = [
  'outbound-mail/reply-delimiter',
  'submissions/receipt',
  'core/email-address',
  'export/csv-cell',
  ...['editor-reply', 'automatic-mail', 'delivery-report-phrases'].map((name) => `channels/email/${name}`),
]

async function patternsPutTogether(): Promise<Pattern[]> {
  await import(join(src, 'channels/email/device-lines.ts'))
  const found: Pattern[] = []
  const given = globalThis.RegExp
  globalThis.RegExp = new Proxy(given, {
    construct(target, [source, flags]: [string, string?]) {
      found.push({ file: 'put together', source: String(source), flags: flags ?? '' })
      return new target(source, flags)
    },
  })
  try {
    for (const name of putTogether) await import(join(src, `${name}.ts`))
  } finally {
    globalThis.RegExp = given
  }
  return found
}

function walk(node: unknown, meet: (regex: { pattern: string; flags: string }) => void): void {
  if (Array.isArray(node)) for (const one of node) walk(one, meet)
  else if (typeof node === 'object' && node !== null) {
    if ('type' in node && (node as Node).type === 'Literal' && 'regex' in node)
      meet(node.regex as { pattern: string; flags: string })
    else for (const value of Object.values(node)) walk(value, meet)
  }
}

const size = 20_000
/**
 * Milliseconds for a text of so many characters. A pattern that goes over it once takes a hundredth; one that begins anew at
 * each place takes many times as long, on any machine.
 */
const longest = 100
/** What a hostile text may be a row of, besides what stands in the pattern itself. */
const rows = [
  ...[
    ' ',
    '\t',
    '\n',
    ' \n',
    '\n ',
    '\r\n',
    '\n\n',
    '\u00a0',
    '.',
    'a',
    'A',
    '0',
    'é',
    '😀',
    '-',
    '_',
    '<',
    '>',
    '(',
    '[',
    '{',
  ],
  ...[
    '"',
    "'",
    '/',
    ':',
    '@',
    '=',
    '#',
    '*',
    '~',
    '|',
    ',',
    ';',
    '\\',
    '%',
    '&',
    'a ',
    'a.',
    'a-',
    'a@',
    '0 ',
    '\n>',
    '> ',
  ],
  ...['www.', '<a', '<!', '<a ', '-\n', 'a\n', 'a, ', '="', ']('],
]

function pumpsFor(source: string): string[] {
  const literal = source
    .slice(0, 3000)
    .replace(/\\[bBdDsSwWpPu](?:\{[^}]*\})?|[\\^$()[\]?*+|]|\{\d*,?\d*\}/g, ' ')
  const words = literal.split(/\s+/).filter((word) => word.length > 0 && word.length < 30)
  return [...new Set([...rows, ...words, ...words.map((word) => `${word} `)])]
}

function prefixesFor(source: string): string[] {
  const begin = source
    .replace(/^\(\?[:=!<]+/, '')
    .replace(/^\^/, '')
    .replace(/\\(\W)/g, '$1')
  const literal = /^[^[\](){}?*+|.$^\\]*/.exec(begin)?.[0] ?? ''
  const braces = /^[{[(<]+/.exec(begin)?.[0] ?? ''
  return [...new Set(['', literal, braces, 'a', `${literal}a`])]
}

function timeOf({ source, flags }: Pattern, text: string): number {
  const pattern = new RegExp(source, flags.replace(/[gy]/g, ''))
  let best = Number.POSITIVE_INFINITY
  // The fastest of several counts, for others may use the machine.
  for (let attempts = 0; attempts < 3 && best > longest; attempts++) {
    const begun = performance.now()
    pattern.test(text)
    best = Math.min(best, performance.now() - begun)
  }
  return best
}

test('no pattern takes a sender’s text apart more often than once', async () => {
  const slow: string[] = []
  const made = await patternsPutTogether()
  assert.ok(made.length > 8)
  for (const pattern of [...patterns(), ...made]) {
    const worst = worstOf(pattern)
    if (worst) slow.push(`${pattern.file}: /${pattern.source.slice(0, 100)}/${pattern.flags} ${worst}`)
  }
  assert.deepEqual(slow, [])
})

function worstOf(pattern: Pattern): string | undefined {
  for (const prefix of prefixesFor(pattern.source)) {
    for (const pump of pumpsFor(pattern.source)) {
      // A shorter one first: what is cubic would take for ever on the long one.
      for (const [length, most] of [
        [1000, longest],
        [size, longest],
      ] as const) {
        const text = `${prefix}${pump.repeat(Math.ceil(length / pump.length))}\u0001`
        const took = timeOf(pattern, text)
        if (took > most)
          return `takes ${Math.round(took)} ms for ${JSON.stringify(prefix + pump)} × ${length}`
      }
    }
  }
  return undefined
}
