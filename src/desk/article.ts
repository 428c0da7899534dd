import type { Block, Formatted } from '../formatted.ts'
import type { Content } from '../submission.ts'
import { typed } from './typed.ts'

/** A block as the page sets it: a heading with the element that it is. */
export type SetBlock = Block & { tag?: string }

/**
 * An article as it is set on its page: with the formatting that it came with; text that was typed is shown as it was
 * typed. Links lead to the web, a mailbox or a telephone only, for nothing else is kept of them.
 */
export function articleOf({ fields, email }: Content): SetBlock[] {
  return withTags(email?.formatted ?? typed(fields.body))
}

/** The page's own heading is the title: those in the text come below it, and none skips a level on the way down. */
function withTags(blocks: Formatted): SetBlock[] {
  const outer: number[] = []
  return blocks.map((block) => {
    if (block.kind !== 'heading') return block
    while ((outer.at(-1) ?? 0) >= block.level) outer.pop()
    outer.push(block.level)
    return { ...block, tag: `h${Math.min(6, outer.length + 1)}` }
  })
}
