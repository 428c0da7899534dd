import { codePoint } from 'dingbat-to-unicode'

const fontsOfSymbols = /^(?:symbol|webdings|wingdings(?: [23])?|zapf dingbats)$/i

// Arrows and ticks of Wingdings, in characters that every font has: few have those that Unicode made after them.
const usual = new Map<number, string>([
  ...[...'←→↑↓↖↗↙↘⇐⇒⇑⇓'].map((arrow, i): [number, string] => [0xdf + i, arrow]),
  [0xfb, '✗'],
  [0xfd, '☒'],
  [0xfe, '☑'],
])

/** The font if its letters are pictures, as those of Wingdings: there a J is a smile. Undefined for any other. */
export function symbolFontOf(family: string | undefined): string | undefined {
  const first = family?.split(',', 1)[0]?.replace(/["']/g, '').trim() ?? ''
  return fontsOfSymbols.test(first) ? capitalised(first) : undefined
}

/** Text in such a font, in the characters that it shows. What is not known is named by its place in the font. */
export function symbols(text: string, font: string): string {
  return [...text].map((character) => symbol(character.codePointAt(0) ?? 0, font)).join('')
}

/** One character of such a font. Programs put its codes into the private use area, from F000. */
export function symbol(code: number, font: string): string {
  const place = code >= 0xf000 && code <= 0xf0ff ? code - 0xf000 : code
  if (place <= 0x20 || place === 0xa0) return ' '
  const known = font === 'Wingdings' ? usual.get(place) : undefined
  const found = known ?? (place <= 0xff ? codePoint(font, place)?.string : String.fromCodePoint(place))
  return found ?? `[${font} ${place.toString(16).toUpperCase()}]`
}

/** As the tables of symbols write it. */
function capitalised(font: string): string {
  return font.toLowerCase().replace(/(?:^| )[a-z]/g, (letter) => letter.toUpperCase())
}
