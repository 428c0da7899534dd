import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message } from '../../src/channels/telegram/message/message.ts'
import {
  type FieldDecision,
  list,
  looks,
  object,
  type Reader,
  words,
} from '../../src/channels/telegram/message/reader.ts'
import { updateKinds } from '../../src/channels/telegram/message/updates.ts'
import { readMessage } from '../../src/channels/telegram/parse-message.ts'
import { messageIn, Update } from '../../src/channels/telegram/update-schema.ts'
import { openNewsroom } from '../support/newsroom.ts'
import { messageFrame, png } from '../support/submissions.ts'
import { type DeclaredField, named, type TypeExpression, telegramTypes } from '../support/telegram-types.ts'

const types = telegramTypes()
type Json = Record<string, unknown>
/** Puts a value into a message, at the place of its field. */
type Within = (value: unknown) => Json

/** A field that holds no other fields, with the decision about it. */
type Leaf = { at: string; type: TypeExpression; decision: FieldDecision; within: Within }
/** A field that does. */
type Branch = Omit<Leaf, 'decision'> & { reader: Reader }

/** Walks a type and what reads it, side by side, down to single values. Each reader of an object is walked once. */
function walk(whole: TypeExpression | string, reader: Reader) {
  const leaves: Leaf[] = []
  const branches: Branch[] = []
  const undecided: string[] = []
  const unknown: string[] = []
  const visited = new Set<unknown>()
  const name = typeof whole === 'string' ? whole : 'value'
  visit(typeof whole === 'string' ? named(whole) : whole, reader, name, (value) => value as Json)
  return { leaves, branches, undecided, unknown }

  function visit(type: TypeExpression, reader: Reader, at: string, within: Within): void {
    const { decision } = reader
    const inner = decision === 'words' ? reader.inner?.() : undefined
    if (!inner) {
      const isHeldWhole = decision === 'words' || decision === 'file'
      if (isHeldWhole && types.interfacesOf(type).length > 0) undecided.push(at)
      leaves.push({ at, type, decision, within })
    } else if ('item' in inner) {
      const kind = types.resolved(type)
      if (kind.is === 'list') visit(kind.of, inner.item, at, (value) => within([value]))
      else undecided.push(at)
    } else if ('fields' in inner) {
      if (visited.has(inner.fields)) return
      visited.add(inner.fields)
      visitFields(type, inner.fields, at, within)
    } else visitMembers(type, inner.tag, inner.members, at, within)
  }

  function visitFields(type: TypeExpression, readers: Record<string, Reader>, at: string, within: Within) {
    const members = types.membersOf(type)
    const declared = members.flatMap(({ fields }) => fields.map(({ name }) => name))
    for (const name of Object.keys(readers)) if (!declared.includes(name)) unknown.push(`${at}.${name}`)
    for (const { name, fields } of members) {
      for (const field of fields) {
        const reader = readers[field.name]
        const whole = (value: unknown) =>
          within({ ...(sample(named(name)) as Json), ...textFor(field), [field.name]: value })
        const at = `${name}.${field.name}`
        if (!reader) undecided.push(at)
        else {
          if (reader.inner) branches.push({ at, type: field.type, reader, within: whole })
          visit(field.type, reader, at, whole)
        }
      }
    }
  }

  function visitMembers(
    type: TypeExpression,
    tag: string,
    readers: Record<string, Reader>,
    at: string,
    within: Within,
  ) {
    for (const { name, fields } of types.membersOf(type)) {
      const given = fields.find((field) => field.name === tag)?.type
      for (const one of given?.is === 'union' ? given.of : [given]) {
        const value = one?.is === 'literal' ? String(one.value) : ''
        const reader = readers[value]
        if (reader) visit(named(name), reader, name, (more) => within({ ...(more as Json), [tag]: value }))
        else undecided.push(`${at}, ${tag} “${value}”`)
      }
    }
  }
}

/** Entities say something about a text, which has to be there. */
function textFor({ name }: DeclaredField): Json {
  const [all, text = 'text'] = /^(?:(\w+)_)?entities$/.exec(name) ?? []
  return all ? { [text]: 'some words' } : {}
}

