/**
 * What shows nothing, alone or among itself: what Unicode says may be ignored (Default_Ignorable_Code_Point, with the
 * Hangul fillers), controls, the anchors of interlinear annotation, and blanks that are no white space: those of
 * Braille, of Western musical notation and of hieroglyphs.
 */
const unseen =
  /[[\p{Default_Ignorable_Code_Point}\p{Cc}\u{FFF9}-\u{FFFB}\u{2800}\u{1D159}\u{13441}\u{13442}]--[\s]]/gv

/** True for a text that shows anything. What shows nothing within it belongs to it: some scripts need joiners. */
export function isVisible(text: string): boolean {
  return visibleLength(text) > 0
}

/** How long a text is without what shows nothing, in UTF-16 units. */
export function visibleLength(text: string): number {
  return text.replace(unseen, '').trim().length
}

const letters = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** A text of at most so many UTF-16 units: where it had more, it ends with “…”, and no letter of it is cut in two. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  let end = 0
  for (const { index, segment } of letters.segment(text)) {
    if (index + segment.length > most - 1) break
    end = index + segment.length
  }
  return `${text.slice(0, end).trimEnd()}…`
}
