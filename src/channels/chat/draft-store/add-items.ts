import { sql } from 'kysely'
import { unavailable } from '../../../core/errors.ts'
import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import type { Step } from '../../../db/values.ts'
import type { Recipient } from '../../../encryption/types.ts'
import { insertJobs, offerUploadOnce } from '../../../jobs/enqueue-store.ts'
import type { NewJob } from '../../../jobs/job.ts'
import { isConfidentialKind } from '../../../submissions/model.ts'
import { type AddedItem, fullAt, type NewDraftItem, type UpdateName } from '../draft.ts'
import {
  type DraftRecipients,
  type DraftWriteContext,
  draftOf,
  encryptedAs,
  itemColumns,
  itemRow,
  newDraft,
  notEncrypted,
  reEncrypted,
} from './rows.ts'
import { close, gathering, insertDrafts, noteFiles, tellOf } from './writes.ts'

/** A piece of these states takes what belongs to it and comes late. */
const closedStates = ['closed', 'sent'] as const

/** Takes parts in: each joins its chat's draft, or the one that it was part of, or begins one. Once for each update. */
export async function addItems(
  trx: Database,
  writing: DraftWriteContext,
  items: NewDraftItem[],
  quiet: number,
): Promise<AddedItem[]> {
  const fresh = await unseen(trx, items)
  await holdJoined(trx, writing, fresh)
  const homes = await homesOf(trx, writing, fresh, quiet)
  const rows = await grow(trx, fresh, homes)
  // Another machine discarded it at this very moment: taken back, the update comes again and finds another home.
  if ([...rows.values()].some((row) => row.state === 'discarded')) throw unavailable(undefined)
  await insertItems(trx, writing, fresh, homes, rows)
  const [first] = fresh
  if (first) await noteFiles(trx, namesOfFiles(fresh), first.at)
  await tell(trx, fresh, homes, rows)
  return items.map((item) => {
    const row = rows.get(homes.get(item) ?? '')
    return { repeat: !fresh.includes(item), draft: row && draftOf(row) }
  })
}

/** Each once: no statement may write a row twice. */
function namesOfFiles(items: NewDraftItem[]): UpdateName[] {
  const names = items.flatMap(({ fileNames = [] }) => fileNames)
  return [...new Map(names.map((name) => [nameOf(name), name])).values()]
}

/** Notes the updates down, and gives the parts whose update was not seen before, each once. */
async function unseen(trx: Database, items: NewDraftItem[]): Promise<NewDraftItem[]> {
  const named = new Map(items.map((item) => [nameOf(item.update), item]))
  const rows = await trx
    .insertInto('seen_updates')
    .values(
      [...named.values()].map(({ update, at }) => ({ bot: update.bot, update_id: update.key, seen_at: at })),
    )
    .onConflict((oc) => oc.doNothing())
    .returning(['bot', 'update_id'])
    .execute()
  const fresh = new Set(rows.map((row) => nameOf({ bot: row.bot, key: row.update_id })))
  return [...named].filter(([name]) => fresh.has(name)).map(([, item]) => item)
}

/**
 * Keeps what is replied to from being erased until the reply is written.
 * @throws Failure `unavailable` where it was: the update comes again, and finds another home
 */
async function holdJoined(
  trx: Database,
  { isPostgres }: DraftWriteContext,
  items: NewDraftItem[],
): Promise<void> {
  const joined = [...new Set(items.flatMap(({ joins }) => joins ?? []))]
  if (joined.length === 0) return
  const drafts = trx.selectFrom('submissions').select('id').where('id', 'in', joined).orderBy('id')
  const there = await (isPostgres ? drafts.forKeyShare() : drafts).execute()
  if (there.length < joined.length) throw unavailable(undefined)
}

function nameOf({ bot, key }: UpdateName): string {
  return `${bot} ${key}`
}

/** The submission that each part belongs to, by its id; new ones are made. */
async function homesOf(
  trx: Database,
  writing: DraftWriteContext,
  items: NewDraftItem[],
  quiet: number,
): Promise<Map<NewDraftItem, string>> {
  const homes = new Map<NewDraftItem, string>()
  if (items.length === 0) return homes
  const albums = await albumHomes(trx, items)
  const late = await lateHomes(trx, items)
  const rest = items.filter((item) => {
    const home = albums.get(albumName(item)) ?? late(item)
    if (home) homes.set(item, home)
    return home === undefined
  })
  const open = await openFor(trx, writing, rest, quiet)
  for (const item of rest) homes.set(item, open.get(placeOf(item)) as string)
  return homes
}

function albumName({ chat, item }: NewDraftItem): string {
  return `${chat.key} ${item.album ?? ''}`
}

