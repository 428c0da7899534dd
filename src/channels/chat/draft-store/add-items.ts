import { sql } from 'kysely'
import { unavailable } from '../../../core/errors.ts'
import type { Database } from '../../../db/open.ts'
import type { Tables } from '../../../db/schema.ts'
import type { Step } from '../../../db/values.ts'
import type { Recipient } from '../../../encryption/types.ts'
import { insertDeliveries, offerUploadOnce } from '../../../jobs/enqueue-store.ts'
import type { NewDelivery } from '../../../jobs/job.ts'
import { isConfidentialKind } from '../../../submissions/model.ts'
import { fullAt, type NewPart, type TakenPart, type UpdateName } from '../draft.ts'
import {
  newPiece,
  type PieceSeal,
  type PieceWriting,
  partRow,
  pieceOf,
  saidColumns,
  sealedAnew,
  sealedAs,
  unsealed,
} from './rows.ts'
import { close, gathering, insertPieces, noteFiles, tellOf } from './writes.ts'

/** A piece of these states takes what belongs to it and comes late. */
const closedStates = ['closed', 'sent'] as const

/** Takes parts in: each joins its chat's open piece, or the one that it was part of, or begins one. Once for each update. */
export async function takeParts(
  trx: Database,
  writing: PieceWriting,
  parts: NewPart[],
  quiet: number,
): Promise<TakenPart[]> {
  const fresh = await unseen(trx, parts)
  await holdJoined(trx, writing, fresh)
  const homes = await homesOf(trx, writing, fresh, quiet)
  const rows = await grow(trx, fresh, homes)
  // Another machine discarded it at this very moment: taken back, the update comes again and finds another home.
  if ([...rows.values()].some((row) => row.state === 'discarded')) throw unavailable(undefined)
  await insertParts(trx, writing, fresh, homes, rows)
  const [first] = fresh
  if (first) await noteFiles(trx, namesOfFiles(fresh), first.at)
  await tell(trx, fresh, homes, rows)
  return parts.map((part) => {
    const row = rows.get(homes.get(part) ?? '')
    return { repeat: !fresh.includes(part), piece: row && pieceOf(row) }
  })
}

/** Each once: no statement may write a row twice. */
function namesOfFiles(parts: NewPart[]): UpdateName[] {
  const names = parts.flatMap(({ fileNames = [] }) => fileNames)
  return [...new Map(names.map((name) => [nameOf(name), name])).values()]
}

/** Notes the updates down, and gives the parts whose update was not seen before, each once. */
async function unseen(trx: Database, parts: NewPart[]): Promise<NewPart[]> {
  const named = new Map(parts.map((part) => [nameOf(part.update), part]))
  const rows = await trx
    .insertInto('seen_updates')
    .values(
      [...named.values()].map(({ update, at }) => ({ bot: update.bot, update_id: update.key, seen_at: at })),
    )
    .onConflict((oc) => oc.doNothing())
    .returning(['bot', 'update_id'])
    .execute()
  const fresh = new Set(rows.map((row) => nameOf({ bot: row.bot, key: row.update_id })))
  return [...named].filter(([name]) => fresh.has(name)).map(([, part]) => part)
}

/**
 * Keeps what is replied to from being erased until the reply is written.
 * @throws Failure `unavailable` where it was: the update comes again, and finds another home
 */
async function holdJoined(trx: Database, { isPostgres }: PieceWriting, parts: NewPart[]): Promise<void> {
  const joined = [...new Set(parts.flatMap(({ joins }) => joins ?? []))]
  if (joined.length === 0) return
  const pieces = trx.selectFrom('submissions').select('id').where('id', 'in', joined).orderBy('id')
  const there = await (isPostgres ? pieces.forKeyShare() : pieces).execute()
  if (there.length < joined.length) throw unavailable(undefined)
}

function nameOf({ bot, key }: UpdateName): string {
  return `${bot} ${key}`
}

