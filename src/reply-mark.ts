const words = 'Write above this line to answer the sender'

/** Stands at the head of a notice: above it an editor answers, and below it stays what they answer to. */
export function replyMark(reference: string): string {
  return `--- ${words} --- ${reference}`
}

/** Found again however a mail program quotes it: behind bars, blanks and signs of quotation. */
const found = new RegExp(`^[>|\\t -]*${words}\\b(?:[^\\n]*?([\\dA-Z]{4}-[\\dA-Z]{4}))?`, 'im')

/** Where the mark stands in a text, and of which submission it speaks. */
export function findMark(text: string): { at: number; reference: string | undefined } | undefined {
  const mark = found.exec(text)
  return mark ? { at: mark.index, reference: mark[1]?.toUpperCase() } : undefined
}
