import { z } from 'zod'
import { channels, kinds, type State, states } from '../db/values.ts'
import type { ContentAccess, Keys } from '../encryption/types.ts'
import type { Submission, Summary } from './model.ts'
import { Tag } from './tag.ts'

/** The views of the inbox: what an editor looks for most, by a name each. */
export const views = ['waiting', 'mine', 'in-review', 'accepted', 'declined', 'spam', 'all'] as const
export type View = (typeof views)[number]

export const viewNames: Record<View, string> = {
  waiting: 'Waiting',
  mine: 'Mine',
  'in-review': 'In review',
  accepted: 'Accepted',
  declined: 'Declined',
  spam: 'Spam',
  all: 'All',
}

/** The state that a view shows, where it shows one only. */
export function stateOf(view: View): State | undefined {
  return view === 'mine' || view === 'all' ? undefined : view
}

/** What is mine is what I still have to do, unless I ask for another state. */
const openStates: readonly State[] = ['waiting', 'in-review']

/** The assignee of submissions that nobody has claimed. */
const nobody = 'nobody'

const wanted = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)
const date = z.iso.date()

/** What a list is asked for, as it stands in a URL. What makes no sense there is left out. */
export const Wanted = z.object({
  view: z.enum(views).catch('waiting'),
  kind: wanted(z.enum(kinds)),
  channel: wanted(z.enum(channels)),
  state: wanted(z.enum(states)),
  /** An editor's id, or `nobody`. */
  editor: wanted(z.union([z.uuid(), z.literal(nobody)])),
  tag: wanted(Tag),
  /** Days, both included, in UTC. */
  from: wanted(date),
  until: wanted(date),
  /** Words to search for. */
  q: wanted(z.string().trim().min(1).max(200)),
  /** Where the page before ended. */
  after: wanted(z.string().regex(/^[\da-f-]{1,36}$/)),
})
export type Wanted = z.infer<typeof Wanted>

/** What a list is narrowed to: the same for every editor who asks. */
export type Filter = {
  kind?: Wanted['kind']
  channel?: Wanted['channel']
  states?: readonly State[] | undefined
  /** Empty for what nobody has claimed. */
  assigneeId?: string | undefined
  tag?: string | undefined
  /** Milliseconds: from here on, and before there. */
  since?: number | undefined
  before?: number | undefined
}

const day = 86_400_000

/** What an editor's wish means. A view's own state or editor goes before a filter's. */
export function filterOf(wish: Wanted, editorId: string): Filter {
  const { view, kind, channel, state, editor, tag, from, until } = wish
  return {
    kind,
    channel,
    states: statesOf(view, state),
    assigneeId: view === 'mine' ? editorId : editor === nobody ? '' : editor,
    tag,
    since: from && Date.parse(from),
    before: until && Date.parse(until) + day,
  } as Filter
}

function statesOf(view: View, state: State | undefined): readonly State[] | undefined {
  const only = stateOf(view) ?? state
  if (only) return [only]
  return view === 'mine' ? openStates : undefined
}

/** True if the wish narrows its view at all. */
export function isNarrowed({ kind, channel, state, editor, tag, from, until, q }: Wanted): boolean {
  return [kind, channel, state, editor, tag, from, until, q].some((one) => one !== undefined)
}

/** A row of the inbox. */
export type Listed = Submission & {
  summary: Summary
  access: ContentAccess
  tags: string[]
  /** The sender wrote since this editor last opened it. */
  isUnread: boolean
  hasFailedJob: boolean
}

/** A page of the inbox: where the next one starts, if there is more to look through. */
export type Page = {
  rows: Listed[]
  next: string | undefined
  /** True if there may be more, though this page is not full: only so many hits are looked through at once. */
  isPartial: boolean
}

export type PageRequest = {
  filter: Filter
  size: number
  after?: string | undefined
  editorId: string
  /** What opens the titles of confidential submissions; without them they are known by their references. */
  keys?: Keys
}