/** The piece that each part belongs to, by its id; new ones are made. */
async function homesOf(
  trx: Database,
  writing: PieceWriting,
  parts: NewPart[],
  quiet: number,
): Promise<Map<NewPart, string>> {
  const homes = new Map<NewPart, string>()
  if (parts.length === 0) return homes
  const albums = await albumHomes(trx, parts)
  const late = await lateHomes(trx, parts)
  const rest = parts.filter((part) => {
    const home = albums.get(albumName(part)) ?? late(part)
    if (home) homes.set(part, home)
    return home === undefined
  })
  const open = await openFor(trx, writing, rest, quiet)
  for (const part of rest) homes.set(part, open.get(placeOf(part)) as string)
  return homes
}

function albumName({ chat, part }: NewPart): string {
  return `${chat.key} ${part.album ?? ''}`
}

async function albumHomes(trx: Database, parts: NewPart[]): Promise<Map<string, string>> {
  const inAlbums = parts.filter(({ part }) => part.album !== null)
  if (inAlbums.length === 0) return new Map()
  const rows = await trx
    .selectFrom('open_parts')
    .innerJoin('open_pieces', 'open_pieces.id', 'open_parts.piece_id')
    .select(['open_parts.chat', 'album', 'piece_id'])
    .where('open_pieces.state', '!=', 'discarded')
    .where((eb) =>
      eb.or(
        inAlbums.map(({ chat, part }) =>
          eb.and([eb('open_parts.chat', '=', chat.key), eb('album', '=', part.album)]),
        ),
      ),
    )
    .execute()
  return new Map(rows.map((row) => [`${row.chat} ${row.album}`, row.piece_id]))
}

/** A part that comes after its piece was sent belongs to the first piece of its chat that ends with a later message. */
async function lateHomes(trx: Database, parts: NewPart[]): Promise<(part: NewPart) => string | undefined> {
  const earliest = new Map<string, number>()
  for (const { chat, part } of parts) {
    earliest.set(chat.key, Math.min(part.messageId, earliest.get(chat.key) ?? part.messageId))
  }
  const rows = await trx
    .selectFrom('open_pieces')
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
  return ({ chat, part }) =>
    rows.find((row) => row.chat === chat.key && row.last_message_id > part.messageId)?.id
}

function placeOf({ chat, joins }: NewPart): string {
  return `${chat.key} ${joins ?? ''}`
}

/** The open piece of each place, begun where there is none. */
async function openFor(
  trx: Database,
  writing: PieceWriting,
  parts: NewPart[],
  quiet: number,
): Promise<Map<string, string>> {
  if (parts.length === 0) return new Map()
  const chats = [...new Set(parts.map(({ chat }) => chat.key))]
  const there = await openOfChats(trx, chats)
  const missing = new Map(
    parts.filter((part) => !there.has(placeOf(part))).map((part) => [placeOf(part), part]),
  )
  if (missing.size === 0) return there
  const begun: Tables['open_pieces'][] = []
  for (const part of missing.values()) begun.push(newPiece(part, await sealFor(trx, writing, part)))
  await insertPieces(trx, begun, quiet)
  // Another machine may have been faster: what is there now counts.
  return openOfChats(trx, chats)
}

async function sealFor(trx: Database, writing: PieceWriting, { joins, kind }: NewPart): Promise<PieceSeal> {
  if (joins === null) return isConfidentialKind(kind) ? sealedAnew(writing) : unsealed()
  const sealing = await writing.sealings.ofOne(joins, trx)
  return sealing ? sealedAs(sealing) : unsealed()
}

async function openOfChats(trx: Database, chats: string[]): Promise<Map<string, string>> {
  const rows = await trx
    .selectFrom('open_pieces')
    .select(['id', 'chat', 'joins'])
    .where('chat', 'in', chats)
    .where('state', '=', 'open')
    .execute()
  return new Map(rows.map((row) => [`${row.chat} ${row.joins}`, row.id]))
}

