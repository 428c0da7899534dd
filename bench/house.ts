import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { type Node, parse } from 'acorn'

/*
 * How large the house is, and how its rooms are: `node bench/house.ts [FOLDER]`. For comparing one commit with another; no
 * figure of it is a goal by itself.
 */

const src = process.argv[2] ?? 'src'
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
)
const texts = new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]))
const lines = [...texts].map(([file, text]) => ({ file, count: text.split('\n').length - 1 }))
const functions = [...texts].flatMap(([file, text]) => functionsIn(file, text))

print('files', `${files.length}`)
print('lines', `${lines.reduce((sum, { count }) => sum + count, 0)}`)
print('lines a file', spread(lines.map(({ file, count }) => ({ name: file, count }))))
print('own lines a function', spread(functions))
print('functions over 60 lines', `${functions.filter(({ count }) => count > 60).length}`)
const wiring = lines.filter(({ file }) => file.startsWith('app/')).reduce((sum, { count }) => sum + count, 0)
print('lines in app/', `${wiring}`)
print('types named …Parts', `${namesOf(/^(?:export )?type \w*Parts\b/gm).length}`)
const types = namesOf(/^(?:export )?(?:type|class|interface) \w+/gm).map(
  (name) => name.split(' ').at(-1) ?? '',
)
print('type names twice', `${new Set(types.filter((name, at) => types.indexOf(name) !== at)).size}`)

function print(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(26)}${figure}\n`)
}

function spread(counted: { name: string; count: number }[]): string {
  const sorted = counted.toSorted((a, b) => a.count - b.count)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.count
  const last = sorted.at(-1)
  return `median ${at(0.5)}, 90 % ${at(0.9)}, longest ${last?.count} (${last?.name})`
}

function namesOf(pattern: RegExp): string[] {
  return [...texts.values()].flatMap((text) => text.match(pattern) ?? [])
}

/** Each function with its lines, without those of functions within it. */
function functionsIn(file: string, text: string): { name: string; count: number }[] {
  const code = stripTypeScriptTypes(text)
  const found: { name: string; count: number }[] = []
  walk(
    parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true }) as unknown as Shape,
    undefined,
  )
  return found

  function walk(node: Shape, around: { count: number } | undefined): void {
    let own = around
    if (/Function/.test(node.type) && node.loc) {
      const count = node.loc.end.line - node.loc.start.line + 1
      if (around) around.count -= count - 1
      own = { count }
      const name = `${file}:${node.loc.start.line}`
      const kept = own
      found.push({
        name,
        get count() {
          return kept.count
        },
      })
    }
    for (const value of Object.values(node))
      for (const one of [value].flat()) if (isShape(one)) walk(one, own)
  }
}

type Shape = Node & Record<string, unknown>

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && typeof (value as Shape).type === 'string'
}
