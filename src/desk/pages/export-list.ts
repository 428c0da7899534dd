import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { stringify } from 'csv-stringify'
import type { Request } from 'express'
import { nameFrom } from '../../accounts/editor.ts'
import { ignorePrematureClose } from '../../core/streams.ts'
import { cellOf } from '../../export/csv-cell.ts'
import { filterOf, type Listed, type Page, Wanted } from '../../submissions/inbox.ts'
import { readTerms } from '../../submissions/search-query.ts'
import type { DeskContext } from '../http/context.ts'
import type { DeskRoute } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'

const pageSize = 500

/** A list that leaves the house: of what is confidential, the envelope only. */
export function exportRoutes(app: DeskContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/export.csv',
      access: 'editor',
      async handle(req, res, seat) {
        await noteExport(seat, 'csv')
        res.attachment('submissions.csv')
        // Quoted, a cell stays one also for whoever reads it with several separators at once.
        const csv = stringify({ header: true, bom: true, quoted_match: /[;\t\r]/, cast: { string: cellOf } })
        await pipeline(Readable.from(rows(req, seat)), csv, res).catch(ignorePrematureClose)
      },
    },
    {
      method: 'get',
      path: '/desk/export.json',
      access: 'editor',
      async handle(req, res, seat) {
        await noteExport(seat, 'json')
        res.attachment('submissions.json')
        await pipeline(Readable.from(jsonOf(rows(req, seat))), res).catch(ignorePrematureClose)
      },
    },
  ]

  function noteExport({ editor }: Seat, detail: string): Promise<void> {
    return app.audit.add([{ action: 'exported', editorId: editor.id, detail }], app.now())
  }

  async function* rows(req: Request, { editor }: Seat) {
    const wish = Wanted.parse(req.query)
    const terms = readTerms(wish.q ?? '')
    const asked = { filter: filterOf(wish, editor.id), size: pageSize, editorId: editor.id }
    const nameOf = nameFrom(await app.editors.names())
    let after: string | undefined
    do {
      const page: Page =
        wish.q === undefined
          ? await app.inbox.page({ ...asked, after })
          : await app.inbox.search({ ...asked, after, terms })
      for (const row of page.rows) yield rowOf(row, row.assigneeId ? nameOf(row.assigneeId) : '')
      after = page.next
    } while (after !== undefined)
  }
}

function rowOf(row: Listed, editor: string) {
  const showsContent = !row.isConfidential
  return {
    reference: row.reference,
    kind: row.kind,
    channel: row.channel,
    state: row.state,
    received: new Date(row.createdAt).toISOString(),
    sender_last_wrote: new Date(row.heardAt).toISOString(),
    editor,
    tags: row.tags.join(', '),
    attachments: row.summary.attachments,
    title: (showsContent && row.summary.title) || '',
    sender: (showsContent && row.summary.sender) || '',
  }
}

async function* jsonOf(rows: AsyncIterable<object>) {
  let before = '[\n'
  for await (const row of rows) {
    yield before + JSON.stringify(row)
    before = ',\n'
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}