/** The smallest value of a type: what has to be there, and nothing else. */
function sample(type: TypeExpression): unknown {
  const kind = types.resolved(type)
  switch (kind.is) {
    case 'text':
      return 'x'
    case 'number':
      return 1
    case 'boolean':
      return false
    case 'literal':
      return kind.value
    case 'list':
      return []
    case 'union':
      return sample(kind.of[0] ?? { is: 'nothing' })
    case 'nothing':
      return undefined
    case 'named': {
      const needed = types.membersOf(kind)[0]?.fields.filter(({ isOptional }) => !isOptional) ?? []
      return Object.fromEntries(needed.map((field) => [field.name, sample(field.type)]))
    }
  }
}

/** Two values and more that a field can have, the first of which names the mark; undefined for not being there. */
function valuesOf(type: TypeExpression, mark: number): unknown[] {
  const kind = types.resolved(type)
  switch (kind.is) {
    case 'text':
      return [`mark${mark}x`, `mark${mark}y`]
    case 'number':
      return [mark, mark + 86_400]
    case 'boolean':
      return [true, false]
    case 'union':
      return [...kind.of.map(sample), undefined]
    default:
      return [sample(kind), undefined]
  }
}

function isSaid({ decision }: Leaf): boolean {
  return decision === 'words' || decision === 'file'
}

function isText({ type }: Leaf): boolean {
  return types.resolved(type).is === 'text'
}

/** An update with such a message, from a chat of its own. */
function updateWith(id: number, said: Json) {
  const frame = messageFrame(id, 100_000 + id)
  const from = { ...frame.from, ...(said.from as Json | undefined) }
  return { update_id: id, message: { ...said, ...frame, from } }
}

/** What is read of a message. */
function read(said: Json) {
  const json = updateWith(1, said)
  const incoming = messageIn({ update: Update.parse(json), json, raw: '{}' }) ?? assert.fail('no message')
  return readMessage(incoming, { tidyFileName: (name) => name, maxFileBytes: 1e9 }).item
}

const { leaves, branches, undecided, unknown } = walk('Message', message)
const decidedAs = (...decisions: FieldDecision[]) =>
  leaves.filter(({ decision }) => decisions.includes(decision))
const namesOf = (some: Leaf[]) => some.map(({ at }) => at)
/** What Telegram Passport holds is always beside something that cannot be read. */
const isReadWhole = ({ at }: Leaf) => !/^(EncryptedPassportElement|PassportData)\./.test(at)

test('every kind of update, and every field of every type in a message, has a decision', () => {
  assert.ok(leaves.length > 500, `only ${leaves.length} fields were found`)
  assert.deepEqual(undecided, [], 'decide in src/channels/telegram/message what these are to us')
  assert.deepEqual(unknown, [], 'Telegram does not have these any more')
  const kinds = types.fieldsOf('Update').map(({ name }) => name)
  assert.ok(kinds.length > 20)
  assert.deepEqual(Object.keys(updateKinds).toSorted(), kinds.toSorted())
})

test('the walk names what nobody has decided about: a field, a member of a union, an object held as one value', () => {
  const dice = object({ emoji: words })
  assert.deepEqual(walk('Dice', dice).undecided, ['Dice.value'])
  assert.deepEqual(walk('Dice', object({ emoji: words, value: words, sides: words })).unknown, ['Dice.sides'])
  const checklist = object({ title: words, title_entities: looks, tasks: list(words) })
  assert.deepEqual(walk('Checklist', checklist).undecided, [
    'Checklist.tasks',
    'Checklist.others_can_add_tasks',
    'Checklist.others_can_mark_tasks_as_done',
  ])
  const origins: Reader = { ...words, inner: () => ({ tag: 'type', members: { user: looks, chat: looks } }) }
  assert.deepEqual(walk('MessageOrigin', origins).undecided, [
    'MessageOrigin, type “hidden_user”',
    'MessageOrigin, type “channel”',
  ])
})

