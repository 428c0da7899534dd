/** How the items of a list are counted. */
export type Numbering =
  | 'decimal'
  | 'decimal-leading-zero'
  | 'lower-letter'
  | 'upper-letter'
  | 'lower-roman'
  | 'upper-roman'

/** The number of an item as its list writes it, without what stands around it. */
export function numeral(number: number, numbering: Numbering): string {
  switch (numbering) {
    case 'decimal':
      return String(number)
    case 'decimal-leading-zero':
      return String(number).padStart(2, '0')
    case 'lower-letter':
      return letters(number)
    case 'upper-letter':
      return letters(number).toUpperCase()
    case 'lower-roman':
      return roman(number).toLowerCase()
    case 'upper-roman':
      return roman(number)
  }
}

/** a to z, then aa, ab and so on; what has no letters is a figure. */
function letters(number: number): string {
  if (!isBetween(number, 1, 1_000_000)) return String(number)
  let text = ''
  for (let left = number; left > 0; left = Math.floor((left - 1) / 26)) {
    text = String.fromCharCode(97 + ((left - 1) % 26)) + text
  }
  return text
}

const romans: [number, string][] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
]

function roman(number: number): string {
  if (!isBetween(number, 1, 3999)) return String(number)
  let left = number
  let text = ''
  for (const [value, digits] of romans) {
    text += digits.repeat(Math.floor(left / value))
    left %= value
  }
  return text
}

function isBetween(number: number, least: number, most: number): boolean {
  return Number.isSafeInteger(number) && number >= least && number <= most
}

/** How the items of a list are counted: the next number, and by how much it grows. */
export type List = { next: number; step: number; numbering: Numbering | undefined }