async function insertParts(
  trx: Database,
  writing: PieceWriting,
  parts: NewPart[],
  homes: Map<NewPart, string>,
  pieces: Map<string, Tables['open_pieces']>,
): Promise<void> {
  if (parts.length === 0) return
  let key: Promise<Recipient> | undefined
  const desk = () => {
    key ??= writing.sealings.desk(trx)
    return key
  }
  // One row may not be written twice by one statement: of two wordings of one message the newer stays.
  const rows = new Map<string, Tables['open_parts']>()
  const clashing: Tables['open_parts'][] = []
  for (const one of parts) {
    const home = homes.get(one) as string
    const piece = pieces.get(home)
    const said = await saidColumns(writing, one.part, piece ?? unsealed(), desk)
    const row = partRow(one.chat.key, home, one.part, said, piece?.state !== 'open')
    const there = rows.get(rowName(row))
    if (!there || there.edited_at < row.edited_at) rows.set(rowName(row), row)
    else clashing.push(row)
  }
  const written = await trx
    .insertInto('open_parts')
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
        .whereRef('open_parts.edited_at', '<', 'excluded.edited_at')
        .where('open_parts.is_taken', '=', 0),
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
async function insertApart(trx: Database, rows: Tables['open_parts'][]): Promise<void> {
  if (rows.length === 0) return
  const there = await trx
    .selectFrom('open_parts')
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
    .insertInto('open_parts')
    .values(others.map((row) => ({ ...row, message_id: apart(row.digest) })))
    .onConflict((oc) => oc.doNothing())
    .execute()
}

/** Beyond every number that Telegram gives, and negative as those that are not Telegram’s own. */
function apart(digest: string): number {
  const told = digest.slice(digest.indexOf('.') + 1)
  return -(2 ** 48 + Buffer.from(told, 'base64url').readUIntBE(0, 5))
}

/** Counts the parts to their pieces, all in one statement. */
async function grow(
  trx: Database,
  parts: NewPart[],
  homes: Map<NewPart, string>,
): Promise<Map<string, Tables['open_pieces']>> {
  if (parts.length === 0) return new Map()
  const byPiece = Map.groupBy(parts, (part) => homes.get(part) as string)
  // In one order everywhere, so that two machines never wait for each other in a circle.
  const ordered = [...byPiece].sort(([a], [b]) => (a < b ? -1 : 1))
  const values = ordered.map(([id, members]) => {
    const characters = members.reduce((sum, { part }) => sum + part.words.length, 0)
    const last = Math.max(...members.map(({ part }) => part.messageId))
    return sql`(${id}, ${bigint(members[0]?.at ?? 0)}, ${bigint(members.length)}, ${bigint(characters)}, ${bigint(last)})`
  })
  const { rows } = await sql<Tables['open_pieces']>`update open_pieces set
      heard_at = grown.column2,
      revision = revision + 1,
      part_count = part_count + grown.column3,
      characters = characters + grown.column4,
      last_message_id = case when last_message_id < grown.column5 then grown.column5 else last_message_id end
    from (values ${sql.join(values)}) as grown
    where open_pieces.id = grown.column1
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
  parts: NewPart[],
  homes: Map<NewPart, string>,
  rows: Map<string, Tables['open_pieces']>,
): Promise<void> {
  if (rows.size === 0) return
  const at = parts[0]?.at ?? 0
  const all = [...rows.values()]
  for (const row of all) if (row.state === 'open' && isFull(row)) await close(trx, row.id, at)
  const toSend = all.filter((row) => row.state !== 'open')
  const sends = toSend.map(
    ({ id }): NewDelivery => ({ purpose: 'chat-send', submissionId: id, dueAt: at + gathering }),
  )
  if (sends.length > 0) await insertDeliveries(trx, sends, at)
  await offerUpload(trx, parts, homes, at)
  const asked = all.filter((row) => row.state === 'open' && isTold(row.step))
  await tellOf(
    trx,
    asked.map(({ id }) => id),
    at,
  )
}

/** For files that the door does not give out there is one link for each piece. */
async function offerUpload(
  trx: Database,
  parts: NewPart[],
  homes: Map<NewPart, string>,
  at: number,
): Promise<void> {
  const withheld = parts.filter(({ part }) => part.files.some((file) => file.withheld !== undefined))
  for (const pieceId of new Set(withheld.map((part) => homes.get(part) as string))) {
    await offerUploadOnce(trx, pieceId, at)
  }
}

function isFull(row: Tables['open_pieces']): boolean {
  return row.part_count >= fullAt.parts || row.characters >= fullAt.characters
}

/** At other questions the chat is told by the next question. */
function isTold(step: Step | null): boolean {
  return step === null || step === 'body' || step === 'review'
}