test('what a field says is read, and what is read changes with it', () => {
  const silent = decidedAs('words', 'file').filter((leaf, i) => {
    const parts = valuesOf(leaf.type, 470_000_000 + i).map((value) => read(leaf.within(value)))
    const told = parts.map(({ rawUpdate: _, ...item }) => JSON.stringify(item))
    const isTold = !isText(leaf) || told[0]?.includes(`mark${470_000_000 + i}x`)
    return new Set(told).size < 2 || !isTold || (isReadWhole(leaf) && parts[0]?.rawUpdate !== undefined)
  })
  assert.deepEqual(namesOf(silent), [])
})

test('what stands within a field is read there too, wherever else the same type is read', () => {
  const told = branches.flatMap(({ at, type, reader, within }, i) => {
    const mark = `mark${490_000_000 + i}x`
    const leaf = walk(type, reader).leaves.find((one) => isSaid(one) && isText(one))
    return leaf ? [{ at, isTold: JSON.stringify(read(within(leaf.within(mark)))).includes(mark) }] : []
  })
  assert.ok(told.length > 100, `only ${told.length} fields hold others`)
  assert.deepEqual(
    told.filter(({ isTold }) => !isTold).map(({ at }) => at),
    [],
  )
})

test('what says nothing, or is not ours, is not told, and nothing of it is left unread', () => {
  const told = decidedAs('looks', 'envelope', 'service').filter((leaf, i) => {
    const [value] = valuesOf(leaf.type, 480_000_000 + i)
    const { words: said, files, rawUpdate } = read(leaf.within(value))
    const labels = files.map(({ name, caption }) => `${name} ${caption}`)
    const isTold = isText(leaf) && [said, ...labels].some((text) => text.includes(String(value)))
    return isTold || (isReadWhole(leaf) && rawUpdate !== undefined)
  })
  assert.deepEqual(namesOf(told), [])
  const unreadable = decidedAs('unreadable')
  assert.ok(unreadable.length > 0)
  for (const { within, type, at } of unreadable) assert.ok(read(within(sample(type))).rawUpdate, at)
})

test('what a field says is seen at the submission', async (t) => {
  // Without a token each message is received at once, which makes no difference to what is read.
  const newsroom = await openNewsroom(t, { TELEGRAM_BOT_TOKEN: '' })
  const sent = decidedAs('words').map((leaf, i) => {
    const value = isText(leaf) ? `mark${i}x` : valuesOf(leaf.type, 450_000_000 + i)[0]
    const said = { text: 'Said beside it.', ...leaf.within(value) }
    return { leaf, value, said, words: read(said).words.trim() }
  })
  for (const [i, { said }] of sent.entries())
    await newsroom.receiveUpdate(updateWith(i + 1, said)).expect(200)
  const { submissions } = newsroom.application.storage
  const all = await newsroom.all()
  const openings = await Promise.all(all.map(({ id }) => submissions.opening(id, newsroom.keys)))
  const contents = openings.flatMap((one) => one?.content ?? [])
  const bodies = new Set(contents.map(({ fields }) => fields.body))
  const told = JSON.stringify(contents)
  const missing = sent.filter(({ leaf, value, words }) =>
    isText(leaf) ? !told.includes(String(value)) : !bodies.has(words),
  )
  assert.deepEqual(namesOf(missing.map(({ leaf }) => leaf)), [])
  assert.ok(sent.length > 150 && contents.every(({ rawUpdates }) => !rawUpdates || rawUpdates.length === 1))
})

test('the file that a field names is fetched', async (t) => {
  const newsroom = await openNewsroom(t)
  const sent = decidedAs('file')
  assert.ok(sent.length > 8)
  const fileOf = (i: number) => Buffer.concat([png(), Buffer.from(`file ${i}`)])
  for (const [i, { within }] of sent.entries()) {
    newsroom.telegram.files.set(`file-${i}`, fileOf(i))
    await newsroom.receiveUpdate(updateWith(i + 1, within(`file-${i}`))).expect(200)
  }
  await newsroom.pause(3_600_000)
  await newsroom.workOff()
  const kept = await newsroom.openedFiles()
  const missing = sent.filter((_, i) => !kept.some((file) => file.equals(fileOf(i))))
  assert.deepEqual(namesOf(missing), [])
})
