const [isolate, endOfIsolate, endOfEmbedding] = ['\u2068', '\u2069', '\u202c']
const opening = new Map([
  ...['\u202a', '\u202b', '\u202d', '\u202e'].map((control) => [control, endOfEmbedding] as const),
  ...['\u2066', '\u2067', isolate].map((control) => [control, endOfIsolate] as const),
])
const controls = /[\u202a-\u202e\u2066-\u2069]/
const paragraphs = /([\n\r\u0085\u2029]+)/

/**
 * A text as it may stand within another: whatever directions it sets (https://unicode.org/reports/tr9/) end with it, and it
 * ends none that were set around it. A text that sets none stays as it is.
 */
export function isolated(text: string): string {
  if (!controls.test(text)) return text
  // What is set ends with its paragraph.
  return text
    .split(paragraphs)
    .map((section, i) =>
      i % 2 === 1 || section === '' ? section : isolate + balanced(section) + endOfIsolate,
    )
    .join('')
}

/** Without ends of what was not begun, and with the ends that are missing. */
function balanced(paragraph: string): string {
  const open: string[] = []
  let made = ''
  for (const letter of paragraph) {
    const end = opening.get(letter)
    if (end !== undefined) open.push(end)
    else if (letter === endOfEmbedding) {
      if (open.at(-1) !== endOfEmbedding) continue
      open.pop()
    } else if (letter === endOfIsolate) {
      const from = open.lastIndexOf(endOfIsolate)
      if (from < 0) continue
      // It ends the embeddings within as well.
      open.length = from
    }
    made += letter
  }
  return made + open.toReversed().join('')
}
