import { type Block, type Formatted, textOf } from '../../submissions/formatted-text.ts'
import type { Content } from '../../submissions/model.ts'
import { isShort, shortestBelow, typed } from './typed-text.ts'

/** A block as the page sets it: a heading with the element that it is. */
type SetBlock = Block & { tag?: string }

/**
 * An article as it is set on its page: with the formatting that it came with; text that was typed is shown as it was
 * typed. Links lead to the web, a mailbox or a telephone only, for nothing else is kept of them.
 */
export function articleOf({ fields, email }: Content): SetBlock[] {
  return withTags(email?.formatted ? withHeadings(email.formatted) : typed(fields.body))
}

/** Where nothing is marked as a heading, a short paragraph above a long one is set as one, for show. */
function withHeadings(blocks: Formatted): Formatted {
  if (blocks.some(({ kind }) => kind === 'heading')) return blocks
  return blocks.map((block, i) => {
    const isAbove = i > 0 && isByItself(block) && isLong(blocks[i + 1])
    return isAbove && block.kind === 'paragraph' ? { kind: 'heading', level: 2, runs: block.runs } : block
  })
}

function isByItself(block: Block): boolean {
  return (
    block.kind === 'paragraph' &&
    !block.indent &&
    !block.quoted &&
    !block.marker &&
    isShort(textOf(block.runs))
  )
}

function isLong(block: Block | undefined): boolean {
  return block?.kind === 'paragraph' && textOf(block.runs).length >= shortestBelow
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
