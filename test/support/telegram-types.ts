import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A field as the Bot API's types declare it. */
export type DeclaredField = { name: string; type: TypeExpression; isOptional: boolean }

export type TypeExpression =
  | { is: 'text' | 'number' | 'boolean' | 'nothing' }
  | { is: 'literal'; value: string | number | boolean }
  | { is: 'list'; of: TypeExpression }
  | { is: 'union'; of: TypeExpression[] }
  /** `space` is where the name stands, with a dot at its end: names may be those of the same namespace. */
  | { is: 'named'; name: string; space: string; without: string[] }

type Declared =
  | { interface: { extended: TypeExpression[]; fields: DeclaredField[] } }
  | { alias: TypeExpression }

/** A type by its name. */
export function named(name: string): TypeExpression {
  return { is: 'named', name, space: '', without: [] }
}

/** The declarations of `@grammyjs/types`, by name; what is in a namespace has its name before it. */
export function telegramTypes() {
  const folder = dirname(fileURLToPath(import.meta.resolve('@grammyjs/types/package.json')))
  const declared = new Map<string, Declared>()
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.d.ts'))) {
    const text = readFileSync(join(folder, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
    readDeclarations(text, '', declared)
  }
  return { fieldsOf, membersOf, interfacesOf, resolved }

  /** The interfaces that a type can be, each with its fields. */
  function membersOf(type: TypeExpression): { name: string; fields: DeclaredField[] }[] {
    return interfacesOf(type).map((one) => ({ name: one.name, fields: withoutLeftOut(one) }))
  }

  /** The fields of an interface with those that it inherits; those that can only be undefined are none. */
  function fieldsOf(name: string): DeclaredField[] {
    const one = declared.get(name)
    if (!one || !('interface' in one)) throw new Error(`there is no interface ${name}`)
    const inherited = one.interface.extended.flatMap((type) => interfacesOf(type)).flatMap(withoutLeftOut)
    const byName = new Map([...inherited, ...one.interface.fields].map((field) => [field.name, field]))
    return [...byName.values()].filter(({ type }) => type.is !== 'nothing')
  }

  function withoutLeftOut({ name, without }: Interface): DeclaredField[] {
    return fieldsOf(name).filter((field) => !without.includes(field.name))
  }

  /** The interfaces that a type can be. */
  function interfacesOf(type: TypeExpression): Interface[] {
    if (type.is === 'union') return type.of.flatMap(interfacesOf)
    if (type.is !== 'named') return []
    const name = fullName(type)
    const one = declared.get(name)
    if (!one) throw new Error(`there is no type ${name}`)
    if ('interface' in one) return [{ name, without: type.without }]
    return interfacesOf(one.alias)
  }

  function fullName({ name, space }: { name: string; space: string }): string {
    return declared.has(space + name) ? space + name : name
  }

  /** The type behind a name, as far as it is no interface. */
  function resolved(type: TypeExpression): TypeExpression {
    if (type.is !== 'named') return type
    const one = declared.get(fullName(type))
    return one && 'alias' in one ? resolved(one.alias) : type
  }
}

export type Interface = { name: string; without: string[] }

function readDeclarations(text: string, space: string, declared: Map<string, Declared>): void {
  const begin =
    /\b(?:namespace (\w+)|interface (\w+)(?:<\w+>)?(?: extends ([^{]+))?) \{|\btype (\w+)(?:<[^=]*>)? = /g
  for (let found = begin.exec(text); found; found = begin.exec(text)) {
    const [, namespace, name, extended = '', alias] = found
    const from = begin.lastIndex
    const to = alias ? endOf(text, from, ';') : endOf(text, from, '}')
    const inside = text.slice(from, to)
    begin.lastIndex = to + 1
    if (namespace) readDeclarations(inside, `${space}${namespace}.`, declared)
    const typeIn = (written: string) => readType(written, space)
    if (name)
      declared.set(space + name, {
        interface: { extended: split(extended, ',').map(typeIn), fields: fieldsIn(inside, typeIn) },
      })
    if (alias) declared.set(space + alias, { alias: typeIn(inside) })
  }
}

function fieldsIn(text: string, typeIn: (written: string) => TypeExpression): DeclaredField[] {
  return split(text, ';').flatMap((line) => {
    const [, name, mark, type] = /^(\w+)(\??): ([\s\S]+)$/.exec(line) ?? []
    return name && type ? [{ name, type: typeIn(type), isOptional: mark === '?' }] : []
  })
}

function readType(written: string, space: string): TypeExpression {
  const text = written.trim()
  const parts = split(text, '|')
  const inner = (one: string) => readType(one, space)
  if (parts.length > 1) return { is: 'union', of: parts.map(inner) }
  // What an intersection adds to a message narrows it only.
  const [first = ''] = split(text, '&')
  if (first !== text) return inner(first)
  if (text.endsWith('[]')) return { is: 'list', of: inner(text.slice(0, -2)) }
  const [, listed] = /^Array<([\s\S]+)>$/.exec(text) ?? []
  if (listed) return { is: 'list', of: inner(listed) }
  const [, whole, left = ''] = /^Omit<([^,]+),([\s\S]+)>$/.exec(text) ?? []
  if (whole) {
    const without = [...left.matchAll(/"(\w+)"/g)].map(([, name]) => name as string)
    return { is: 'named', name: whole.trim(), space, without }
  }
  if (/^".*"$/.test(text)) return { is: 'literal', value: text.slice(1, -1) }
  if (/^\d+$/.test(text)) return { is: 'literal', value: Number(text) }
  if (text === 'true' || text === 'false') return { is: 'literal', value: text === 'true' }
  if (text === 'string' || text.startsWith('`')) return { is: 'text' }
  if (text === 'number' || text === 'boolean') return { is: text }
  if (text === 'undefined') return { is: 'nothing' }
  return { is: 'named', name: text, space, without: [] }
}

/** App between separators that are in no brackets. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let rest = text
  while (rest.trim() !== '') {
    const end = endOf(rest, 0, separator)
    parts.push(rest.slice(0, end).trim())
    rest = rest.slice(end + 1)
  }
  return parts
}

/** Where the next such sign is that stands in no brackets and no string. */
function endOf(text: string, from: number, sign: string): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const one = text[at] as string
    if (one === '"' || one === '`') at = text.indexOf(one, at + 1)
    else if (depth === 0 && one === sign) return at
    else if ('{([<'.includes(one)) depth += 1
    else if ('})]>'.includes(one)) depth -= 1
  }
  return text.length
}