async function albumHomes(trx: Database, items: NewDraftItem[]): Promise<Map<string, string>> {
  const inAlbums = items.filter(({ item }) => item.album !== null)
  if (inAlbums.length === 0) return new Map()
  const rows = await trx
    .selectFrom('draft_items')
    .innerJoin('drafts', 'drafts.id', 'draft_items.draft_id')
    .select(['draft_items.chat', 'album', 'draft_id'])
    .where('drafts.state', '!=', 'discarded')
    .where((eb) =>
      eb.or(
        inAlbums.map(({ chat, item }) =>
          eb.and([eb('draft_items.chat', '=', chat.key), eb('album', '=', item.album)]),
        ),
      ),
    )
    .execute()
  return new Map(rows.map((row) => [`${row.chat} ${row.album}`, row.draft_id]))
}

/** A part that comes after its submission was sent belongs to the first piece of its chat that ends with a later message. */
async function lateHomes(
  trx: Database,
  items: NewDraftItem[],
): Promise<(item: NewDraftItem) => string | undefined> {
  const earliest = new Map<string, number>()
  for (const { chat, item } of items) {
    earliest.set(chat.key, Math.min(item.messageId, earliest.get(chat.key) ?? item.messageId))
  }
  const rows = await trx
    .selectFrom('drafts')
    .select(['id', 'chat', 'last_message_id'])
    .where('state', 'in', closedStates)
    .where((eb) =>
      eb.or(
        [...earliest].map(([chat, messageId]) =>
          eb.and([eb('chat', '=', chat), eb('last_message_id', '>', messageId)]),
        ),
      ),
    )
    .orderBy('last_message_id')
    .execute()
  return ({ chat, item }) =>
    rows.find((row) => row.chat === chat.key && row.last_message_id > item.messageId)?.id
}

function placeOf({ chat, joins }: NewDraftItem): string {
  return `${chat.key} ${joins ?? ''}`
}

/** The draft of each place, begun where there is none. */
async function openFor(
  trx: Database,
  writing: DraftWriteContext,
  items: NewDraftItem[],
  quiet: number,
): Promise<Map<string, string>> {
  if (items.length === 0) return new Map()
  const chats = [...new Set(items.map(({ chat }) => chat.key))]
  const there = await openOfChats(trx, chats)
  const missing = new Map(
    items.filter((item) => !there.has(placeOf(item))).map((item) => [placeOf(item), item]),
  )
  if (missing.size === 0) return there
  const begun: Tables['drafts'][] = []
  for (const item of missing.values()) begun.push(newDraft(item, await encryptFor(trx, writing, item)))
  await insertDrafts(trx, begun, quiet)
  // Another machine may have been faster: what is there now counts.
  return openOfChats(trx, chats)
}

async function encryptFor(
  trx: Database,
  writing: DraftWriteContext,
  { joins, kind }: NewDraftItem,
): Promise<DraftRecipients> {
  if (joins === null) return isConfidentialKind(kind) ? reEncrypted(writing) : notEncrypted()
  const recipients = await writing.recipientsStore.ofOne(joins, trx)
  return recipients ? encryptedAs(recipients) : notEncrypted()
}

async function openOfChats(trx: Database, chats: string[]): Promise<Map<string, string>> {
  const rows = await trx
    .selectFrom('drafts')
    .select(['id', 'chat', 'joins'])
    .where('chat', 'in', chats)
    .where('state', '=', 'open')
    .execute()
  return new Map(rows.map((row) => [`${row.chat} ${row.joins}`, row.id]))
}

async function insertItems(
  trx: Database,
  writing: DraftWriteContext,
  items: NewDraftItem[],
  homes: Map<NewDraftItem, string>,
  drafts: Map<string, Tables['drafts']>,
): Promise<void> {
  if (items.length === 0) return
  let key: Promise<Recipient> | undefined
  const desk = () => {
    key ??= writing.recipientsStore.desk(trx)
    return key
  }
  // One row may not be written twice by one statement: of two wordings of one message the newer stays.
  const rows = new Map<string, Tables['draft_items']>()
  const clashing: Tables['draft_items'][] = []
  for (const one of items) {
    const home = homes.get(one) as string
    const draft = drafts.get(home)
    const columns = await itemColumns(writing, one.item, draft ?? notEncrypted(), desk)
    const row = itemRow(one.chat.key, home, one.item, columns, draft?.state !== 'open')
    const there = rows.get(rowName(row))
    if (!there || there.edited_at < row.edited_at) rows.set(rowName(row), row)
    else clashing.push(row)
  }
  const written = await trx
    .insertInto('draft_items')
    .values([...rows.values()])
    .onConflict((oc) =>
      oc
        .columns(['chat', 'message_id'])
        .doUpdateSet((eb) => ({
          content: eb.ref('excluded.content'),
          block: eb.ref('excluded.block'),
          awaited: eb.ref('excluded.awaited'),
          digest: eb.ref('excluded.digest'),
          edited_at: eb.ref('excluded.edited_at'),
          sort: eb.ref('excluded.sort'),
        }))
        .whereRef('draft_items.edited_at', '<', 'excluded.edited_at')
        .where('draft_items.is_taken', '=', 0),
    )
    .returning(['chat', 'message_id'])
    .execute()
  const names = new Set(written.map(rowName))
  await insertApart(trx, [...clashing, ...[...rows.values()].filter((row) => !names.has(rowName(row)))])
}

