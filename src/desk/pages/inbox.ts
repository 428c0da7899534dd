import type { Request, Response } from 'express'
import { nameFrom } from '../../accounts/editor.ts'
import {
  filterOf,
  isNarrowed,
  type Listed,
  stateOf,
  type View,
  views,
  Wanted,
} from '../../submissions/inbox.ts'
import { readReference } from '../../submissions/receipt.ts'
import { finder, type HighlightedText, marked, readTerms, type Term } from '../../submissions/search-query.ts'
import type { DeskContext } from '../http/context.ts'
import { queryOf } from '../http/inbox-link.ts'
import type { DeskRoute } from '../http/routes.ts'
import type { Seat } from '../http/seat.ts'
import { undoOffer } from './undo-offer.ts'

const pageSize = 30

/** The number beside a view goes no further. */
const mostCounted = 100
const countedViews = ['waiting', 'mine', 'in-review'] as const

type Shown = Listed & { title: HighlightedText; excerpt: HighlightedText | undefined; link: string }

/** The list of submissions: in views, filtered, searched. */
export function inboxRoutes(app: DeskContext): DeskRoute[] {
  return [{ method: 'get', path: '/desk', access: 'editor', handle: show }]

  async function show(req: Request, res: Response, seat: Seat): Promise<void> {
    const wish = Wanted.parse(req.query)
    const found = wish.q && (await named(wish.q))
    if (found) return res.redirect(303, `${app.base}/desk/submissions/${found}`)
    const terms = readTerms(wish.q ?? '')
    const asked = {
      filter: filterOf(wish, seat.editor.id),
      size: pageSize,
      after: wish.after,
      editorId: seat.editor.id,
      keys: seat.keys,
    }
    const page =
      wish.q === undefined ? await app.inbox.page(asked) : await app.inbox.search({ ...asked, terms })
    const names = await app.editors.names()
    await app.showPage(res, seat, 'desk/inbox', {
      wish,
      rows: await shown(page.rows, wish, terms),
      next: page.next && href({ ...wish, after: page.next }),
      isPartial: page.isPartial,
      first: wish.after && href({ ...wish, after: undefined }),
      isNarrowed: isNarrowed(wish),
      views: views.map((view) => ({ view, href: href({ view }) })),
      counts: await counts(seat),
      tags: await app.inbox.tagNames(),
      team: await app.editors.team(),
      nameOf: nameFrom(names),
      exportAs: (form: string) => `${app.base}/desk/export.${form}?${queryOf({ ...wish, after: undefined })}`,
      list: queryOf({ ...wish, after: undefined }),
      undo: await undoOffer(app, seat, req.query.undo),
      outcome: outcomeOf(req.query),
      erased: readReference(req.query.erased),
      stateOf,
    })
  }

  /** The reference of a submission, if that is what was searched for. */
  async function named(q: string): Promise<string | undefined> {
    const reference = readReference(q)
    return reference && (await app.submissions.byReference(reference))?.reference
  }

  async function counts({ editor }: Seat): Promise<Partial<Record<View, number>>> {
    const counted: Partial<Record<View, number>> = {}
    for (const view of countedViews) {
      counted[view] = await app.inbox.count(filterOf(Wanted.parse({ view }), editor.id), mostCounted)
    }
    return counted
  }

  async function shown(rows: Listed[], wish: Wanted, terms: Term[]): Promise<Shown[]> {
    const texts = terms.length > 0 ? await app.inbox.texts(rows.map((row) => row.id)) : new Map()
    const find = finder(terms)
    const list = encodeURIComponent(queryOf({ ...wish, after: undefined }))
    return rows.map((row) => ({
      ...row,
      title: marked(row.summary.title ?? row.reference, find, 300),
      excerpt: find && excerpt(texts.get(row.id) ?? [], find),
      link: `${app.base}/desk/submissions/${row.reference}?list=${list}`,
    }))
  }

  function href(wish: Partial<Wanted>): string {
    return `${app.base}/desk?${queryOf(wish)}`
  }
}

/** The first text that has a hit, around it. */
function excerpt(texts: string[], find: RegExp): HighlightedText | undefined {
  for (const text of texts) {
    const parts = marked(text, find)
    if (parts.some((part) => part.isHit)) return parts
  }
  return undefined
}

/** What became of a deed with many, as the link back says it. */
function outcomeOf({ done, left }: Request['query']): { done: number; left: number } | undefined {
  const [did, didNot] = [Number(done), Number(left)]
  return Number.isInteger(did) && Number.isInteger(didNot) ? { done: did, left: didNot } : undefined
}