function rowName({ chat, message_id: messageId }: { chat: string; message_id: number }): string {
  return `${chat} ${messageId}`
}

/**
 * Telegram gives each message of a chat a number of its own; a relay between us may not. Other words under a number that
 * is taken are kept apart, under one made from what they say: nothing that came in is lost.
 */
async function insertApart(trx: Database, rows: Tables['draft_items'][]): Promise<void> {
  if (rows.length === 0) return
  const there = await trx
    .selectFrom('draft_items')
    .select(['chat', 'message_id', 'digest', 'edited_at'])
    .where((eb) => eb.or(rows.map(({ chat, message_id }) => eb.and({ chat, message_id }))))
    .execute()
  const byName = new Map(there.map((row) => [rowName(row), row]))
  const others = rows.filter((row) => {
    const known = byName.get(rowName(row))
    return known && known.digest !== row.digest && known.edited_at === 0 && row.edited_at === 0
  })
  if (others.length === 0) return
  await trx
    .insertInto('draft_items')
    .values(others.map((row) => ({ ...row, message_id: apart(row.digest) })))
    .onConflict((oc) => oc.doNothing())
    .execute()
}

/** Beyond every number that Telegram gives, and negative as those that are not Telegram’s own. */
function apart(digest: string): number {
  const encoded = digest.slice(digest.indexOf('.') + 1)
  return -(2 ** 48 + Buffer.from(encoded, 'base64url').readUIntBE(0, 5))
}

/** Counts the parts to their submissions, all in one statement. */
async function grow(
  trx: Database,
  items: NewDraftItem[],
  homes: Map<NewDraftItem, string>,
): Promise<Map<string, Tables['drafts']>> {
  if (items.length === 0) return new Map()
  const byDraft = Map.groupBy(items, (item) => homes.get(item) as string)
  // In one order everywhere, so that two machines never wait for each other in a circle.
  const ordered = [...byDraft].sort(([a], [b]) => (a < b ? -1 : 1))
  const values = ordered.map(([id, members]) => {
    const characters = members.reduce((sum, { item }) => sum + item.words.length, 0)
    const last = Math.max(...members.map(({ item }) => item.messageId))
    return sql`(${id}, ${bigint(members[0]?.at ?? 0)}, ${bigint(members.length)}, ${bigint(characters)}, ${bigint(last)})`
  })
  const { rows } = await sql<Tables['drafts']>`update drafts set
      heard_at = grown.column2,
      revision = revision + 1,
      item_count = item_count + grown.column3,
      characters = characters + grown.column4,
      last_message_id = case when last_message_id < grown.column5 then grown.column5 else last_message_id end
    from (values ${sql.join(values)}) as grown
    where drafts.id = grown.column1
    returning *`.execute(trx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** A number in a list of values, where a database could not know that it is one. */
function bigint(value: number) {
  return sql`cast(${value} as bigint)`
}

/** Has the chats told of what they have gathered, and sends what is full, and what came late. */
async function tell(
  trx: Database,
  items: NewDraftItem[],
  homes: Map<NewDraftItem, string>,
  rows: Map<string, Tables['drafts']>,
): Promise<void> {
  if (rows.size === 0) return
  const at = items[0]?.at ?? 0
  const all = [...rows.values()]
  for (const row of all) if (row.state === 'open' && isFull(row)) await close(trx, row.id, at)
  const toSend = all.filter((row) => row.state !== 'open')
  const sends = toSend.map(
    ({ id }): NewJob => ({ type: 'chat-send', submissionId: id, dueAt: at + gathering }),
  )
  if (sends.length > 0) await insertJobs(trx, sends, at)
  await offerUpload(trx, items, homes, at)
  const asked = all.filter((row) => row.state === 'open' && isAnnounced(row.step))
  await tellOf(
    trx,
    asked.map(({ id }) => id),
    at,
  )
}

/** For files that the channel does not give out there is one link for each submission. */
async function offerUpload(
  trx: Database,
  items: NewDraftItem[],
  homes: Map<NewDraftItem, string>,
  at: number,
): Promise<void> {
  const withheld = items.filter(({ item }) => item.files.some((file) => file.withheld !== undefined))
  for (const draftId of new Set(withheld.map((item) => homes.get(item) as string))) {
    await offerUploadOnce(trx, draftId, at)
  }
}

function isFull(row: Tables['drafts']): boolean {
  return row.item_count >= fullAt.items || row.characters >= fullAt.characters
}

/** At other questions the chat is told by the next question. */
function isAnnounced(step: Step | null): boolean {
  return step === null || step === 'body' || step === 'review'
}
